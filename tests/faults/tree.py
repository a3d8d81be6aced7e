"""The process tree of an installation on droplets: a process per role, started again whenever it ends."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import aiohttp
import anyio
from anyio.abc import TaskStatus

from runtime.settings import Settings
from tests.faults.process import Program

ROLES = {
    "api": "api",
    "relay": "relay",
    "engines": "engines",
    "engines-2": "engines",
    "scheduler": "scheduler",
}
START_DEADLINE_S = 60.0
LOOK_S = 0.05


class Tree:
    """All processes by name; ``run`` is what systemd or a container engine is elsewhere."""

    def __init__(self, settings: Settings, directory: Path, extra: dict[str, str]) -> None:
        self.programs = {
            name: Program(
                settings, directory / f"{name}.log", roles=roles, module="tests.faults.build", extra=extra
            )
            for name, roles in ROLES.items()
        }
        self.exits: Counter[str] = Counter()
        self._held: set[str] = set()
        self._starting = True

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Start all and keep them running until cancelled."""
        for program in self.programs.values():
            program.spawn()
        for name in self.programs:
            await self.ready(name)
        self._starting = False
        task_status.started()
        while True:
            for name, program in self.programs.items():
                if name not in self._held and program.exit_code is not None:
                    self.exits[f"{name}: {program.exit_code}"] += 1
                    program.spawn()
            await anyio.sleep(LOOK_S)

    async def ready(self, name: str) -> None:
        """Wait until a process is ready."""
        async with aiohttp.ClientSession() as client:
            with anyio.fail_after(START_DEADLINE_S):
                while not await self.programs[name].says(client, "ready"):
                    assert not self._starting or self.programs[name].exit_code is None, self._last_words(name)
                    await anyio.sleep(0.05)

    def _last_words(self, name: str) -> str:
        return f"{name}: {self.programs[name].output()[-2000:]}"

    def kill(self, *names: str) -> None:
        """SIGKILL; they start again at once."""
        for name in names:
            self.programs[name].signal(signal.SIGKILL)

    async def pause(self, seconds: float, *names: str) -> None:
        """Freeze for a while."""
        for name in names:
            self.programs[name].signal(signal.SIGSTOP)
        try:
            await anyio.sleep(seconds)
        finally:
            for name in names:
                self.programs[name].signal(signal.SIGCONT)

    async def restart(self, name: str, **extra: str) -> int:
        """Drain by SIGTERM, then start with ``extra`` in the environment; returns the exit code of the drain."""
        self._held.add(name)
        try:
            code = await self.programs[name].terminate()
            program = self.programs[name]
            before, program.extra = program.extra, {**program.extra, **extra}
            program.spawn()
            program.extra = before
        finally:
            self._held.discard(name)
        return code

    def stop(self) -> None:
        """End all for good."""
        for program in self.programs.values():
            program.stop()
