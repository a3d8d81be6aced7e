"""Nothing secret, one line per event, and libraries' records go the same way."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from runtime.host.logs import configure_logs, get_logger, security_event
from runtime.host.redaction import redact, redact_text


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, access = root.handlers[:], root.level, logging.getLogger("aiohttp.access").level
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers, root.level = handlers, level
    logging.getLogger("aiohttp.access").setLevel(access)


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_event_is_one_line_with_level_time_module_and_bound_fields(capsys) -> None:
    configure_logs("INFO", "json")
    structlog.contextvars.bind_contextvars(request_id="r1", tenant="demo")
    get_logger("runtime.x").info("order created", total="10.00")
    (line,) = written(capsys)
    assert line.pop("timestamp")
    assert line == {
        "event": "order created",
        "level": "info",
        "logger": "runtime.x",
        "request_id": "r1",
        "tenant": "demo",
        "total": "10.00",
    }


def test_levels_below_the_configured_one_are_not_written(capsys) -> None:
    configure_logs("WARNING", "json")
    get_logger("x").info("quiet")
    logging.getLogger("library").info("quiet")
    assert written(capsys) == []


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_line_break_in_a_value_makes_no_second_line(capsys, log_format) -> None:
    configure_logs("INFO", log_format)
    get_logger("x").info("login\nfailed", name="eve\r\n2026-01-01 info admin logged in\u2028\x1b[2J")
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    assert "\x1b" not in out


def test_a_traceback_in_json_is_a_field_of_the_same_line(capsys) -> None:
    configure_logs("INFO", "json")
    try:
        raise ValueError("postgresql://app:hunter22@db/x")
    except ValueError:
        get_logger("x").exception("actor crashed")
    (line,) = written(capsys)
    assert "ValueError" in str(line["exception"])
    assert "hunter22" not in str(line)


def test_records_of_libraries_are_written_and_redacted_like_ours(capsys) -> None:
    configure_logs("INFO", "json")
    logging.getLogger("library").warning("Authorization: Bearer %s", "abcdefghijklmnop")
    (line,) = written(capsys)
    assert line["logger"] == "library"
    assert line["level"] == "warning"
    assert "abcdefghijklmnop" not in str(line)


def test_security_events_have_a_level_of_their_own(capsys) -> None:
    configure_logs("WARNING", "json")
    security_event("login refused", account="a")
    structlog.get_logger("security").warning("throttled")
    assert [line["level"] for line in written(capsys)] == ["security", "security"]


@pytest.mark.parametrize(
    "text",
    [
        "Bearer 0123456789abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "redis://default:hunter2@cache:6379/0",
        '{"password": "hunter2"}',
        "refresh_token=hunter2&x=1",
        "cpf 529.982.247-25",
        "cpf 52998224725",
        "cnpj 11.222.333/0001-81",
        "cnpj 11222333000181",
        "cnpj 12ABC34501DE35",
    ],
)
def test_credentials_and_documents_are_recognised_by_their_shape(text) -> None:
    shown = redact_text(text)
    assert "[redacted]" in shown
    for secret in ("hunter2", "0123456789abcdef", "eyJ", "529", "222", "ABC"):
        assert secret not in shown


@pytest.mark.parametrize(
    "text",
    [
        "11111111111",
        "12345678901",
        "0198f3c2-7a50-7cc1-8a25-5e1d2b3c4d5e",
        "quote 2026-000123",
        "12:00:00.123456",
    ],
)
def test_other_numbers_stay_readable(text) -> None:
    assert redact_text(text) == text


def test_fields_are_hidden_by_their_name_at_any_depth() -> None:
    shown = redact(
        {
            "headers": [{"Cookie": "a=b"}, {"X-Edge-Auth": "s"}],
            "user": {"password_hash": "h", "name": "Ana", "document": "x"},
            "items": 3,
        }
    )
    assert shown == {
        "headers": [{"Cookie": "[redacted]"}, {"X-Edge-Auth": "[redacted]"}],
        "user": {"password_hash": "[redacted]", "name": "Ana", "document": "[redacted]"},
        "items": 3,
    }
