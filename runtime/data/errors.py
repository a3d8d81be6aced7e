"""The one place where driver exceptions become the program's own: refused, or retry later."""

from __future__ import annotations

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


# Connection exceptions, rollbacks, insufficient resources, lock not available, operator intervention.
_TRANSIENT_CLASSES = ("08", "40", "53", "55", "57")


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


def _translate_server(error: asyncpg.PostgresError) -> Exception | None:
    state = error.sqlstate or ""
    constraint = getattr(error, "constraint_name", None) or ""
    if state == "23505":
        return UniqueViolationError(constraint)
    if state == "23503":
        return UnknownReferenceError(constraint)
    if state == "55P03":
        return LockTimeoutError("database: lock timeout")
    if state.startswith(("22", "23")):
        refused = InvalidError(code="out_of_range" if state in ("23514", "22003") else "invalid_value")
        if constraint:
            refused.extra = {"constraint": constraint}
        return refused
    if state.startswith(_TRANSIENT_CLASSES):
        return RetryLaterError(f"database: SQLSTATE {state}")
    return None
