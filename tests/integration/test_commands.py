"""The command line: what it does, what it prints, and its exit codes."""

from __future__ import annotations

import asyncio
import io
import json
import re
import sys
from collections.abc import Callable
from uuid import uuid4

import asyncpg
import pytest

from runtime.__main__ import app, run
from runtime.data.database import Database
from runtime.events.registry import Presence
from runtime.settings import Settings

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(settings: Settings, monkeypatch, capsys) -> Command:
    """Run one command line on this test's database; returns exit code, standard output and standard error."""
    for name in ("database_url", "redis_url"):
        monkeypatch.setenv(name.upper(), getattr(settings, name))
    monkeypatch.setenv("ENVIRONMENT", "development")
    monkeypatch.setenv("BASECOMMERCE_HOME", str(settings.home))

    def run_command(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_command


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("run",),
        ("dev",),
        ("migrate",),
        ("tenant", "create"),
        ("user", "reset-password"),
        ("events", "replay"),
        ("engines", "rebuild"),
        ("doctor",),
        ("openapi",),
        ("top",),
        ("backup",),
        ("restore",),
        ("tenant", "import"),
    ],
)
def test_every_command_explains_itself(words, capsys) -> None:
    assert run([*words, "--help"]) == 0
    assert "Usage: basecommerce" in capsys.readouterr().out


