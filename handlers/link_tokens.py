"""Tokens of the links that a store gives to its customers: nobody can guess one, and only its hash is kept."""

from __future__ import annotations

import hashlib
import secrets

_BYTES = 24


def new_token() -> str:
    """A token for one link."""
    return secrets.token_hex(_BYTES)


def hash_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()
