"""What is no HTTP, or not quite, is answered by a problem document, and never by the server's own plain text."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
import redis.asyncio as redis

from handlers.vertical import api_application
from runtime.host.ops import Readiness
from runtime.web.server import ApiServer


@asynccontextmanager
async def serving(settings, database) -> AsyncIterator[int]:
    """The API as it is served for real; yields its port."""
    connection = redis.Redis.from_url(settings.redis_url)
    server = ApiServer(
        api_application(settings, database, connection, Readiness()), "127.0.0.1", 0, grace_s=1
    )
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        await tasks.start(server.run, stop)
        yield server.port
        stop.set()
    await connection.aclose()


async def said(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to these bytes."""
    answer = b""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(request)
        with anyio.fail_after(5):
            try:
                while True:
                    answer += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                pass
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    return int(lines[0].split()[1]), headers, body


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "malformed"),  # TLS to a port that speaks none
        (b"GET / HTTP/9.9\r\nHost: yard.localhost\r\n\r\n", 400, "malformed"),
        (b"GET /health HTTP/1.1\r\nHost yard\r\n\r\n", 400, "malformed"),
        (b"G@T /health HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed"),
        (
            b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
            400,
            "malformed",
        ),
        (
            b"GET /health HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n",
            431,
            "headers_too_large",
        ),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431, "headers_too_large"),
        (
            b"GET /api/v1/nothing HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nConnection: close\r\n\r\n",
            417,
            "malformed",
        ),
    ],
    ids=["tls", "version", "header", "method", "two-lengths", "long-header", "long-address", "expectation"],
)
async def test_what_the_server_itself_refuses_is_a_problem_document(
    settings, database, request_bytes: bytes, status: int, code: str
) -> None:
    async with serving(settings, database) as port:
        answered, headers, body = await said(port, request_bytes)
    assert (answered, headers["content-type"]) == (status, "application/problem+json")
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["request_id"] == headers["x-request-id"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["server"] == "BaseCommerce"
    # Nothing of what was sent comes back.
    assert b"xxx" not in body


async def test_a_good_request_is_answered_as_ever(settings, database) -> None:
    async with serving(settings, database) as port:
        status, _, body = await said(port, b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert (status, body) == (200, b'{"status": "ok"}')


@pytest.mark.parametrize("path", ["auth/login", "products"])
async def test_a_compressed_body_is_refused_without_unpacking_it(
    settings, database, caplog, path: str
) -> None:
    """What is no gzip at all would otherwise fail where nobody answers, and leave a traceback per request."""
    head = (
        f"POST /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Encoding: gzip\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
    )
    async with serving(settings, database) as port:
        status, _, body = await said(port, head.encode() + b"abc")
    assert (status, json.loads(body)["code"]) in ((415, "content_encoding"), (401, "unauthorized"))
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
