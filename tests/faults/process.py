"""The real program in a process of its own, on the test's database and Redis: started, killed, started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import anyio

from runtime.settings import Settings

ROOT = Path(__file__).parents[2]
START_DEADLINE_S = 30.0


class Program:
    """``basecommerce run`` with all roles; ``url`` is where its API answers, whatever the store."""

    def __init__(self, settings: Settings, log: Path, *, roles: str = "api,relay,engines,scheduler") -> None:
        self._log = log
        self._ports = {"API_PORT": free_port(), "OPS_PORT": free_port()}
        self._environment = {
            "PATH": os.environ["PATH"],
            "ENVIRONMENT": "development",
            "BASECOMMERCE_HOME": str(settings.home),
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "SECRET_KEY": settings.secret_key.get_secret_value(),
            "ROLES": roles,
            "LOG_FORMAT": "json",
            **{name: str(port) for name, port in self._ports.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._ports['API_PORT']}"
        self.ops_url = f"http://127.0.0.1:{self._ports['OPS_PORT']}"

    async def start(self, *, until: str = "ready") -> None:
        """Start and wait until it says that it is ready (or just alive: ``until="health"``)."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "runtime", "run"],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        async with aiohttp.ClientSession() as client:
            with anyio.fail_after(START_DEADLINE_S):
                while not await self._says(client, until):
                    assert self._process.poll() is None, self._log.read_text()[-4000:]
                    await anyio.sleep(0.05)

    async def _says(self, client: aiohttp.ClientSession, page: str) -> bool:
        # A process without Redis is never ready, so of that one its API is asked.
        url = self.ops_url if page == "ready" else self.url
        try:
            async with client.get(f"{url}/{page}") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is said."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    async def terminate(self) -> int:
        """SIGTERM, and wait for the drain; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await anyio.to_thread.run_sync(self._process.wait)

    def stop(self) -> None:
        """End it if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def output(self) -> str:
        """All it has logged so far."""
        return self._log.read_text(errors="replace")


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
