from __future__ import annotations

import pytest

from runtime.web.tags import content_tag, names, version_tag


@pytest.mark.parametrize("header", ['"3"', 'W/"3"', ' "3" ', '"1", "3"', '"1",W/"3"', "*", " * "])
def test_a_header_names_a_tag_in_any_form(header: str) -> None:
    assert names(header, version_tag(3))


@pytest.mark.parametrize("header", ["", "3", '"33"', '"3', 'w/"3"', '"1", *', ",", 'W/ "3"'])
def test_anything_else_names_no_tag(header: str) -> None:
    assert not names(header, version_tag(3))


def test_the_tag_of_a_document_is_that_of_its_content() -> None:
    assert content_tag(b"a") == content_tag(b"a") != content_tag(b"b")
    assert content_tag(b"").startswith('"')
