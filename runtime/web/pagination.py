"""Keyset pagination: a list answers at most ``limit`` items and an opaque, signed cursor to go on from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from runtime.errors import RefusedError
from runtime.web.keys import KeyRing

if TYPE_CHECKING:
    from runtime.web.routing import Call, Reply

T = TypeVar("T")

_MAC_BYTES = 16
_MAX_CURSOR = 1000
NOT_TAKEN: dict[str, Any] = {"not": {}}
"""The schema of a parameter that is refused whatever its value."""
_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"


def _one_order_only(_value: object) -> None:
    raise PydanticCustomError("one_order", "This list has one order only")


def _not_searched(_value: object) -> None:
    raise PydanticCustomError("not_searched", "This list is not searched")


class PageQuery(BaseModel):
    """The query parameters of every list; a list adds its own filters in a subclass."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(50, ge=1, le=200, description="Most items in one answer")
    cursor: str | None = Field(
        None, max_length=_MAX_CURSOR, description="`next_cursor` of the answer before this one"
    )


SearchText = Annotated[
    Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=_ONE_LINE)] | None,
    Field(description="Search text; accents and case do not matter"),
]


class ListQuery(PageQuery):
    """Those of a list. One that is searched takes ``q: SearchText``, one that has more than one order says which in a
    ``sort`` of its own; others refuse them rather than answer as if they had not been asked."""

    q: Annotated[Any, BeforeValidator(_not_searched), WithJsonSchema(NOT_TAKEN)] = None
    sort: Annotated[Any, BeforeValidator(_one_order_only), WithJsonSchema(NOT_TAKEN)] = None


class Page(BaseModel, Generic[T]):
    """One page of a list; ``next_cursor`` is null on the last one."""

    items: list[T]
    next_cursor: str | None


class Cursors:
    """Signs and reads cursors. A cursor is good for the list (``scope``) it was made for and no other."""

    __slots__ = ("_keys",)

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def write(self, scope: str, values: Sequence[object]) -> str:
        """The cursor that stands for these key values."""
        payload = orjson.dumps([None if value is None else str(value) for value in values])
        return base64.urlsafe_b64encode(self._mac(self._keys.signing, scope, payload) + payload).decode()

    def read(self, scope: str, cursor: str) -> list[Any]:
        """The key values (strings or None) of a cursor; refused when it is not ours or of another list."""
        try:
            raw = base64.b64decode(cursor, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _invalid_cursor() from None
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not any(hmac.compare_digest(mac, self._mac(key, scope, payload)) for key in self._keys.verifying):
            raise _invalid_cursor()
        values: list[Any] = orjson.loads(payload)
        return values

    @staticmethod
    def _mac(key: bytes, scope: str, payload: bytes) -> bytes:
        return hmac.digest(key, scope.encode() + b"\0" + payload, hashlib.sha256)[:_MAC_BYTES]


def page_reply(
    call: Call[Any],
    rows: Sequence[Any],
    limit: int,
    key: Callable[[Any], Sequence[object]],
    *,
    beyond: Sequence[object] | None = None,
) -> Reply:
    """The answer of a list: ``rows`` were fetched with ``limit + 1``, each with its JSON in column ``body``.

    ``key`` gives a row's sort key values, which the next call finds in ``call.cursor()`` as strings. ``beyond`` are
    those to go on after when not all of the list was looked through and these were all that was found.
    """
    from runtime.web.routing import Reply

    shown = rows[:limit]
    following = "null"
    if len(rows) > limit and shown:
        following = f'"{call.sign_cursor(key(shown[-1]))}"'
    elif beyond is not None:
        following = f'"{call.sign_cursor(beyond)}"'
    return Reply(f'{{"items":[{",".join([row["body"] for row in shown])}],"next_cursor":{following}}}')


def _invalid_cursor() -> RefusedError:
    return RefusedError(
        "invalid_cursor", "The cursor is not valid for this list.", "O cursor não vale para esta lista."
    )
