"""A streaming standby of a server of ours, as ``pg_basebackup -R`` makes one."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from runtime.host.embedded_postgres import PostgresServer, postgres_program
from tests.compat.servers import base_backup


class Standby:
    """The server and its standby in one directory, on sockets of their own."""

    def __init__(self, home: Path) -> None:
        self.primary = self._server(home, "primary")
        self.standby = self._server(home, "standby")

    def start(self) -> None:
        """Start the primary, copy it and start the copy."""
        self.primary.spawn()
        self.primary.wait_until_ready()
        base_backup(postgres_program("pg_basebackup"), str(self.primary.sockets), self.standby.data)
        self.start_standby()

    def start_standby(self) -> None:
        """Start it again, after ``kill_standby``."""
        self.standby.spawn()
        self.standby.wait_until_ready()

    def kill_standby(self) -> None:
        """It is gone, with all its connections."""
        process = _process(self.standby)
        process.send_signal(signal.SIGQUIT)
        process.wait()

    def stop(self) -> None:
        """End both."""
        for server in (self.standby, self.primary):
            server.ask_to_stop()
            server.wait_until_stopped()

    @staticmethod
    def _server(home: Path, name: str) -> PostgresServer:
        sockets = home / name
        sockets.mkdir()
        return PostgresServer(sockets / "data", sockets, home / f"{name}.log", durable=False)


def _process(server: PostgresServer) -> subprocess.Popen[bytes]:
    assert server._process is not None
    return server._process
