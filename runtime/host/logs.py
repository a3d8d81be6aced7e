"""Structured logs on standard output, one line per event, for people (``console``) or collectors (``json``).

Fields bound with ``structlog.contextvars`` (request id, tenant, user) are on every line. Secrets and personal
documents are replaced, line breaks and control characters escaped, in our own events and in libraries'.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
import structlog

from runtime.host import metrics
from runtime.host.redaction import redact, redact_text

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SECURITY = "security"
_OURS = frozenset({"event", "level", "timestamp", "logger"})

EventDict = MutableMapping[str, Any]


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """The logger of a module; events are short sentences, everything variable is a field."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return logger


def configure_logs(level: str, format: Literal["console", "json"]) -> None:  # noqa: A002 (the setting's name)
    """Route everything, the standard library's loggers included, through one chain to standard output."""
    number = logging.getLevelNamesMapping()[level]
    render = _render_console if format == "console" else _render_json
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _name_origin,
            _redact_fields,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_NamedLogger,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_StandardLibraryHandler()]
    root.setLevel(max(number, logging.INFO))
    # One line per request is ours to write; this one has no tenant and no request id.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


class RequestLog:
    """Writes the one line that every request leaves, past the chain that other events go through.

    Its fields are known and hold nothing to redact, and it is paid by every request, so it is made directly.
    """

    def __init__(self) -> None:
        configured = structlog.get_config()
        self._render = configured["processors"][-1]
        self._on = structlog.get_logger().bind().is_enabled_for(logging.INFO)

    def write(self, fields: dict[str, Any]) -> None:
        """Write ``fields`` as an event named ``request``, unless INFO is switched off."""
        if self._on:
            line = self._render(
                None,
                "info",
                {"event": "request", **fields, "level": "info", "timestamp": _now(), "logger": "request"},
            )
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def security_event(event: str, **fields: Any) -> None:
    """Log and count what an auditor looks for (login, mismatch, throttle, reuse), at the level ``security``."""
    metrics.SECURITY_EVENTS.labels(event).inc()
    get_logger(_SECURITY).warning(event, **fields)


class _NamedLogger(structlog.PrintLogger):
    """Prints to what ``sys.stdout`` is at that moment, and knows which module asked."""

    def __init__(self, name: str = "") -> None:
        super().__init__(sys.stdout)
        self.module = name


class _StandardLibraryHandler(logging.Handler):
    """Hands records of libraries to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        logger: Any = structlog.get_logger(record.name)
        logger.log(record.levelno, record.getMessage(), exc_info=record.exc_info)


def _name_origin(logger: Any, _method: str, event: EventDict) -> EventDict:
    event["logger"] = logger.module
    if logger.module == _SECURITY:
        event["level"] = _SECURITY
    return event


def _redact_fields(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return {
        key: value if key in _OURS and key != "event" else redact(value, key) for key, value in event.items()
    }


def _render_json(_logger: Any, _method: str, event: EventDict) -> str:
    line = orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    # JSON escapes the ASCII ones; U+2028 and its like end a line for some readers too.
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", line)


def _render_console(_logger: Any, _method: str, event: EventDict) -> str:
    """``12:00:00.123 info event key=value``; a traceback follows indented, so it cannot pass for events."""
    timestamp, level = str(event.pop("timestamp"))[11:23], str(event.pop("level"))
    trace, _ = event.pop("exception", None), event.pop("logger", None)
    parts = [timestamp, f"{level:<8}", _escaped(str(event.pop("event")))]
    parts += [f"{key}={_escaped(_shown(value))}" for key, value in event.items()]
    lines = [" ".join(parts)]
    if trace:
        lines += [f"    {_escaped(line)}" for line in redact_text(str(trace)).splitlines()]
    return "\n".join(lines)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return f'"{text}"' if " " in text and not text.startswith(("{", "[")) else text


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda match: repr(match[0])[1:-1], text)
