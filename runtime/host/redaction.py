"""What must never be written to a log: credentials by the name of their field or by their shape in a text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

REDACTED = "[redacted]"

_SECRET_NAMES = re.compile(
    r"authorization|cookie|passw|secret|token|api_?key|(^|_)document|(^|_)cpf|(^|_)cnpj|x.edge.auth|credential",
    re.IGNORECASE,
)
_SECRET_TEXTS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {REDACTED}"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), REDACTED),
    (re.compile(r"(?<=://)([^\s:/@]*):[^\s/@]+@"), rf"\1:{REDACTED}@"),
    (
        re.compile(
            r"(?i)(\"?\b(?:password|passwd|secret|[\w-]*token|secret_key)\"?\s*[:=]\s*)[\"']?[^\s\"',;&}]+"
        ),
        rf"\1{REDACTED}",
    ),
    # CPF and CNPJ (alphanumeric since 2026) with their punctuation, then bare when the check digits agree.
    (re.compile(r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b"), REDACTED),
    (re.compile(r"\b[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/[0-9A-Z]{4}-\d{2}\b"), REDACTED),
)
_BARE_DOCUMENT = re.compile(r"(?<![\w.-])(?:\d{11}|[0-9A-Z]{12}\d{2})(?![\w.-])")
# One cheap look that most texts pass: without one of these, no pattern above can match.
_SUSPICIOUS = re.compile(
    r"eyJ|://|(?i:bearer|basic|passw|secret|token)|\d{3}\.\d{3}|[0-9A-Z]{3}/[0-9A-Z]{4}-|[0-9A-Z]{9}\d\d"
)
_DEPTH = 6


def redact_text(text: str) -> str:
    """The text with everything that looks like a credential or a personal document replaced."""
    if _SUSPICIOUS.search(text) is None:
        return text
    for pattern, replacement in _SECRET_TEXTS:
        text = pattern.sub(replacement, text)
    return _BARE_DOCUMENT.sub(lambda match: REDACTED if _is_document(match[0]) else match[0], text)


def redact(value: Any, name: str = "", depth: int = _DEPTH) -> Any:
    """``value`` as it may be written under the field ``name``; containers are copied, other objects kept."""
    if name and _is_secret_name(name) and value not in (None, "", False, True):
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes):
        return redact_text(value.decode(errors="replace"))
    if depth == 0:
        return REDACTED if isinstance(value, Mapping | list | tuple | set | frozenset) else value
    if isinstance(value, Mapping):
        return {key: redact(item, str(key), depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, "", depth - 1) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else redact_text(str(value))


@lru_cache(maxsize=1024)
def _is_secret_name(name: str) -> bool:
    return _SECRET_NAMES.search(name) is not None


def _is_document(text: str) -> bool:
    """Whether 11 digits or 14 characters carry the check digits (modulo 11) of a CPF or CNPJ."""
    values = [ord(character) - 48 for character in text]
    if len(set(values)) == 1:
        return False
    most = 11 if len(text) == 11 else 9
    for length in (len(text) - 2, len(text) - 1):
        weights = [2 + (length - 1 - position) % (most - 1) for position in range(length)]
        rest = sum(value * weight for value, weight in zip(values, weights, strict=False)) % 11
        if values[length] != (0 if rest < 2 else 11 - rest):
            return False
    return True
