"""What state machines of chance share: a way into the API from their thread, and how long they run.

``MACHINE_EXAMPLES`` and ``MACHINE_STEPS`` in the environment make runs longer than those of ``make test``.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

import anyio.from_thread
import anyio.to_thread
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from runtime.data.database import Database
from runtime.data.oracles import run_oracles
from tests.support.stores import ApiClient

T = TypeVar("T")


class Machine(RuleBasedStateMachine):
    """One run of chance in a store; the oracles have the last word. Runs follow each other in the same store, so what
    they make is named by ``number``."""

    client: ClassVar[ApiClient]
    database: ClassVar[Database]
    number: ClassVar[int] = 0

    def call(self, asked: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Run a coroutine function in the test's event loop; the machine itself lives in a thread."""
        return anyio.from_thread.run(asked, *arguments)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request; whatever happens, never 500 or above."""

        async def asked() -> tuple[int, Any]:
            answer = await self.client.request(method, path, **({} if body is None else {"json": body}))
            return answer.status, None if answer.status == 204 else await answer.json(content_type=None)

        status, content = self.call(asked)
        assert status < 500, content
        return status, content

    def make(self, path: str, body: Any) -> str:
        """Create something that there can be; its id."""
        status, made = self.ask("POST", path, body)
        assert status == 201, made
        return str(made["id"])

    def teardown(self) -> None:
        assert self.call(run_oracles, self.database, []) == []


async def run_machine(machine: type[Machine], client: ApiClient, database: Database, examples: int) -> None:
    """Runs of chance, the same ones each time: ``examples`` of 20 steps unless the environment says otherwise."""
    await client.login("owner")
    machine.client, machine.database = client, database
    chosen = settings(
        max_examples=int(os.environ.get("MACHINE_EXAMPLES", examples)),
        stateful_step_count=int(os.environ.get("MACHINE_STEPS", 20)),
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    await anyio.to_thread.run_sync(lambda: run_state_machine_as_test(machine, settings=chosen))
