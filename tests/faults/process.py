"""The real program in a process of its own: started, frozen, killed, started again."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import anyio

from runtime.settings import Settings

ROOT = Path(__file__).parents[2]
START_DEADLINE_S = 30.0
PR_SET_PDEATHSIG = 1


class Program:
    """``basecommerce run`` with these roles; ``url`` is where its API answers, whatever the store.

    ``module`` is what is run: the program as it is, or the suite's build of it. ``extra`` are more variables of its
    environment, and may be changed between two starts.
    """

    def __init__(
        self,
        settings: Settings,
        log: Path,
        *,
        roles: str = "api,relay,engines,scheduler",
        module: str = "runtime",
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self._log = log
        self._module = module
        self._ports = {"API_PORT": free_port(), "OPS_PORT": free_port()}
        self.extra = dict(extra or {})
        self._environment = {
            "PATH": os.environ["PATH"],
            "ENVIRONMENT": "development",
            "BASECOMMERCE_HOME": str(settings.home),
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "REDIS_CLUSTER": str(settings.redis_cluster),
            "SECRET_KEY": settings.secret_key.get_secret_value(),
            "ROLES": roles,
            "LOG_FORMAT": "json",
            **{name: str(port) for name, port in self._ports.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._ports['API_PORT']}"
        self.ops_url = f"http://127.0.0.1:{self._ports['OPS_PORT']}"

    def spawn(self) -> None:
        """Start it; does not wait for it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module, "run"],
                cwd=ROOT,
                env={**self._environment, **self.extra},
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
            )

    async def start(self, *, until: str = "ready") -> None:
        """Start and wait until it says that it is ready (or just alive: ``until="health"``)."""
        self.spawn()
        async with aiohttp.ClientSession() as client:
            with anyio.fail_after(START_DEADLINE_S):
                while not await self.says(client, until):
                    assert self.exit_code is None, self.output()[-4000:]
                    await anyio.sleep(0.05)

    async def says(self, client: aiohttp.ClientSession, page: str) -> bool:
        """Whether it answers 200 for this page; one without Redis is never ready, so of that one its API is asked."""
        url = self.ops_url if page == "ready" else self.url
        try:
            async with client.get(f"{url}/{page}", timeout=aiohttp.ClientTimeout(total=3)) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative is the signal that ended it."""
        assert self._process is not None
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; SIGSTOP freezes it and SIGCONT lets it go on."""
        assert self._process is not None
        self._process.send_signal(number)

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


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
