"""Columns of values for set-based statements.

asyncpg encodes a list element by element and asks of each whether it is a list itself, which costs ten times as much
as writing the array as PostgreSQL reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson


def array_literal(values: Sequence[Any]) -> str:
    """The text PostgreSQL reads as an array of these numbers, days, moments, ids or plain words.

    JSON's and PostgreSQL's notations differ in their brackets only, as long as texts need no escapes.
    """
    return f"{{{orjson.dumps(values)[1:-1].decode()}}}"
