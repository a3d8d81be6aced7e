from __future__ import annotations

import base64

import pytest

from runtime.errors import RefusedError
from runtime.web.keys import KeyRing, derive
from runtime.web.pagination import Cursors

SECRET = "2xq8Zf4nTq7mWb1cKd9yRr5uHs3pLe6vJa0g"


def test_keys_of_different_purposes_and_secrets_share_nothing() -> None:
    keys = [derive(secret, purpose) for secret in (SECRET, SECRET + "x") for purpose in ("a", "b", "ab")]
    assert len({bytes(key[:32]) for key in keys} | {bytes(key[32:]) for key in keys}) == 12
    assert {len(key) for key in keys} == {64}


def test_a_key_ring_signs_with_the_first_and_verifies_with_all() -> None:
    ring = KeyRing("cursors", "new", "old")
    assert ring.signing == derive("new", "cursors")
    assert ring.verifying == (derive("new", "cursors"), derive("old", "cursors"))
    assert len(KeyRing("cursors", "new").verifying) == 1


def test_a_cursor_gives_back_what_was_put_into_it() -> None:
    cursors = Cursors(KeyRing("cursors", SECRET))
    cursor = cursors.write("list", ["a:b", None, 7])
    assert cursors.read("list", cursor) == ["a:b", None, "7"]


def test_a_cursor_outlives_a_change_of_the_secret_once() -> None:
    cursor = Cursors(KeyRing("cursors", "old")).write("list", [1])
    assert Cursors(KeyRing("cursors", "new", "old")).read("list", cursor) == ["1"]
    with pytest.raises(RefusedError):
        Cursors(KeyRing("cursors", "new")).read("list", cursor)


@pytest.mark.parametrize("position", range(0, 30, 3))
def test_a_cursor_with_one_bit_changed_is_refused(position: int) -> None:
    cursors = Cursors(KeyRing("cursors", SECRET))
    raw = bytearray(base64.urlsafe_b64decode(cursors.write("list", ["0192f0c1", 5, None])))
    raw[position] ^= 1
    with pytest.raises(RefusedError):
        cursors.read("list", base64.urlsafe_b64encode(bytes(raw)).decode())


@pytest.mark.parametrize("cursor", ["", "A", "====", "%%%", "é", "A" * 1000, "LQ", "-_-_"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(RefusedError):
        Cursors(KeyRing("cursors", SECRET)).read("list", cursor)


def test_a_cursor_of_another_list_is_refused() -> None:
    cursors = Cursors(KeyRing("cursors", SECRET))
    with pytest.raises(RefusedError):
        cursors.read("other", cursors.write("list", [1]))
