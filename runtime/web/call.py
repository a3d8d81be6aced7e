"""What a handler is given (``Call``) and what it gives back (``Reply``)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic
from uuid import UUID

import orjson
from pydantic import BaseModel
from typing_extensions import TypeVar

from runtime.errors import PreconditionFailedError
from runtime.web.tags import names, version_tag

if TYPE_CHECKING:
    from aiohttp import web

    from runtime.data.transactions import TenantTransaction
    from runtime.web.context import Context

Q = TypeVar("Q", default=Any)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking: a signed-in user, with the role the user has now."""

    tenant_id: UUID
    user_id: UUID
    role: str
    session_id: UUID
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Tenant:
    """The store the request is for; ``settings`` is the model that the application was created with."""

    id: UUID
    slug: str
    name: str
    status: str
    locale: str
    time_zone: str
    branding: Mapping[str, Any]
    settings: Any


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit log: what was done to which thing."""

    action: str
    thing: str
    thing_id: UUID | None
    before: Any
    after: Any


class Reply:
    """An answer: ``body`` is JSON text already built, or something to make JSON of; None answers no body. Parts that
    come one by one are sent as they come, after the handler and its deadline; only operations without a transaction
    may answer so.

    ``status`` overrides the operation's own; ``version`` becomes the ETag that ``If-Match`` is compared with.
    """

    __slots__ = ("body", "headers", "status", "version")

    def __init__(
        self,
        body: bytes | str | BaseModel | Mapping[str, Any] | AsyncGenerator[bytes] | None = None,
        *,
        status: int | None = None,
        version: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.body = body
        self.status = status
        self.version = version
        self.headers = headers

    def content(self) -> bytes:
        """The body as bytes."""
        body = self.body
        if isinstance(body, str):
            return body.encode()
        if isinstance(body, bytes):
            return body
        if body is None:
            return b""
        if isinstance(body, AsyncGenerator):
            raise TypeError("only operations without a transaction answer in parts")
        if isinstance(body, BaseModel):
            return body.__pydantic_serializer__.to_json(body)
        return orjson.dumps(body, default=str)


class Call(Generic[Q]):
    """One request to one operation: its transaction, who asks, of which store, and the validated query."""

    __slots__ = (
        "address",
        "arguments",
        "audited",
        "content",
        "context",
        "identity",
        "locale",
        "prepared",
        "query",
        "request",
        "request_id",
        "tenant",
        "tx",
    )

    tx: TenantTransaction
    identity: Identity
    tenant: Tenant
    query: Q
    arguments: Mapping[str, Any]
    prepared: Any

    def __init__(
        self, context: Context, request: web.Request, request_id: str, address: str, locale: str
    ) -> None:
        self.context = context
        self.request = request
        self.request_id = request_id
        self.locale = locale
        self.address = address
        self.audited: list[AuditEntry] = []
        self.content = b""

    def public_url(self, path: str) -> str:
        """The address under which the client would reach ``path``, a secure one when the edge took it securely."""
        scheme = self.context.tenancy.peers.scheme(self.request)
        return f"{scheme}://{self.request.host}{path}"

    def if_match(self, version: int) -> None:
        """Raise 412 when the client sent If-Match and none of its tags is this version's."""
        given = self.request.headers.get("If-Match")
        if given is not None and not names(given, version_tag(version)):
            raise PreconditionFailedError

    def audit(
        self, action: str, thing: str, thing_id: UUID | None = None, before: Any = None, after: Any = None
    ) -> None:
        """Have this written to the audit log in the same transaction, e.g. ("quote.sent", "quote", id)."""
        self.audited.append(AuditEntry(action, thing, thing_id, before, after))

    def cursor(self) -> list[Any] | None:
        """The key values after which this page starts (strings or None each); None on the first page."""
        cursor: str | None = getattr(self.query, "cursor", None)
        return None if cursor is None else self.context.cursors.read(self._cursor_scope(), cursor)

    def sign_cursor(self, values: Sequence[object]) -> str:
        """The opaque cursor for these key values, good for this list with this search, filters and order only."""
        return self.context.cursors.write(self._cursor_scope(), values)

    def _cursor_scope(self) -> str:
        # A cursor of another search or order would hold another number of key values than the list unpacks.
        query: Any = self.query
        asked = query.model_dump_json(exclude={"cursor", "limit"})
        return f"{self.tenant.id}{self.request.path}{asked}"
