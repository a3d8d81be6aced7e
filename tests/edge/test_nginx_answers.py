"""What nginx says by itself, over TLS too, and that nothing is lost while it reads its settings anew."""

from __future__ import annotations

import io
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from runtime.web.problems import CONTENT_TYPE, TITLES, TYPE_PREFIX, document, of_status
from tests.edge.edge import Edge, nginx_of_the_wheel
from tests.faults.process import free_port

DEBIAN = Path("/usr/sbin/nginx")
PROGRAMS = [
    pytest.param(nginx_of_the_wheel, id="wheel"),
    pytest.param(
        lambda: DEBIAN,
        id="debian",
        marks=pytest.mark.skipif(not DEBIAN.exists(), reason="Debian's nginx is not installed"),
    ),
]
_LIKE_THE_PROGRAMS = document(of_status(404), locale="pt-BR", instance="/", request_id="")
openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture
async def upstream() -> AsyncIterator[TestServer]:
    """A program that answers everything with its own 404, but for what is asked of ``/ok``."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        headers = {name: value for name, value in request.headers.items() if name.startswith("X-")}
        return web.json_response(headers, status=200 if request.path == "/ok" else 404)

    application = web.Application(client_max_size=100 << 20)
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application) as server:
        yield server


@pytest.fixture
def edges(tmp_path: Path):
    """Starts an edge, and ends it after the test."""
    started: list[Edge] = []

    async def start(*upstreams: str, **options: Any) -> Edge:
        edge = Edge(tmp_path, *upstreams, **options)
        started.append(edge)
        await edge.start()
        return edge

    yield start
    for edge in started:
        edge.stop()


def _is_problem(answer: tuple[int, Any, str], status: int, code: str) -> None:
    found, headers, text = answer
    problem = json.loads(text)
    assert (found, headers["Content-Type"]) == (status, CONTENT_TYPE)
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"{TYPE_PREFIX}{code}")
    assert problem["title"] == TITLES[status][1]
    assert problem.keys() == json.loads(_LIKE_THE_PROGRAMS).keys()
    assert len(problem["request_id"]) == 32


@pytest.mark.parametrize("program", PROGRAMS)
async def test_what_nginx_refuses_is_a_problem_document_and_what_the_program_refuses_passes_as_it_is(
    upstream: TestServer, edges, program: Callable[[], Path]
) -> None:
    edge = await edges(f"127.0.0.1:{upstream.port}", program=program())
    _is_problem(
        await edge.ask("POST", "/ok", "yard.localhost", data=io.BytesIO(bytes(2 << 20))), 413, "too_large"
    )
    _is_problem(
        await edge.ask("GET", "/ok", "yard.localhost", headers={"X-Long": "x" * 9000}),
        431,
        "headers_too_large",
    )
    for _ in range(40):
        answer = await edge.ask("POST", "/api/v1/auth/login", "yard.localhost")
        if answer[0] == 429:
            break
    _is_problem(answer, 429, "too_many_requests")
    assert answer[1]["Retry-After"] == "1"
    status, headers, text = await edge.ask("GET", "/elsewhere", "yard.localhost")
    assert (status, headers["Content-Type"]) == (404, "application/json; charset=utf-8")
    assert json.loads(text)["X-Tenant-Slug"] == "yard"
    await upstream.close()
    answer = await edge.ask("GET", "/ok", "yard.localhost")
    _is_problem(answer, 503, "unavailable")
    assert answer[1]["Retry-After"] == "1"


async def test_events_pass_as_they_happen(edges) -> None:
    seen = anyio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: 1\n\n")
        await seen.wait()
        await response.write(b"data: 2\n\n")
        return response

    application = web.Application()
    application.router.add_get("/api/v1/events/stream", stream)
    async with TestServer(application) as server, aiohttp.ClientSession() as client:
        edge = await edges(f"127.0.0.1:{server.port}")
        url, headers = f"http://127.0.0.1:{edge.port}/api/v1/events/stream", {"Host": "yard.localhost"}
        async with client.get(url, headers=headers) as answer:
            with anyio.fail_after(5):
                assert await answer.content.readuntil(b"\n\n") == b"data: 1\n\n"
            seen.set()
            assert await answer.content.read() == b"data: 2\n\n"


async def test_a_process_that_is_away_is_passed_over_by_every_method(upstream: TestServer, edges) -> None:
    edge = await edges(f"127.0.0.1:{free_port()}", f"127.0.0.1:{upstream.port}")
    for method in ("GET", "POST", "PATCH") * 3:
        assert (await edge.ask(method, "/ok", "yard.localhost"))[0] == 200


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A throw-away certificate for localhost and every store there."""
    new_key = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,DNS:yard.localhost"]
    files = ["-keyout", str(tmp_path / "privkey.pem"), "-out", str(tmp_path / "fullchain.pem")]
    subprocess.run(
        [*new_key.split(), *names, *files],
        check=True,
        capture_output=True,
    )
    return tmp_path


class _ToLoopback(aiohttp.abc.AbstractResolver):
    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[Any]:  # noqa: ARG002
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        pass


@openssl
async def test_stores_speak_tls_only_and_other_names_see_no_certificate(
    upstream: TestServer, edges, certificates: Path
) -> None:
    edge = await edges(f"127.0.0.1:{upstream.port}", certificates=certificates)
    trusted = ssl.create_default_context(cafile=str(certificates / "fullchain.pem"))
    connector = aiohttp.TCPConnector(ssl=trusted, resolver=_ToLoopback())
    async with aiohttp.ClientSession(connector=connector) as client:
        async with client.get(f"https://yard.localhost:{edge.tls_port}/ok") as answer:
            said = await answer.json()
            assert answer.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
        assert (said["X-Tenant-Slug"], said["X-Forwarded-Proto"]) == ("yard", "https")
        long = {"X-Long": "x" * 9000}
        async with client.get(f"https://yard.localhost:{edge.tls_port}/ok", headers=long) as answer:
            assert answer.status == 431
            assert "Strict-Transport-Security" in answer.headers
        plain = f"http://yard.localhost:{edge.port}/ok?a=1"
        async with client.get(plain, allow_redirects=False) as answer:
            assert answer.status == 308
            assert answer.headers["Location"] == "https://yard.localhost/ok?a=1"
        for stranger in ("stranger.example", "a--b.localhost"):
            with pytest.raises(aiohttp.ClientConnectorError):
                await client.get(f"https://{stranger}:{edge.tls_port}/ok")
            with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
                await client.get(f"http://{stranger}:{edge.port}/ok")


async def test_no_request_is_lost_while_nginx_reads_its_settings_anew(upstream: TestServer, edges) -> None:
    edge = await edges(f"127.0.0.1:{upstream.port}")
    statuses: list[int] = []

    async def ask_on() -> None:
        for _ in range(60):
            status, _, _ = await edge.ask("POST", "/ok", "yard.localhost")
            statuses.append(status)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(ask_on)
        for count in (20, 60, 100):
            while len(statuses) < count:
                await anyio.sleep(0.005)
            edge.reload()
    assert statuses == [200] * 180
