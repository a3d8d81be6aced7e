"""Errors named by what happens next: refused (4xx, never retried), retry later (503), poison (dead letter)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One refused field: a JSON pointer into the body (or ``/query/name``), and why, in both languages."""

    pointer: str
    code: str
    en: str
    pt: str


@dataclass(eq=False)
class RefusedError(Exception):
    """The request is refused for good; sending it again unchanged will be refused again.

    ``code`` is a stable identifier clients may branch on; ``en`` and ``pt`` are the sentence a person reads.
    ``extra`` is added to the problem document as it stands.
    """

    code: str
    en: str
    pt: str
    status: int = 400
    fields: Sequence[FieldProblem] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.en}"


class UnauthorizedError(RefusedError):
    """401: who is asking is not known."""

    def __init__(
        self, code: str = "unauthorized", en: str = "Sign in first.", pt: str = "Entre primeiro."
    ) -> None:
        super().__init__(code, en, pt, 401, headers={"WWW-Authenticate": "Bearer"})


class ForbiddenError(RefusedError):
    """403: known, but may not do this."""

    def __init__(
        self,
        code: str = "forbidden",
        en: str = "Your role may not do this.",
        pt: str = "Seu perfil não permite esta operação.",
    ) -> None:
        super().__init__(code, en, pt, 403)


class NotFoundError(RefusedError):
    """404: there is no such thing in this store (which is also the answer for another store's things)."""

    def __init__(
        self,
        code: str = "not_found",
        en: str = "There is no such resource.",
        pt: str = "Recurso não encontrado.",
    ) -> None:
        super().__init__(code, en, pt, 404)


class ConflictError(RefusedError):
    """409: the present state of things does not allow this."""

    def __init__(self, code: str, en: str, pt: str, **extra: Any) -> None:
        super().__init__(code, en, pt, 409, extra=extra)


class StateConflictError(ConflictError):
    """409: the state machine has no such transition; says the current state and the allowed next ones."""

    def __init__(self, current: str, action: str, allowed: Sequence[str]) -> None:
        super().__init__(
            "state_conflict",
            f"'{action}' is not possible in state '{current}'.",
            f"'{action}' não é possível no estado '{current}'.",
            current_state=current,
            allowed_actions=list(allowed),
        )


class PreconditionFailedError(RefusedError):
    """412: the If-Match header names another version of the resource than the current one."""

    def __init__(self) -> None:
        super().__init__(
            "stale",
            "The resource has changed since you read it; read it again.",
            "O recurso mudou desde a leitura; leia-o novamente.",
            412,
        )


class InvalidError(RefusedError):
    """422: well-formed, but its content is refused; ``fields`` says where."""

    def __init__(self, *fields: FieldProblem, code: str = "invalid") -> None:
        super().__init__(
            code, "Some fields are not valid.", "Alguns campos não são válidos.", 422, fields=fields
        )


class TooManyRequestsError(RefusedError):
    """429: asked too often; ``retry_after_s`` says when it may be asked again."""

    def __init__(self, retry_after_s: int, code: str = "too_many_requests") -> None:
        super().__init__(
            code,
            f"Too many requests; try again in {retry_after_s} s.",
            f"Muitas requisições; tente novamente em {retry_after_s} s.",
            429,
            headers={"Retry-After": str(retry_after_s)},
        )


class RetryLaterError(Exception):
    """A dependency is away or busy: nothing was done (or it is unknown); the same request may be sent again."""

    def __init__(self, reason: str, retry_after_s: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class PoisonError(Exception):
    """An event that cannot be applied however often it is tried; it goes to the dead letters."""


class StartupError(Exception):
    """The process must not start; each problem is one line for the operator."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
