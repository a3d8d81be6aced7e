"""Embedded servers: state is kept, killed programs are recovered from, strangers are left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis.asyncio

from runtime.errors import StartupError
from runtime.host.embedded import EmbeddedServers, Endpoints

HOLD = """
import sys, time
from pathlib import Path
from runtime.host.embedded import EmbeddedServers

with EmbeddedServers(Path(sys.argv[1]), durable=False):
    print("ready", flush=True)
    time.sleep(600)
"""


def program(home: Path) -> subprocess.Popen[str]:
    """Another program holding the servers of ``home``; returns once they answer."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def ended(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def some_program() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])


def servers_of(home: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if any(part.startswith(str(home)) for part in process.info["cmdline"] or ())
        and process.pid != os.getpid()
        and "-c" not in (process.info["cmdline"] or ())[1:2]
    ]


async def remember(endpoints: Endpoints, value: str) -> None:
    connection = await asyncpg.connect(endpoints.database_url)
    await connection.execute("create table if not exists kept (value text)")
    await connection.execute("insert into kept values ($1)", value)
    await connection.close()
    async with redis.asyncio.Redis.from_url(endpoints.redis_url) as client:
        await client.rpush("kept", value)


async def remembered(endpoints: Endpoints) -> tuple[list[str], list[str]]:
    connection = await asyncpg.connect(endpoints.database_url)
    rows = [row["value"] for row in await connection.fetch("select value from kept")]
    await connection.close()
    async with redis.asyncio.Redis.from_url(endpoints.redis_url, decode_responses=True) as client:
        return rows, await client.lrange("kept", 0, -1)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


async def test_data_is_there_after_a_clean_stop_and_start(home: Path) -> None:
    with EmbeddedServers(home) as endpoints:
        await remember(endpoints, "first")
    assert servers_of(home) == []
    with EmbeddedServers(home) as endpoints:
        assert await remembered(endpoints) == (["first"], ["first"])


async def test_postgres_flushes_to_disk_and_valkey_never_evicts(home: Path) -> None:
    with EmbeddedServers(home) as endpoints:
        connection = await asyncpg.connect(endpoints.database_url)
        shown = {
            name: await connection.fetchval(f"show {name}") for name in ("fsync", "listen_addresses", "jit")
        }
        await connection.close()
        async with redis.asyncio.Redis.from_url(endpoints.redis_url, decode_responses=True) as client:
            policy = await client.config_get("maxmemory-policy", "appendonly", "appendfsync")
    assert shown == {"fsync": "on", "listen_addresses": "", "jit": "off"}
    assert policy == {"maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "everysec"}


async def test_a_home_in_use_is_refused_with_the_holder_named(home: Path) -> None:
    process = program(home)
    try:
        with pytest.raises(StartupError, match=rf"BASECOMMERCE_HOME: .* in use by process {process.pid}"):
            EmbeddedServers(home).start()
    finally:
        ended(process)


async def test_after_a_kill_of_the_program_the_next_start_finds_all_data(home: Path) -> None:
    process = program(home)
    sockets = home / "run"
    endpoints = Endpoints(
        f"postgresql://postgres@/postgres?host={sockets}", f"unix://{sockets}/valkey.sock?db=0"
    )
    await remember(endpoints, "before the kill")
    ended(process)
    with EmbeddedServers(home, durable=False) as endpoints:
        assert await remembered(endpoints) == (["before the kill"], ["before the kill"])


async def test_servers_die_with_a_killed_program(home: Path) -> None:
    process = program(home)
    running = servers_of(home)
    assert len(running) >= 2
    ended(process)
    _, alive = psutil.wait_procs(running, timeout=20)
    assert alive == []


async def test_servers_that_outlived_the_program_are_ended_before_new_ones_start(home: Path) -> None:
    process = program(home)
    ended_before = servers_of(home)
    # Stopped processes cannot act on the death of their parent: exactly what an orphan is elsewhere than on Linux.
    for server in ended_before:
        server.send_signal(signal.SIGSTOP)
    ended(process)
    for server in ended_before:
        server.send_signal(signal.SIGCONT)
    with EmbeddedServers(home, durable=False) as endpoints:
        await remember(endpoints, "new")
        old = {server.pid for server in ended_before}
        assert old.isdisjoint(server.pid for server in servers_of(home))


async def test_all_servers_killed_with_the_program_recover(home: Path) -> None:
    process = program(home)
    for server in servers_of(home):
        server.kill()
    ended(process)
    with EmbeddedServers(home, durable=False) as endpoints:
        await remember(endpoints, "recovered")


async def test_a_pid_file_naming_a_stranger_harms_nobody(home: Path) -> None:
    with EmbeddedServers(home, durable=False):
        pass
    stranger = some_program()
    try:
        (home / "postgres" / "postmaster.pid").write_text(
            f"{stranger.pid}\n{home}\n1\n5432\n\n\n\nready   \n"
        )
        (home / "valkey" / "valkey.pid").write_text(f"{stranger.pid}\n")
        with EmbeddedServers(home, durable=False) as endpoints:
            await remember(endpoints, "x")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_home_too_deep_for_a_socket_works_through_a_temporary_directory(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with EmbeddedServers(deep, durable=False) as endpoints:
        await remember(endpoints, "deep")
        assert str(deep) not in endpoints.redis_url


async def test_servers_listen_on_no_port(home: Path) -> None:
    with EmbeddedServers(home, durable=False):
        listening = [
            connection
            for server in servers_of(home)
            for connection in server.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
    assert listening == []


async def test_servers_are_in_a_session_of_their_own_so_that_ctrl_c_reaches_only_the_program(
    home: Path,
) -> None:
    with EmbeddedServers(home, durable=False):
        for server in servers_of(home):
            assert os.getsid(server.pid) != os.getsid(0)
