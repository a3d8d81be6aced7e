from __future__ import annotations

import io
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest
import redis.asyncio as redis
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from handlers.vertical import api_application
from runtime.data.database import Database
from runtime.host.ops import Readiness
from runtime.settings import Settings
from tests.edge.edge import EDGE_SECRET, INFRA, Edge
from tests.support.stores import PASSWORD, Store, create_store

SUPPLIER = "01a20cdf-7fe4-77bb-be08-c405b19b3945"
PROXIED = (
    "/",
    "/api/v1/quotes",
    "/api/v1/auth/login",
    "/api/v1/events/stream",
    "/api/v1/exports/orders",
    f"/api/v1/suppliers/{SUPPLIER}/import",
    "/api/v1/products/import",
    "/api/v1/customers/import",
    "/q/abc",
    "/tenant.json",
)
SPOOFED = {
    "X-Tenant-Slug": "rival",
    "X-Edge-Auth": EDGE_SECRET,
    "X-Forwarded-For": "203.0.113.9",
    "X-Request-Id": "mine",
}


@pytest.fixture
async def echo(tmp_path: Path) -> AsyncIterator[Edge]:
    """nginx before a server that answers with the headers it got."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({name.lower(): value for name, value in request.headers.items()})

    application = web.Application(client_max_size=100 << 20)
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application) as upstream:
        edge = Edge(tmp_path, f"127.0.0.1:{upstream.port}")
        await edge.start()
        yield edge
        edge.stop()


@pytest.mark.parametrize("path", PROXIED)
async def test_the_subdomain_names_the_store_whatever_the_client_sends(echo: Edge, path: str) -> None:
    status, _, text = await echo.ask("POST", path, "yard.localhost", headers=SPOOFED, data=b"{}")
    seen = json.loads(text)
    assert status == 200
    assert seen["x-tenant-slug"] == "yard"
    assert seen["host"] == "yard.localhost"
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-request-id"] != "mine"


@pytest.mark.parametrize("path", PROXIED)
async def test_the_bare_domain_names_no_store(echo: Edge, path: str) -> None:
    _, _, text = await echo.ask("POST", path, "localhost", headers=SPOOFED, data=b"{}")
    assert "x-tenant-slug" not in json.loads(text)


@pytest.mark.parametrize(
    "host", ["example.com", "a.b.localhost", "yard.localhost.example.com", "-x.localhost", "127.0.0.1"]
)
async def test_a_host_that_is_no_stores_gets_no_answer(echo: Edge, host: str) -> None:
    with pytest.raises(aiohttp.ClientConnectionError):
        await echo.ask("GET", "/", host)


async def test_bodies_are_bounded_and_files_have_a_bound_of_their_own(echo: Edge) -> None:
    def large() -> io.BytesIO:
        return io.BytesIO(b"x" * (2 << 20))

    assert (await echo.ask("POST", "/api/v1/quotes", "yard.localhost", data=large()))[0] == 413
    assert (await echo.ask("POST", f"/api/v1/suppliers/{SUPPLIER}/import", "yard.localhost", data=large()))[
        0
    ] == 200


@pytest.mark.parametrize("path", ["/metrics", "/ready"])
async def test_what_is_for_operators_is_not_public(echo: Edge, path: str) -> None:
    assert (await echo.ask("GET", path, "yard.localhost"))[0] == 404


async def test_signing_in_is_limited_by_address(echo: Edge) -> None:
    statuses = [
        (await echo.ask("POST", "/api/v1/auth/login", "yard.localhost", data=b"{}"))[0] for _ in range(40)
    ]
    assert statuses[:20] == [200] * 20
    assert 429 in statuses


async def test_every_request_leaves_one_line(echo: Edge) -> None:
    await echo.ask("GET", "/api/v1/quotes?secret=1", "yard.localhost")
    [line] = await echo.logged(1)
    assert (line["host"], line["path"], line["status"], line["method"]) == (
        "yard.localhost",
        "/api/v1/quotes",
        200,
        "GET",
    )
    assert line["request_id"]


def test_every_location_that_proxies_has_all_the_headers() -> None:
    locations = (INFRA / "locations.conf").read_text()
    for body in re.findall(r"location [^{]*\{([^}]*)\}", locations.replace("{36}", "")):
        assert "include /etc/nginx/proxy.conf;" in body or "return 404;" in body
        assert "proxy_set_header" not in body
        assert "proxy_pass" not in body


async def test_two_stores_work_behind_the_edge_and_a_spoofed_header_changes_nothing(
    settings: Settings, database: Database, store: Store, tmp_path: Path
) -> None:
    await create_store(database, "rival")
    connection = redis.Redis.from_url(settings.redis_url)
    trusting = settings.having(edge_secret=SecretStr(EDGE_SECRET))
    application = api_application(trusting, database, connection, Readiness())
    async with TestServer(application) as upstream:
        edge = Edge(tmp_path, f"127.0.0.1:{upstream.port}")
        await edge.start()
        try:
            seen: dict[str, Any] = {}
            requests = 0
            for slug in ("yard", "rival"):
                credentials = json.dumps({"email": f"owner@{slug}.localhost", "password": PASSWORD})
                json_headers = {"Content-Type": "application/json", **SPOOFED}
                status, _, text = await edge.ask(
                    "POST", "/api/v1/auth/login", f"{slug}.localhost", headers=json_headers, data=credentials
                )
                assert status == 200, text
                seen[slug] = json.loads(text)["access_token"]
                bearer = {"Authorization": f"Bearer {seen[slug]}", **SPOOFED}
                _, headers, text = await edge.ask(
                    "GET", "/api/v1/auth/me", f"{slug}.localhost", headers=bearer
                )
                assert json.loads(text)["email"] == f"owner@{slug}.localhost"
                requests += 2
                lines = await edge.logged(requests)
                assert headers["X-Request-Id"] in {line["request_id"] for line in lines}
            stolen = {"Authorization": f"Bearer {seen['yard']}"}
            assert (await edge.ask("GET", "/api/v1/auth/me", "rival.localhost", headers=stolen))[0] == 403
        finally:
            edge.stop()
            await connection.aclose()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /api/v1/quotes HTTP/1.1\r\nHost: yard.localhost\r\nX-A: ",
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: yard.localhost\r\nContent-Length: 99\r\n\r\n{",
        b"POST /api/v1/products/import HTTP/1.1\r\nHost: yard.localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n",
    ],
    ids=["head", "body", "file"],
)
async def test_what_never_comes_to_its_end_never_reaches_the_program(
    tmp_path: Path, request_bytes: bytes
) -> None:
    reached: list[str] = []

    async def note(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.Response()

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", note)
    async with TestServer(application) as upstream:
        edge = Edge(tmp_path, f"127.0.0.1:{upstream.port}", deadline="1s")
        await edge.start()
        try:
            async with await anyio.connect_tcp("127.0.0.1", edge.port) as stream:
                await stream.send(request_bytes)
                with anyio.fail_after(8), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    while True:
                        await stream.receive()
        finally:
            edge.stop()
    assert reached == []
