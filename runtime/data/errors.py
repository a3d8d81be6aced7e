"""The one place where driver exceptions become the program's own: refused, or retry later."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import asyncpg

from runtime.errors import ConflictError, InvalidError, RefusedError, RetryLaterError


class UniqueViolationError(ConflictError):
    """409: another row already has this value; ``constraint`` names the unique constraint."""

    def __init__(self, constraint: str) -> None:
        super().__init__("already_exists", "It already exists.", "Já existe.", constraint=constraint)
        self.constraint = constraint


class UnknownReferenceError(RefusedError):
    """422: the request names a thing that this store does not have; ``constraint`` names the foreign key."""

    def __init__(self, constraint: str) -> None:
        super().__init__(
            "unknown_reference",
            "The request refers to something that does not exist.",
            "A requisição se refere a algo que não existe.",
            422,
            extra={"constraint": constraint},
        )
        self.constraint = constraint


class LockTimeoutError(RetryLaterError):
    """Another transaction held the row for longer than lock_timeout."""


class ReadOnlyServerError(RetryLaterError):
    """The server takes no writes (it was demoted, or is a standby): other connections may lead to its successor."""


class TooMuchAtOnceError(RetryLaterError):
    """The statement ran into a limit of time, memory or temporary files: a smaller piece of the work may fit.

    ``events`` says of what the work consisted, where that is known: how many events of which tenant.
    """

    events: Counter[UUID] | None = None


# Whole classes: connection exceptions, rollbacks, operator intervention, errors of the server's system (I/O).
_TRANSIENT_CLASSES = ("08", "40", "57", "58")
# Ended while idle (25P03) or for its length (25P04), resources, an object in use, a lock not to be had. Others of their
# classes are faults of the statement, which would fail again for ever.
_TRANSIENT_STATES = frozenset({"25P03", "25P04", "53000", "53100", "53200", "53300", "55006", "55P03"})
# Statement timeout (or a cancelled query), memory, limits such as temp_file_limit.
_TOO_MUCH = frozenset({"57014", "53200", "53400"})
_READ_ONLY = "25006"


def translate(error: BaseException) -> Exception | None:
    """The program's exception for a driver exception; None when it is none of the driver's.

    asyncpg raises a bare ``InternalClientError`` when a pooled backend is terminated under it, so it is listed
    beside the PostgreSQL classes.
    """
    if isinstance(error, asyncpg.PostgresError):
        return _translate_server(error)
    if isinstance(error, asyncpg.DataError):  # refused by the driver's own encoder: out of range, wrong type
        return InvalidError(code="invalid_value")
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError | TimeoutError):
        return RetryLaterError(f"database: {type(error).__name__}")
    return None


def not_connected(error: Exception) -> RetryLaterError:
    """What any failure to get a connection is, a refused login included: nothing has been done, it may pass."""
    known = translate(error)
    return known if isinstance(known, RetryLaterError) else RetryLaterError(f"database: {error!r}")


def _translate_server(error: asyncpg.PostgresError) -> Exception | None:
    state = error.sqlstate or ""
    constraint = getattr(error, "constraint_name", None) or ""
    if state == "23505":
        return UniqueViolationError(constraint)
    if state == "23503":
        return UnknownReferenceError(constraint)
    if state == "55P03":
        return LockTimeoutError("database: lock timeout")
    if state == _READ_ONLY:
        return ReadOnlyServerError("database: the server is read-only")
    if state in _TOO_MUCH:
        return TooMuchAtOnceError(f"database: SQLSTATE {state}")
    if state.startswith(("22", "23")):
        refused = InvalidError(code="out_of_range" if state in ("23514", "22003") else "invalid_value")
        if constraint:
            refused.extra = {"constraint": constraint}
        return refused
    if state.startswith(_TRANSIENT_CLASSES) or state in _TRANSIENT_STATES:
        return RetryLaterError(f"database: SQLSTATE {state}")
    return None
