"""The table of guards follows the sources: each is found where it is said to be, and its tests exist."""

from __future__ import annotations

import re

import pytest

from tests.mutants.guard import ROOT, Guard, StaleGuardError
from tests.mutants.table import GUARDS


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_is_where_the_table_says_and_has_tests(guard: Guard) -> None:
    assert guard.mutated((ROOT / guard.file).read_text()) != (ROOT / guard.file).read_text()
    assert guard.tests
    for test in guard.tests:
        file, _, name = test.partition("::")
        source = (ROOT / file).read_text()
        assert not name or re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), test


def test_guards_have_names_of_their_own() -> None:
    assert len({guard.name for guard in GUARDS}) == len(GUARDS)


def test_a_guard_that_is_no_longer_there_is_said() -> None:
    with pytest.raises(StaleGuardError, match="0 times"):
        GUARDS[0].mutated("something else")
