"""Keys for each purpose, derived from SECRET_KEY with HKDF (RFC 5869) so that no two purposes share one."""

from __future__ import annotations

import hashlib
import hmac

_SALT = b"basecommerce.v1"
_LENGTH = 64


def derive(secret: str, purpose: str) -> bytes:
    """64 bytes that only this secret and this purpose give."""
    extracted = hmac.digest(_SALT, secret.encode(), hashlib.sha256)
    derived, block, counter = b"", b"", 1
    while len(derived) < _LENGTH:
        block = hmac.digest(extracted, block + purpose.encode() + bytes((counter,)), hashlib.sha256)
        derived += block
        counter += 1
    return derived[:_LENGTH]


class KeyRing:
    """The keys of one purpose: the first signs, all of them verify (a rotation keeps the former one)."""

    __slots__ = ("_all",)

    def __init__(self, purpose: str, current: str, previous: str = "") -> None:
        self._all = tuple(derive(secret, purpose) for secret in (current, previous) if secret)

    @property
    def signing(self) -> bytes:
        """The key that new signatures are made with."""
        return self._all[0]

    @property
    def verifying(self) -> tuple[bytes, ...]:
        """Every key whose signatures are still accepted."""
        return self._all
