"""PostgreSQL and Valkey started by the program itself, for development and tests: unix sockets, no port.

All their state lies under one home directory, held by a file lock: one program at a time. Servers that
outlived a killed program are ended before new ones start. Starting takes about a second, as root too.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from runtime.errors import StartupError
from runtime.host.embedded_postgres import PostgresServer
from runtime.host.embedded_valkey import ValkeyServer

# A socket's path must fit 104 bytes on macOS, 108 on Linux; file names take about fifteen of them.
_LONGEST_SOCKET_DIRECTORY = 85


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the servers answer, as ``DATABASE_URL`` (a superuser) and ``REDIS_URL``."""

    database_url: str
    redis_url: str


def running_endpoints(home: Path) -> Endpoints | None:
    """Where the servers of a home answer that another program has started, or None when none runs."""
    sockets = _socket_directory(home.resolve())
    postgres, valkey = _servers(home.resolve(), sockets, durable=True)
    return (
        Endpoints(postgres.url, valkey.url) if postgres.socket.exists() and valkey.socket.exists() else None
    )


class EmbeddedServers:
    """Both servers of one home; use as a context manager from the main thread.

    ``durable=False`` is for tests: nothing is flushed to disk, which a crash of the machine would corrupt.
    """

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home.resolve()
        self.durable = durable
        self._lock: IO[str] | None = None
        self._servers: list[PostgresServer | ValkeyServer] = []

    def start(self) -> Endpoints:
        """Start both and wait until they answer; raises StartupError saying what is in the way."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._lock = _hold(self.home / "lock")
        sockets = _make_private(_socket_directory(self.home))
        postgres, valkey = _servers(self.home, sockets, durable=self.durable)
        self._servers = [postgres, valkey]
        try:
            for server in self._servers:
                server.spawn()
            for server in self._servers:
                server.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return Endpoints(postgres.url, valkey.url)

    def stop(self) -> None:
        """Shut both down cleanly and let go of the home; safe to call twice."""
        for server in self._servers:
            server.ask_to_stop()
        for server in self._servers:
            server.wait_until_stopped()
        self._servers = []
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Endpoints:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _hold(path: Path) -> IO[str]:
    """Lock the home for the life of this process; the kernel lets go when it dies, however it dies."""
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise StartupError(
            f"BASECOMMERCE_HOME: {path.parent} is in use by process {holder}; stop it or choose another"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _servers(home: Path, sockets: Path, *, durable: bool) -> tuple[PostgresServer, ValkeyServer]:
    return (
        PostgresServer(home / "postgres", sockets, home / "postgres.log", durable=durable),
        ValkeyServer(home / "valkey", sockets, home / "valkey.log", durable=durable),
    )


def _socket_directory(home: Path) -> Path:
    """``home/run``, or a temporary directory named by the home when a socket there would have too long a path."""
    directory = home / "run"
    if len(os.fsencode(directory)) <= _LONGEST_SOCKET_DIRECTORY:
        return directory
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"basecommerce-{digest}"


def _make_private(directory: Path) -> Path:
    """Make the directory for us alone; whoever reaches a socket in it is trusted."""
    directory.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() not in (0, directory.stat().st_uid):
        raise StartupError(f"BASECOMMERCE_HOME: {directory} belongs to another user")
    return directory
