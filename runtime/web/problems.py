"""Refusals as RFC 9457 problem documents, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from runtime.errors import FieldProblem, InvalidError, RefusedError, RetryLaterError
from runtime.web.sentences import FIELD_SENTENCES, OTHER_FIELD

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "/docs#problem-"

SECURITY_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    # Otherwise aiohttp tells everybody its version.
    "Server": "BaseCommerce",
}
"""On every answer that says nothing else."""

TITLES: Mapping[int, tuple[str, str]] = {
    400: ("Malformed request", "Requisição malformada"),
    401: ("Not signed in", "Não autenticado"),
    403: ("Not allowed", "Não permitido"),
    404: ("Not found", "Não encontrado"),
    405: ("Method not allowed", "Método não permitido"),
    406: ("Not acceptable", "Não aceitável"),
    409: ("Conflict", "Conflito"),
    412: ("Stale version", "Versão desatualizada"),
    413: ("Too large", "Grande demais"),
    415: ("Unsupported media type", "Tipo de mídia não suportado"),
    417: ("Expectation failed", "Expectativa não atendida"),
    422: ("Invalid content", "Conteúdo inválido"),
    428: ("Precondition required", "Pré-condição necessária"),
    429: ("Too many requests", "Requisições demais"),
    431: ("Headers too large", "Cabeçalhos grandes demais"),
    500: ("Internal error", "Erro interno"),
    503: ("Try again later", "Tente novamente mais tarde"),
}

_STATUS_SENTENCES: Mapping[int, tuple[str, str, str]] = {
    400: ("malformed", "The request is malformed.", "A requisição está malformada."),
    404: ("not_found", "There is nothing at this address.", "Não há nada neste endereço."),
    405: (
        "method_not_allowed",
        "The address does not take this method.",
        "O endereço não aceita este método.",
    ),
    413: ("too_large", "The request is too large.", "A requisição é grande demais."),
    431: (
        "headers_too_large",
        "The address or a header is longer than 8 KiB.",
        "O endereço ou um cabeçalho tem mais de 8 KiB.",
    ),
}


def invalid(error: ValidationError, *, at: str = "") -> InvalidError:
    """The refusal (422) for what pydantic found; pointers start with ``at`` (empty for the body)."""
    return InvalidError(
        *(_field_problem(found, at) for found in error.errors(include_url=False, include_input=False)[:100])
    )


def of_status(status: int, headers: Mapping[str, str] | None = None) -> RefusedError:
    """The refusal for a bare status of the HTTP server itself (404, 405, 413 ...)."""
    code, en, pt = _STATUS_SENTENCES.get(
        status, ("malformed", "The request was refused.", "A requisição foi recusada.")
    )
    return RefusedError(code, en, pt, status, headers=headers or {})


def of_retry(error: RetryLaterError) -> RefusedError:
    """The 503 for a dependency that is away or busy; what exactly is for the log, not for the client."""
    return RefusedError(
        "unavailable",
        "The service is busy; the same request may be sent again.",
        "O serviço está ocupado; a mesma requisição pode ser enviada novamente.",
        503,
        headers={"Retry-After": str(max(1, error.retry_after_s))},
    )


def internal() -> RefusedError:
    """The 500 for a fault of ours: without details, which are in the log under the request's id."""
    return RefusedError(
        "internal",
        "Something went wrong on our side; it has been recorded.",
        "Algo deu errado do nosso lado; o erro foi registrado.",
        500,
    )


def document(refused: RefusedError, *, locale: str, instance: str, request_id: str) -> bytes:
    """The problem document of a refusal."""
    portuguese = locale != "en"
    titles = TITLES.get(refused.status, ("Refused", "Recusado"))
    problem: dict[str, Any] = {
        "type": f"{TYPE_PREFIX}{refused.code}",
        "title": titles[portuguese],
        "status": refused.status,
        "detail": refused.pt if portuguese else refused.en,
        "instance": instance,
        "code": refused.code,
        "request_id": request_id,
        "errors": [
            {"pointer": field.pointer, "message": field.pt if portuguese else field.en, "code": field.code}
            for field in refused.fields
        ],
    }
    for name, value in refused.extra.items():
        problem.setdefault(name, value)
    return orjson.dumps(problem, default=str)


def _field_problem(found: Any, at: str) -> FieldProblem:
    pointer = at + "".join(f"/{_escape(part)}" for part in found["loc"])
    code, en, pt = FIELD_SENTENCES.get(found["type"], OTHER_FIELD)
    context = found.get("ctx") or {}
    if found["type"] == "value_error" and isinstance(context.get("error"), Exception):
        # A validator of ours raised ValueError("English|Português").
        parts = str(context["error"]).split("|", 1)
        return FieldProblem(pointer, "invalid", parts[0], parts[-1])
    return FieldProblem(pointer, code, _fill(en, context), _fill(pt, context))


def _fill(sentence: str, context: Mapping[str, Any]) -> str:
    try:
        return sentence.format_map(context)
    except (KeyError, IndexError):
        return sentence


def _escape(part: object) -> str:
    return str(part)[:100].replace("~", "~0").replace("/", "~1")


def field_refused(pointer: str, code: str, en: str, pt: str) -> InvalidError:
    """A 422 for one field, e.g. ("/email", "taken", ...)."""
    return InvalidError(FieldProblem(pointer, code, en, pt))


def locale_of(accept_language: str | None, default: str) -> str:
    """``pt-BR`` or ``en``: the first of the two that the client prefers, else the store's own."""
    if not accept_language:
        return default
    best, best_weight = default, 0.0
    for part in accept_language[:200].split(","):
        name, _, parameters = part.strip().partition(";")
        language = name.strip().lower().split("-", 1)[0]
        if language not in ("pt", "en"):
            continue
        weight = _weight(parameters)
        if weight > best_weight:
            best, best_weight = ("en" if language == "en" else "pt-BR"), weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def server_codes() -> frozenset[str]:
    """The codes of the HTTP server's own refusals."""
    return frozenset(code for code, _, _ in _STATUS_SENTENCES.values())
