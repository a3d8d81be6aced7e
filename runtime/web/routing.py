"""Operations and how they are declared: ``@routes.post("/quotes", may="quotes:create", body=...)``.

A handler takes a ``Call``, then the path's parameters by name, then ``body`` when the operation has one. The
declaration is checked when the module is imported, so a handler that does not fit its path never gets served.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_type_hints
from uuid import UUID

from pydantic import BaseModel

from runtime.web.call import Call, Reply

Handler = Callable[..., Awaitable[Reply]]
Preparation = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=Handler)

_PARAMETER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_PERMISSION = re.compile(r"[a-z_]+:[a-z_]+")
_UUID_FORM = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WORD_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,99}")
_NUMBER_FORM = re.compile(r"[0-9]{1,9}")


def _read_uuid(text: str) -> UUID | None:
    return UUID(text) if _UUID_FORM.fullmatch(text) else None


def _read_word(text: str) -> str | None:
    return text if _WORD_FORM.fullmatch(text) else None


def _read_number(text: str) -> int | None:
    return int(text) if _NUMBER_FORM.fullmatch(text) else None


# What a path parameter may be; a reader answers None for what cannot name anything, which is a 404.
PATH_READERS: Mapping[type, Callable[[str], Any]] = {UUID: _read_uuid, str: _read_word, int: _read_number}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One HTTP operation, complete: what it takes, answers and requires."""

    method: str
    path: str
    name: str
    tag: str
    summary: str
    description: str
    handler: Handler
    may: str | None
    public: bool
    transaction: bool
    prepare: Preparation | None
    takes: Sequence[str]
    stale: bool
    audited: bool
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    answers: Any
    media: str | None
    status: int
    parameters: Mapping[str, type]
    errors: Sequence[int] = field(default=())

    @property
    def reads_body(self) -> bool:
        """True when the body is no JSON, and read by the operation itself."""
        return bool(self.takes)

    @property
    def is_write(self) -> bool:
        """True when it may change something: such operations leave an audit entry."""
        return self.method != "GET" and not (self.may or "").endswith(":read")

    @property
    def only_reads(self) -> bool:
        """True when its handler may be given a reading instead of a transaction."""
        return self.method == "GET" and self.transaction and not self.public and not self.audited


class Routes:
    """The operations of one resource; ``tag`` groups them in the API's documentation."""

    def __init__(self, tag: str, *, prefix: str = "/api/v1") -> None:
        self.tag = tag
        self.prefix = prefix
        self.operations: list[Operation] = []

    def get(self, path: str, **declared: Any) -> Callable[[H], H]:
        """Declare a reading operation; see ``add`` for what may be said about it."""
        return self.add("GET", path, **declared)

    def post(self, path: str, **declared: Any) -> Callable[[H], H]:
        """Declare a creating or acting operation."""
        return self.add("POST", path, **declared)

    def patch(self, path: str, **declared: Any) -> Callable[[H], H]:
        """Declare a partial update."""
        return self.add("PATCH", path, **declared)

    def put(self, path: str, **declared: Any) -> Callable[[H], H]:
        """Declare a replacement."""
        return self.add("PUT", path, **declared)

    def delete(self, path: str, **declared: Any) -> Callable[[H], H]:
        """Declare a removal."""
        return self.add("DELETE", path, **declared)

    def add(
        self,
        method: str,
        path: str,
        *,
        summary: str,
        may: str | None = None,
        public: bool = False,
        transaction: bool = True,
        prepare: Preparation | None = None,
        takes: Sequence[str] = (),
        stale: bool = False,
        audited: bool = False,
        query: type[BaseModel] | None = None,
        body: type[BaseModel] | None = None,
        answers: Any = None,
        media: str | None = None,
        status: int = 200,
        errors: Sequence[int] = (),
    ) -> Callable[[H], H]:
        """Declare an operation.

        ``may`` is the permission it takes; without one any signed-in user may, with ``public`` anybody.
        ``transaction=False`` leaves opening transactions to the handler (``call.tx`` is then not set), and
        idempotency keys, which live in the transaction, do not apply. ``prepare`` is given the same arguments
        before the transaction is opened, and does what is too slow to hold one open for; its result is
        ``call.prepared``. ``takes`` are the media types of a body that is no JSON; the preparation, which is there
        unless there is no transaction, reads it into ``call.content``.
        ``stale`` lets the read replica answer what others have written seconds ago without it (``runtime.web.reads``).
        ``audited`` is a GET that leaves an entry in the audit log, as everything else does that is not a GET.
        ``answers`` is the model of the JSON that is answered, ``media`` the content type of an answer that is not
        JSON. ``errors`` lists refusals beyond the usual ones.
        """
        if prepare is not None and not transaction:
            raise TypeError(f"{method} {path}: there is no transaction to prepare for")
        if takes and prepare is None and transaction:
            raise TypeError(f"{method} {path}: nothing is prepared")
        if takes and body is not None:
            raise TypeError(f"{method} {path}: the body is either JSON or read by the preparation")
        if stale and (method != "GET" or public or prepare is not None or not transaction):
            raise TypeError(f"{method} {path}: only signed-in users' plain reads may be stale")
        if audited and method != "GET":
            raise TypeError(f"{method} {path}: all but a GET is audited anyway")
        if may is not None and (public or _PERMISSION.fullmatch(may) is None):
            raise TypeError(
                f"{method} {path}: permission {may!r} should read resource:verb, on a non-public route"
            )

        def declare(handler: H) -> H:
            self.operations.append(
                Operation(
                    method=method,
                    path=self.prefix + path,
                    name=handler.__name__,
                    tag=self.tag,
                    summary=summary,
                    description=inspect.getdoc(handler) or "",
                    handler=handler,
                    may=may,
                    public=public,
                    transaction=transaction,
                    prepare=prepare,
                    takes=takes,
                    stale=stale,
                    audited=audited,
                    query=query,
                    body=body,
                    answers=answers,
                    media=media,
                    status=status,
                    parameters=_checked_parameters(f"{method} {path}", path, handler, body),
                    errors=tuple(errors),
                )
            )
            return handler

        return declare


def _checked_parameters(
    where: str, path: str, handler: Handler, body: type[BaseModel] | None
) -> Mapping[str, type]:
    if not inspect.iscoroutinefunction(handler):
        raise TypeError(f"{where}: {handler.__name__} is not an async function")
    hints = get_type_hints(handler)
    names = list(inspect.signature(handler).parameters)
    in_path = _PARAMETER.findall(path)
    expected = [*in_path, *(["body"] if body is not None else [])]
    if not names or names[0] != "call" or sorted(names[1:]) != sorted(expected):
        raise TypeError(f"{where}: {handler.__name__} should take (call, {', '.join(expected)})")
    if body is not None and hints.get("body") is not body:
        raise TypeError(f"{where}: body is declared {body.__name__} but annotated {hints.get('body')}")
    for name in in_path:
        if hints.get(name) not in PATH_READERS:
            raise TypeError(f"{where}: path parameter {name} should be UUID, str or int")
    return {name: hints[name] for name in in_path}


__all__ = ["PATH_READERS", "Call", "Handler", "Operation", "Reply", "Routes"]