def test_the_openapi_document_is_printed_without_any_server(no_settings_around, capsys) -> None:
    assert run(["openapi"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["openapi"].startswith("3.1")
    assert "/api/v1/quotes" in document["paths"]


def test_every_registered_command_can_be_imported() -> None:
    for name in app:
        assert app[name] is not None


def test_wrong_usage_exits_with_2(command) -> None:
    assert command("tenant", "create")[0] == 2
    assert command("no-such-command")[0] == 2
    assert command("events", "replay", "not-an-id")[0] == 2


def test_missing_settings_exit_with_1_and_a_line_each(
    no_settings_around, monkeypatch, tmp_path, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["events", "status"]) == 1
    names = [line.split(": ")[1] for line in capsys.readouterr().err.splitlines()]
    assert names == ["DATABASE_URL", "REDIS_URL"]


def test_a_store_is_made_once_with_an_owner_and_listed(command) -> None:
    code, out, _ = command("tenant", "create", "loja-azul", "Loja Azul", "--owner", "ana@loja.example")
    assert code == 0
    assert re.search(r"owner ana@loja.example, password \S{20}", out)
    assert "loja-azul  active  Loja Azul" in command("tenant", "list")[1]
    assert command("tenant", "create", "loja-azul", "Outra")[::2] == (
        1,
        "basecommerce: There is a store 'loja-azul' already.\n",
    )


@pytest.mark.parametrize("slug", ["admin", "ab", "Loja", "a--b", "ab-"])
def test_a_slug_that_cannot_be_a_subdomain_is_refused(command, slug) -> None:
    code, _, err = command("tenant", "create", "--slug", slug, "--name", "X")
    assert code == 1
    assert "/slug" in err


def test_a_store_is_suspended_and_resumed(command) -> None:
    command("tenant", "create", "loja", "Loja")
    assert command("tenant", "suspend", "loja")[:2] == (0, "store loja is suspended\n")
    assert command("tenant", "suspend", "loja")[:2] == (0, "store loja was suspended already\n")
    assert "loja" in command("tenant", "list", "--status", "suspended")[1]
    assert command("tenant", "resume", "loja")[:2] == (0, "store loja is active\n")
    assert command("tenant", "suspend", "nowhere")[::2] == (1, "basecommerce: There is no store 'nowhere'.\n")


def test_a_password_comes_from_standard_input_or_is_made(command, monkeypatch) -> None:
    command("tenant", "create", "loja", "Loja")
    monkeypatch.setattr(sys, "stdin", io.StringIO("uma frase bem longa 7\n"))
    code, out, _ = command(
        "user", "create", "loja", "Bia@Loja.example", "--role", "seller", "--password-stdin"
    )
    assert (code, out) == (0, "user Bia@Loja.example made\n")
    assert command("user", "create", "loja", "bia@loja.example", "--role", "seller")[0] == 1
    code, out, _ = command("user", "reset-password", "loja", "bia@loja.example")
    assert code == 0
    assert re.fullmatch(r"password of bia@loja.example is now \S{20}\n", out)


def test_a_poor_password_is_refused(command, monkeypatch) -> None:
    command("tenant", "create", "loja", "Loja")
    monkeypatch.setattr(sys, "stdin", io.StringIO("123456\n"))
    assert command("user", "create", "loja", "b@l.example", "--role", "driver", "--password-stdin")[0] == 1


def test_administrators_belong_to_the_platform_and_nobody_else_does(command) -> None:
    command("tenant", "create", "loja", "Loja")
    assert command("user", "create", "platform", "root@p.example", "--role", "platform_admin")[0] == 0
    assert command("user", "create", "loja", "x@p.example", "--role", "platform_admin")[0] == 1
    assert command("user", "create", "platform", "x@p.example", "--role", "owner")[0] == 1


async def _activity(url: str, email: str) -> bool:
    connection = await asyncpg.connect(url)
    try:
        active: bool = await connection.fetchval("select active from users where email = $1", email)
        return active
    finally:
        await connection.close()


def test_a_disabled_user_is_inactive(command, settings) -> None:
    import anyio

    command("tenant", "create", "loja", "Loja", "--owner", "ana@loja.example")
    assert command("user", "disable", "loja", "ana@loja.example")[:2] == (
        0,
        "user ana@loja.example disabled\n",
    )
    assert anyio.run(_activity, settings.database_url, "ana@loja.example") is False


def test_migrations_are_applied_once_and_checked(command, empty_database_url, monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    code, out, _ = command("migrate", "--check")
    assert code == 1
    assert "missing: 0001 platform" in out
    assert command("migrate")[0] == 0
    assert command("migrate", "--check")[:2] == (0, "")
    assert command("migrate")[1] == "the schema is up to date\n"


def test_the_pipeline_is_shown_per_consumer(command) -> None:
    code, out, _ = command("events", "status")
    assert code == 0
    assert out.startswith("CONSUMER")
    assert command("events", "dead-letters")[1].count("\n") == 1


def test_the_pipeline_is_told_to_programs_as_json(command) -> None:
    code, out, _ = command("events", "status", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert code == 0
    assert set(rows) >= {"relay", "stock", "sales", "pricing", "delivery"}
    assert rows["relay"]["dead_letters"] == 0


def test_the_installation_is_shown_at_a_glance_and_what_does_not_answer_is_named(
    command, monkeypatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setenv("OPS_PORT", "1")
    code, out, _ = command("top", "--once", "--interval", "0.2")
    assert code == 0
    assert re.search(r"^ *relay +(not deployed|silent)", out, re.MULTILINE)
    assert "http://127.0.0.1:1: no metrics (ClientConnectorError)" in out
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert "Redis: ConnectionError" in command("top", "--once", "--interval", "0.2")[1]
    assert command("top", "--interval", "0")[0] == 1


def test_a_dead_letter_that_does_not_exist_cannot_be_replayed(command) -> None:
    assert command("events", "replay", str(uuid4()))[0] == 1
    assert command("events", "discard", str(uuid4()))[0] == 1


def test_an_engine_is_rebuilt_store_by_store(command) -> None:
    command("tenant", "create", "loja", "Loja")
    assert command("engines", "rebuild", "stock", "loja")[:2] == (0, "loja: 0 events applied\n")
    assert command("engines", "rebuild", "oven", "loja")[0] == 1


def test_the_doctor_finds_this_installation_well_but_for_its_test_server(command) -> None:
    code, out, _ = command("doctor", "--oracles")
    problems = [line for line in out.splitlines() if line.startswith("PROBLEM")]
    assert code == 1
    assert problems == ["PROBLEM fsync is off", "PROBLEM full_page_writes is off"]
    assert "the walls between stores stand" in out
    assert "all oracles are silent" in out


def test_the_doctor_names_a_server_that_is_away(command, monkeypatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    code, out, _ = command("doctor")
    assert code == 1
    assert "PROBLEM Redis does not answer" in out


def test_an_engine_is_retired_by_name_unless_it_runs(command, settings) -> None:
    async def register() -> None:
        opened = await Database.open(settings.database_url_of("engine"), "engine", size=1)
        await Presence("pricing", opened).register()
        await opened.close()

    async def fall_silent() -> None:
        connection = await asyncpg.connect(settings.database_url)
        await connection.execute("update consumers set seen_at = now() - interval '1 hour'")
        await connection.close()

    asyncio.run(register())
    assert re.search(r"pricing +running", command("events", "status")[1])
    assert command("engines", "retire", "pricing")[0] == 1
    asyncio.run(fall_silent())
    assert command("engines", "retire", "pricing")[:2] == (0, "pricing: retired\n")
    status = command("events", "status")[1]
    assert re.search(r"pricing +retired", status)
    assert re.search(r"delivery +not deployed", status)
    assert command("engines", "retire", "delivery")[0] == 1
