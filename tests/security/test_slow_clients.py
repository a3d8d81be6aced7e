"""Clients that are slow on purpose: they hold a connection for as long as a deadline says, and nobody else up."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import anyio
import pytest
import redis.asyncio as redis
from anyio.abc import SocketStream

from handlers.vertical import api_application
from runtime.host.ops import Readiness
from tests.support.served import served

LOGIN = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: yard.localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture
async def port(settings, database, store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The API as it is served for real, with deadlines that a test can wait for."""
    monkeypatch.setattr("runtime.web.protocol.HEAD_DEADLINE_S", 0.4)
    monkeypatch.setattr("runtime.web.protocol.STALL_S", 0.4)
    monkeypatch.setattr("runtime.web.reader.READ_DEADLINE_S", 0.4)
    async with redis.Redis.from_url(settings.redis_url) as connection:
        application = api_application(settings, database, connection, Readiness())
        async with served(application) as url:
            yield int(url.rpartition(":")[2])


async def all_of(stream: SocketStream) -> bytes:
    """Whatever still comes, until the server closes the connection."""
    content = b""
    with anyio.fail_after(15):
        try:
            while True:
                content += await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return content


async def is_well(port: int) -> bool:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        return b" 200 " in await all_of(stream)


async def trickle(stream: SocketStream, head: bytes) -> float:
    """Send the head byte by byte, never the last one; returns the seconds until the server has had enough."""
    began = time.monotonic()
    try:
        with anyio.fail_after(10):
            while True:
                for byte in head:
                    await stream.send(bytes((byte,)))
                    await anyio.sleep(0.02)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return time.monotonic() - began


async def test_headers_that_trickle_in_end_with_their_deadline(port: int) -> None:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(b"GET /health HTTP/1.1\r\n")
        assert await trickle(stream, b"X-A: b\r\n") < 3


async def test_many_of_them_hold_nobody_up(port: int) -> None:
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(await anyio.connect_tcp("127.0.0.1", port)) for _ in range(200)
        ]
        for stream in streams:
            await stream.send(b"GET /health HTTP/1.1\r\n")
            await stream.send(b"X-A: ")
        assert await is_well(port)
        with anyio.fail_after(10):
            for stream in streams:
                await all_of(stream)


async def test_the_deadline_holds_for_the_second_request_of_a_connection_too(port: int) -> None:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b" 200 " in await stream.receive()
        await anyio.sleep(0.5)  # between two requests there is time
        await stream.send(b"GET /health HTTP/1.1\r\n")
        assert await trickle(stream, b"X-A: b\r\n") < 3


async def test_a_request_in_two_pieces_is_answered_and_its_connection_lives_on(port: int) -> None:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        for _ in range(3):
            await stream.send(b"GET /health HT")
            await anyio.sleep(0.05)
            await stream.send(b"TP/1.1\r\nHost: a\r\n\r\n")
            assert b" 200 " in await stream.receive()
            await anyio.sleep(0.45)


@pytest.mark.parametrize(
    "announced",
    [b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"],
    ids=["short", "chunked"],
)
async def test_a_body_that_never_ends_is_not_waited_for(port: int, announced: bytes) -> None:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(LOGIN + announced)
        with anyio.fail_after(5):
            answer = await stream.receive()
        assert b" 400 " in answer.partition(b"\r\n")[0]
        assert await is_well(port)


async def test_a_chunked_body_beyond_the_bound_is_cut_off(port: int) -> None:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(LOGIN + b"Transfer-Encoding: chunked\r\n\r\n")
        answer = b""
        try:
            for _ in range(200):
                await stream.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        with anyio.move_on_after(2):
            answer = await stream.receive()
        assert b" 413 " in answer.partition(b"\r\n")[0] or answer == b""
        assert await is_well(port)


async def test_who_takes_nothing_of_an_answer_is_cut_off(port: int) -> None:
    """Many requests for the largest public document, and not one byte read."""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        try:
            with anyio.fail_after(10):
                while True:
                    await stream.send(b"GET /openapi.json HTTP/1.1\r\nHost: yard.localhost\r\n\r\n" * 50)
                    await anyio.sleep(0.05)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
    assert await is_well(port)


async def test_who_takes_an_answer_slowly_gets_all_of_it(port: int) -> None:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(b"GET /openapi.json HTTP/1.1\r\nHost: yard.localhost\r\nConnection: close\r\n\r\n")
        content = b""
        with anyio.fail_after(15):
            try:
                while True:
                    content += await stream.receive(40_000)
                    await anyio.sleep(0.02)
            except anyio.EndOfStream:
                pass
        head, _, body = content.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        assert len(body) == length
