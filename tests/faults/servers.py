"""Servers of the suite's own, durable as in production: crashed, frozen, emptied and filled up at will."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import asyncpg
import redis.asyncio as redis

from runtime.host.embedded_postgres import PostgresServer
from runtime.host.embedded_valkey import ValkeyServer

DISK_MIB = 1536
START_DEADLINE_S = 60.0


class _Server:
    """A server program as our child: started, frozen, killed."""

    server: PostgresServer | ValkeyServer

    @property
    def pid(self) -> int:
        assert self.server._process is not None
        return self.server._process.pid

    async def start(self) -> None:
        """Start and wait until it answers; recovery after a crash is waited for, and so is a disk with room."""
        self.server.spawn()
        with anyio.fail_after(START_DEADLINE_S):
            while not await self.answers():
                process = self.server._process
                if process is not None and process.poll() is not None:
                    await anyio.sleep(0.3)
                    self.server.spawn()
                await anyio.sleep(0.02)

    async def answers(self) -> bool:
        raise NotImplementedError

    async def end(self, number: signal.Signals) -> None:
        """Send a signal and wait until the server is gone."""
        process = self.server._process
        assert process is not None
        process.send_signal(number)
        await anyio.to_thread.run_sync(process.wait)

    def stop(self) -> None:
        """End it for good."""
        process = self.server._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGCONT)
            self.server.ask_to_stop()
            self.server.wait_until_stopped()


class Postgres(_Server):
    """PostgreSQL with fsync, on a file system of its own that can be filled up where we may mount one."""

    server: PostgresServer

    def __init__(self, home: Path) -> None:
        self._disk = home / "disk"
        self._disk.mkdir(parents=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=755", "tmpfs", str(self._disk)]
        self.has_own_disk = subprocess.run(mount, check=False, capture_output=True).returncode == 0
        self.server = PostgresServer(self._disk / "postgres", home, home / "postgres.log", durable=True)
        self.socket = self.server.socket
        self.url = self.server.url

    async def answers(self) -> bool:
        return self.server._is_ready()

    async def crash(self) -> None:
        """Immediate shutdown, as when the machine's power goes, and recovery."""
        await self.end(signal.SIGQUIT)
        await self.start()

    async def run(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """One statement as superuser, past the proxy, on a connection of its own."""
        connection = await asyncpg.connect(self.url, timeout=10)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return rows
        finally:
            await connection.close()

    def fill_disk(self) -> None:
        """Leave no byte free."""
        room = os.statvfs(self._disk)
        with suppress(OSError), (self._disk / "filler").open("wb", buffering=0) as filler:
            os.posix_fallocate(filler.fileno(), 0, room.f_bavail * room.f_frsize)
            while True:
                filler.seek(0, os.SEEK_END)
                filler.write(b"\0" * 4_096)

    def free_disk(self) -> None:
        """Give the room back."""
        (self._disk / "filler").unlink(missing_ok=True)

    def stop(self) -> None:
        self.free_disk()
        super().stop()
        if self.has_own_disk:
            subprocess.run(["umount", str(self._disk)], check=True)


class Valkey(_Server):
    """Valkey with an append-only file that is flushed every second."""

    server: ValkeyServer

    def __init__(self, home: Path) -> None:
        self.data = home / "valkey"
        self.server = ValkeyServer(self.data, home, home / "valkey.log", durable=True)
        self.socket = self.server.socket
        self.url = self.server.url

    async def answers(self) -> bool:
        return self.server._answers()

    def client(self) -> redis.Redis:
        """A client past the proxy."""
        return redis.Redis.from_url(self.url)

    async def kill(self) -> None:
        await self.end(signal.SIGKILL)

    def cut_tail(self, size: int) -> int:
        """Take ``size`` bytes off the end of the append-only file of a dead server; returns how many went."""
        [tail] = sorted(self.data.glob("appendonlydir/*.incr.aof"))[-1:]
        left = max(0, tail.stat().st_size - size)
        taken = tail.stat().st_size - left
        with tail.open("ab") as file:
            file.truncate(left)
        return taken

    def erase(self) -> None:
        """Throw away what a dead server has kept."""
        shutil.rmtree(self.data / "appendonlydir", ignore_errors=True)
