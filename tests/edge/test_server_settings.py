"""The settings files of infra/, read by the servers they are for."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp
import anyio
import asyncpg
import pytest
import redis.asyncio as redis

from runtime.__main__ import app
from runtime.data.database import Database
from runtime.host.embedded_postgres import postgres_program
from runtime.host.embedded_valkey import _binary as valkey_program
from runtime.settings import Settings
from tests.faults.process import ROOT, Program, free_port
from tests.support.events import emit_events
from tests.support.stores import PASSWORD, Store

INFRA = ROOT / "infra"
DEADLINE_S = 20
SECRET = "a-password-of-the-test"
_DEBIAN_POSTGRES = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory that nobody may enter, too: pytest closes its own to all but root."""
    with tempfile.TemporaryDirectory(prefix="basecommerce-edge-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def _not_root(*paths: Path) -> dict[str, str]:
    """Programs that refuse to run as root run as nobody, who then owns their files."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("nobody")
    for path in paths:
        os.chown(path, account.pw_uid, account.pw_gid)
    return {"user": "nobody", "group": "nogroup"}


@contextmanager
def _running(command: list[str | Path], **options: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


async def _until(answers, process: subprocess.Popen[bytes]):
    with anyio.fail_after(DEADLINE_S):
        while True:
            assert process.poll() is None, f"{process.args[0]} ended with {process.returncode}"
            try:
                return await answers()
            except (OSError, redis.ConnectionError, asyncpg.PostgresError):
                await anyio.sleep(0.05)


@pytest.mark.parametrize("memory", ["memory-2gb", "memory-4gb"])
@pytest.mark.parametrize(
    "programs",
    [
        "embedded",
        pytest.param(
            "debian",
            marks=pytest.mark.skipif(not _DEBIAN_POSTGRES.exists(), reason="PostgreSQL 15 is not installed"),
        ),
    ],
)
async def test_postgres_starts_with_our_settings_and_knows_every_one_of_them(
    shared: Path, memory: str, programs: str
) -> None:
    binaries = postgres_program("postgres").parent if programs == "embedded" else _DEBIAN_POSTGRES
    data = shared / "data"
    data.mkdir(mode=0o700)
    who = _not_root(data)
    await anyio.run_process(
        [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"],
        **who,
    )
    names = ("basecommerce", memory)
    for name, source in zip(names, ("postgresql", memory), strict=True):
        shutil.copy(INFRA / "postgres" / f"{source}.conf", data / f"{name}.conf")
        with (data / "postgresql.conf").open("a") as main:
            main.write(f"include '{name}.conf'\n")
    sockets = {"unix_socket_directories": str(data), "listen_addresses": "", "logging_collector": "off"}
    options = [part for name, value in sockets.items() for part in ("-c", f"{name}={value}")]
    url = f"postgresql://postgres@/postgres?host={quote(str(data), safe='')}"
    with _running([binaries / "postgres", "-D", data, *options], **who) as process:
        connection = await _until(lambda: asyncpg.connect(url), process)
        try:
            ours = await connection.fetch(
                "select name, applied, error from pg_file_settings where sourcefile = any ($1)",
                [str(data / f"{name}.conf") for name in names],
            )
            memory_mb = await connection.fetchval(
                "select setting::bigint * 8 / 1024 from pg_settings where name = 'shared_buffers'"
            )
        finally:
            await connection.close()
    assert [dict(row) for row in ours if not row["applied"] or row["error"]] == []
    assert len(ours) > 30
    assert memory_mb == {"memory-2gb": 384, "memory-4gb": 1024}[memory]


@contextmanager
def _redis(directory: Path, memory: str, *more: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    socket = directory / "redis.sock"
    given = ["--port", "0", "--unixsocket", str(socket), "--dir", str(directory), *more]
    settings = INFRA / "redis"
    command = [valkey_program(), settings / "redis.conf", "--include", settings / f"{memory}.conf", *given]
    with _running(command) as process:
        yield f"unix://{socket}", process


@pytest.mark.parametrize(("memory", "size"), [("memory-2gb", 256 << 20), ("memory-4gb", 1 << 30)])
async def test_redis_starts_with_our_settings_and_keeps_what_it_is_given(
    tmp_path: Path, memory: str, size: int
) -> None:
    with _redis(tmp_path, memory) as (url, process):
        async with redis.Redis.from_url(url) as client:
            await _until(client.ping, process)
            read = {
                name: (await client.config_get(name))[name]
                for name in ("maxmemory", "maxmemory-policy", "appendonly", "appendfsync", "save")
            }
    assert read == {
        "maxmemory": str(size),
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
    }


@pytest.fixture
async def walled(
    settings: Settings, database: Database, store: Store, tmp_path: Path
) -> AsyncIterator[tuple[dict[str, Program], str]]:
    """Every role in a process and with a Redis user of its own, who may do what the file of users says."""
    users = (INFRA / "redis" / "users.acl.template").read_text()
    acl = tmp_path / "users.acl"
    acl.write_text(re.sub(r"\$\{REDIS_\w+_PASSWORD\}", SECRET, users))
    port = free_port()
    with _redis(tmp_path, "memory-2gb", "--aclfile", str(acl), "--port", str(port)) as (_, process):
        async with redis.Redis(port=port, username="basecommerce_api", password=SECRET) as client:
            await _until(client.ping, process)
        programs = {}
        roles = {"api": "api", "relay": "relay", "engines": "engines,scheduler"}
        try:
            for user, role in roles.items():
                url = f"redis://basecommerce_{user}:{SECRET}@127.0.0.1:{port}/0"
                programs[user] = Program(settings.having(redis_url=url), tmp_path / f"{user}.log", roles=role)
                await programs[user].start()
            yield programs, f"redis://127.0.0.1:{port}/0"
        finally:
            for program in programs.values():
                program.stop()


@pytest.mark.timeout(120)
async def test_every_role_does_its_work_with_the_few_redis_commands_it_is_allowed(
    walled: tuple[dict[str, Program], str], database: Database, store: Store, owner: asyncpg.Connection
) -> None:
    programs, url = walled
    api = programs["api"].url
    async with aiohttp.ClientSession(headers={"Host": "yard.localhost"}) as client:
        for password, status in (("a-wrong-password", 401), (PASSWORD, 200)):
            body = {"email": "owner@yard.localhost", "password": password}
            async with client.post(f"{api}/api/v1/auth/login", json=body) as answer:
                assert answer.status == status
                tokens = await answer.json()
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        for method, path in (("GET", "products"), ("GET", "products"), ("POST", "auth/logout")):
            async with client.request(method, f"{api}/api/v1/{path}", headers=headers) as answer:
                assert answer.status < 300
    await emit_events(database, store.id, 1, 2, 3)
    with anyio.fail_after(DEADLINE_S):
        while (
            await owner.fetchval(
                "select count(*) from consumer_cursor as c join tenant_event_head as h using (tenant_id)"
                " where c.tenant_id = $1 and c.last_seq = h.head and c.consumer in ('relay', 'stock', 'sales')",
                store.id,
            )
            < 3
        ):
            await anyio.sleep(0.05)
    # Some turns of the jobs too: they trim streams and read the memory.
    async with aiohttp.ClientSession() as client:
        with anyio.fail_after(DEADLINE_S):
            while True:
                async with client.get(f"{programs['engines'].ops_url}/metrics") as answer:
                    if "basecommerce_redis_memory_bytes 0.0" not in await answer.text():
                        break
                await anyio.sleep(0.1)
    for program in programs.values():
        refused = [line for line in program.output().splitlines() if "NoPermission" in line]
        assert refused == []
    for user in programs:
        async with redis.Redis.from_url(url, username=f"basecommerce_{user}", password=SECRET) as client:
            for forbidden in ("FLUSHALL", "CONFIG GET *", "KEYS *", "EVAL x 0", "GET other"):
                with pytest.raises(redis.ResponseError, match=r"(?i)no permissions|can't run"):
                    await client.execute_command(*forbidden.split())


@pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="pgbouncer is not installed")
async def test_the_program_works_through_pgbouncer_with_our_settings(
    settings: Settings, database: Database, store: Store, shared: Path
) -> None:
    parts = urlsplit(settings.database_url)
    [host], port = parse_qs(parts.query)["host"], free_port()
    text = (INFRA / "pgbouncer" / "pgbouncer.ini").read_text()
    name = parts.path.removeprefix("/")
    for there, here in (
        (r"^basecommerce = .*$", f"{name} = host={host} dbname={name} user=postgres"),
        (r"^listen_port = .*$", f"listen_port = {port}"),
        (r"^auth_type = .*$", "auth_type = any"),
        (r"^auth_file = .*$", "unix_socket_dir ="),
    ):
        text, count = re.subn(there, here, text, flags=re.MULTILINE)
        assert count == 1
    (shared / "pgbouncer.ini").write_text(text)
    (shared / "pgbouncer.ini").chmod(0o644)
    # The directory of the server's sockets lets only its owner in, who is nobody for root.
    Path(host).parent.chmod(0o711)
    who = _not_root()
    url = f"postgresql://postgres@127.0.0.1:{port}/{name}"
    with _running(["pgbouncer", shared / "pgbouncer.ini"], **who) as process:

        async def answers() -> None:
            await (await asyncpg.connect(url, statement_cache_size=0)).close()

        await _until(answers, process)
        pooled = await Database.open(url, "api", size=4, pooler="transaction")
        try:
            await emit_events(pooled, store.id, 1, 2)
            async with pooled.tenant(store.id) as tx:
                assert await tx._connection.fetchval("select current_user") == "basecommerce_api"
        finally:
            await pooled.close()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_units_are_well_formed_and_leave_a_broken_in_process_little_to_do(tmp_path: Path) -> None:
    for unit in (INFRA / "systemd").iterdir():
        text = unit.read_text().replace("/opt/basecommerce/bin/basecommerce", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    units = sorted(str(path) for path in tmp_path.glob("basecommerce*"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert not [line for line in verified.stderr.splitlines() if "basecommerce" in line], verified.stderr
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(tmp_path / "basecommerce@.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    exposure = re.search(r"exposure level for \S+: ([\d.]+)", judged.stdout)
    assert exposure is not None, judged.stdout + judged.stderr
    assert float(exposure[1]) < 2


def test_the_unit_lets_slow_work_step_back() -> None:
    unit = (INFRA / "systemd" / "basecommerce@.service").read_text()
    filters = re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE)
    denied = [place for place, names in enumerate(filters) if "@resources" in names]
    assert filters.index("setpriority") > max(denied)


def test_units_call_commands_that_there_are() -> None:
    for unit in (INFRA / "systemd").glob("*.service"):
        [command] = re.findall(r"/opt/basecommerce/bin/basecommerce (\w+)", unit.read_text())
        assert app[command] is not None
