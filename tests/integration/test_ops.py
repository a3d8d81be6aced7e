"""The operator's listener: exact answers, failing checks named, a hanging check does not hang the page."""

from __future__ import annotations

import aiohttp
import anyio
import pytest

from runtime.errors import StartupError
from runtime.host import ops
from runtime.host.ops import Readiness, ops_listener


async def answer(port: int, path: str) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}{path}") as response:
        return response.status, await response.json()


async def well() -> str | None:
    return None


async def ill() -> str | None:
    return "outbox is 40 s old"


async def broken() -> str | None:
    raise ConnectionError("password=hunter2")


async def hanging() -> str | None:
    await anyio.sleep_forever()
    return None


async def test_health_does_not_depend_on_readiness() -> None:
    readiness = Readiness()
    readiness.add("relay", ill)
    async with ops_listener("127.0.0.1", 0, readiness) as port:
        assert await answer(port, "/health") == (200, {"status": "ok"})
        assert await answer(port, "/ready") == (
            503,
            {"status": "unready", "failing": {"relay": "outbox is 40 s old"}},
        )


async def test_ready_when_every_check_passes() -> None:
    readiness = Readiness()
    readiness.add("database", well)
    async with ops_listener("127.0.0.1", 0, readiness) as port:
        assert await answer(port, "/ready") == (200, {"status": "ready"})


async def test_an_exception_is_named_by_its_type_only_and_a_hanging_check_by_its_time(monkeypatch) -> None:
    monkeypatch.setattr(ops, "_CHECK_TIMEOUT_S", 0.05)
    readiness = Readiness()
    readiness.add("database", broken)
    readiness.add("redis", hanging)
    readiness.add("relay", well)
    assert await readiness.failing() == {"database": "ConnectionError", "redis": "no answer within 0 s"}


async def test_a_port_in_use_stops_the_start() -> None:
    async with ops_listener("127.0.0.1", 0, Readiness()) as port:
        with pytest.raises(StartupError, match="OPS_PORT"):
            async with ops_listener("127.0.0.1", port, Readiness()):
                pass
