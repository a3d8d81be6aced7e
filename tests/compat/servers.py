"""Redis and PostgreSQL servers beside those of the run, for tests that bring them down or need them another way."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import redis.asyncio as redis
from redis.exceptions import RedisError

from runtime.host.child import spawn
from runtime.host.embedded_valkey import _binary
from tests.faults.process import free_port

START_DEADLINE_S = 20.0


def redis_servers() -> dict[str, str]:
    """The programs that this machine can start, by name: Valkey of the embedded servers, and Redis where it is."""
    found = {"valkey": str(_binary())}
    if (redis_server := shutil.which("redis-server")) is not None:
        found["redis"] = redis_server
    return found


class RedisServer:
    """One server on a loopback port, without persistence; ``options`` are lines of its configuration."""

    def __init__(self, directory: Path, program: str, **options: str) -> None:
        self.port = int(options.get("port") or free_port())
        self.url = f"redis://127.0.0.1:{self.port}/0"
        directory.mkdir()
        given = {"bind": "127.0.0.1", "dir": str(directory), "save": "", **options, "port": str(self.port)}
        self._command = [program, *(part for name, value in given.items() for part in (f"--{name}", value))]
        self.log = directory / "log"
        self.spawn()

    def spawn(self) -> None:
        """Start it, again after ``kill``."""
        self._process = spawn(self._command, log=self.log, on_parent_death=signal.SIGKILL)

    async def ready(self) -> RedisServer:
        """Wait until it answers."""
        async with redis.Redis.from_url(self.url) as client:
            with anyio.fail_after(START_DEADLINE_S):
                while True:
                    try:
                        await client.ping()
                    except RedisError:
                        await anyio.sleep(0.02)
                    else:
                        return self

    def freeze(self, frozen: bool) -> None:
        """Have it say nothing, or go on."""
        self._process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()


@contextmanager
def running(*servers: RedisServer) -> Iterator[None]:
    """Kill them at the end."""
    try:
        yield
    finally:
        for server in servers:
            server.kill()


def base_backup(program: Path, source: str, target: Path) -> None:
    """A standby's data directory, copied from a running server (its sockets lie in ``source``)."""
    owner = _unprivileged()
    target.mkdir(mode=0o700)
    if owner is not None:
        os.chown(target, *owner)
    command = [program, "-h", source, "-U", "postgres", "-D", target, "-X", "stream", "-c", "fast", "-R"]
    process = spawn(command, log=target.with_suffix(".log"), on_parent_death=signal.SIGKILL, owner=owner)
    assert process.wait() == 0, target.with_suffix(".log").read_text()


def _unprivileged() -> tuple[int, int] | None:
    if os.geteuid() != 0:
        return None
    answer = subprocess.run(["id", "-u", "nobody"], capture_output=True, text=True, check=True)
    group = subprocess.run(["id", "-g", "nobody"], capture_output=True, text=True, check=True)
    return int(answer.stdout), int(group.stdout)
