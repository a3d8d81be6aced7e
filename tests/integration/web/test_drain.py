"""A process that ends: whoever is connected gets an answer, and nobody new gets in."""

from __future__ import annotations

import time

import anyio
import pytest
import redis.asyncio as redis

from handlers.vertical import api_application
from runtime.host.ops import Readiness
from runtime.web.server import LINGER_S, ApiServer

REQUEST = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
async def server(settings, database):
    connection = redis.Redis.from_url(settings.redis_url)
    yield ApiServer(api_application(settings, database, connection, Readiness()), "127.0.0.1", 0, grace_s=1)
    await connection.aclose()


async def test_a_connection_that_looked_idle_gets_its_answer_and_is_asked_to_close(server: ApiServer) -> None:
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        await tasks.start(server.run, stop)
        async with await anyio.connect_tcp("127.0.0.1", server.port) as stream:
            await stream.send(REQUEST)
            assert b"Connection: close" not in await stream.receive()
            stop.set()
            with anyio.fail_after(LINGER_S), pytest.raises(OSError, match="connect"):
                while True:
                    await (await anyio.connect_tcp("127.0.0.1", server.port)).aclose()
                    await anyio.sleep(0.01)
            await stream.send(REQUEST)
            answer = await stream.receive()
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"Connection: close" in answer
            with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                await stream.receive()


async def test_a_connection_that_stays_silent_holds_the_end_up_for_a_moment_only(server: ApiServer) -> None:
    stop = anyio.Event()
    began = time.monotonic()
    async with await _until_ended(server, stop) as stream:
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await stream.receive()
    assert time.monotonic() - began < LINGER_S + 5


async def _until_ended(server: ApiServer, stop: anyio.Event):
    async with anyio.create_task_group() as tasks:
        await tasks.start(server.run, stop)
        stream = await anyio.connect_tcp("127.0.0.1", server.port)
        await stream.send(REQUEST)
        await stream.receive()
        stop.set()
    return stream


async def test_without_connections_there_is_nothing_to_wait_for(server: ApiServer) -> None:
    stop = anyio.Event()
    with anyio.fail_after(LINGER_S):
        async with anyio.create_task_group() as tasks:
            await tasks.start(server.run, stop)
            stop.set()
