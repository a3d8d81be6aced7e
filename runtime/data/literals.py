"""Values as SQL literals, for the statements that share one message with ``begin`` or ``commit`` and so have no
parameters beside them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg


def literal(value: Any) -> str:
    """The value as a literal of no type yet: what it stands for (a cast, a column, a parameter) gives it one.

    Takes None, text, bytes, whole numbers, ids, moments, and one-dimensional sequences of these for arrays. Needs
    ``standard_conforming_strings``. Raises ``asyncpg.DataError``, as the driver does for its parameters, for text that
    PostgreSQL cannot hold, and ``TypeError`` for any other kind of value.
    """
    if value is None:
        return "null"
    return "'" + _written(value).replace("'", "''") + "'"


def _written(value: Any) -> str:
    """As PostgreSQL reads the type's text form."""
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, UUID | int) and not isinstance(value, bool):
        return str(UUID(int=value.int)) if isinstance(value, UUID) else str(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.isoformat()
    if isinstance(value, Sequence):
        return "{" + ",".join(map(_element, value)) + "}"
    raise TypeError(f"no literal for a {type(value).__name__}")


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list | tuple):
        raise TypeError("no literal for an array of arrays")
    return '"' + _written(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _storable(text: str) -> str:
    if "\0" in text:
        raise asyncpg.DataError("a NUL character in a text")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise asyncpg.DataError("half a surrogate pair in a text") from error
    return text
