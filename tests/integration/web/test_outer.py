"""What every answer carries, whatever the operation: headers, tags, languages, and what other sites may see."""

from __future__ import annotations

import gzip
import zlib
from contextlib import AsyncExitStack

import pytest
import redis.asyncio as redis
from aiohttp.test_utils import TestClient, TestServer

from handlers.vertical import api_application
from runtime.host.ops import Readiness
from tests.support.operations import OPERATIONS
from tests.support.stores import ApiClient

ME = "/api/v1/auth/me"
FRIEND = "https://shop.example"


@pytest.fixture
async def owner(client: ApiClient) -> ApiClient:
    await client.login("owner")
    return client


@pytest.fixture
async def friendly(settings, database, store):
    """A client of an API that one other origin may call."""
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(redis.Redis.from_url(settings.redis_url))
        changed = settings.having(cors_origins=(FRIEND,))
        application = api_application(changed, database, connection, Readiness())
        yield ApiClient(await stack.enter_async_context(TestClient(TestServer(application))), store.slug)


@pytest.mark.parametrize("path", [ME, "/api/v1/nothing", "/tenant.json", "/docs", "/openapi.json", "/ready"])
async def test_every_answer_carries_the_headers_that_browsers_need(owner, path: str) -> None:
    answer = await owner.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Request-Id"]
    assert "aiohttp" not in answer.headers["Server"]


async def test_what_belongs_to_somebody_is_never_kept_by_a_cache(owner) -> None:
    for path in (ME, "/api/v1/products", "/api/v1/users/x"):
        assert (await owner.get(path)).headers["Cache-Control"] == "no-store"


async def test_a_request_id_counts_from_our_own_edge_only(owner, settings, database, store) -> None:
    answer = await owner.get(ME, headers={"X-Request-Id": "mine"})
    assert answer.headers["X-Request-Id"] != "mine"
    connection = redis.Redis.from_url(settings.redis_url)
    trusting = settings.having(trusted_proxies=("127.0.0.1/32",))
    async with TestClient(TestServer(api_application(trusting, database, connection, Readiness()))) as http:
        behind = ApiClient(http, store.slug)
        for given, kept in (("edge-7.x_Y", True), ("a b", False), ("x" * 65, False), ("", False)):
            answer = await behind.get("/tenant.json", headers={"X-Request-Id": given})
            assert (answer.headers["X-Request-Id"] == given) is kept
    await connection.aclose()


async def test_whatever_is_read_can_be_asked_for_without_its_body(owner) -> None:
    for path in (ME, "/tenant.json", "/openapi.json", "/health", "/api/v1/products"):
        whole, head = await owner.get(path), await owner.request("HEAD", path)
        assert (head.status, await head.read()) == (200, b"")
        assert head.headers["Content-Length"] == whole.headers["Content-Length"]
        assert head.headers.get("ETag") == whole.headers.get("ETag")
    assert (await owner.request("HEAD", "/api/v1/users/x")).status == 404
    assert (await owner.at("yard").request("HEAD", ME)).status == 401


async def test_another_method_is_told_which_ones_there_are(owner) -> None:
    answer = await owner.delete("/api/v1/products")
    assert answer.status == 405
    assert set(answer.headers["Allow"].split(",")) == {"GET", "HEAD", "POST"}
    assert (await answer.json(content_type=None))["code"] == "method_not_allowed"


async def test_a_listed_origin_may_ask_before_it_calls(friendly) -> None:
    wanted = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "if-match"}
    answer = await friendly.request("OPTIONS", "/api/v1/products", headers={"Origin": FRIEND, **wanted})
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert "If-Match" in answer.headers["Access-Control-Allow-Headers"]
    answer = await friendly.get("/api/v1/auth/me", headers={"Origin": FRIEND})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (401, FRIEND)
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", FRIEND + ".evil", FRIEND.upper(), "http://shop.example", ""]
)
async def test_an_origin_that_is_not_listed_gets_no_permission(friendly, origin: str) -> None:
    for method in ("OPTIONS", "GET"):
        answer = await friendly.request(method, "/tenant.json", headers={"Origin": origin})
        assert not [name for name in answer.headers if name.startswith("Access-Control-")]
        assert "Origin" in answer.headers["Vary"]


async def test_branding_varies_by_host_and_by_origin(friendly) -> None:
    assert (await friendly.get("/tenant.json")).headers["Vary"] == "Host, Origin"


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', '"x",W/{} , "y"', "*"])
async def test_a_tag_is_known_in_every_form_that_it_comes_back_in(owner, store, form: str) -> None:
    """A proxy that compresses makes tags weak."""
    user = f"/api/v1/users/{store.users['driver']}"
    for path in (user, "/tenant.json", "/openapi.json"):
        tag = (await owner.get(path)).headers["ETag"]
        answer = await owner.get(path, headers={"If-None-Match": form.format(tag)})
        assert (answer.status, await answer.read(), answer.headers["ETag"]) == (304, b"", tag)
    tag = (await owner.get(user)).headers["ETag"]
    assert (await owner.patch(user, json={"name": "A"}, headers={"If-Match": form.format(tag)})).status == 200


@pytest.mark.parametrize("form", ["", '"x"', "{bare}", '"{bare}', 'w/"{bare}"', "W/", ", ,"])
async def test_another_tag_is_none(owner, store, form: str) -> None:
    user = f"/api/v1/users/{store.users['driver']}"
    given = form.format(bare=(await owner.get(user)).headers["ETag"].strip('"'))
    assert (await owner.get(user, headers={"If-None-Match": given})).status == 200
    assert (await owner.patch(user, json={"name": "A"}, headers={"If-Match": given})).status == 412


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "x"])
async def test_a_compressed_body_is_not_taken(owner, encoding: str) -> None:
    bomb = b'{"name": "' + b"a" * 50_000_000 + b'"}'
    packed = {"gzip": lambda: gzip.compress(bomb, 1), "deflate": lambda: zlib.compress(bomb, 1)}
    data = packed.get(encoding, lambda: b"xyz")()
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    answer = await owner.post("/api/v1/products", data=data, headers=headers, skip_auto_headers=["Accept"])
    assert answer.status in (400, 413, 415)
    assert answer.status == 415 or encoding not in packed
    assert (await owner.get(ME)).status == 200


async def test_a_refusal_before_signing_in_speaks_the_stores_language(owner) -> None:
    await owner.json("PATCH", "/api/v1/settings", {"locale": "en"}, status=200)
    stranger = owner.at("yard")
    assert (await (await stranger.get(ME)).json())["detail"] == "Sign in first."
    answer = await stranger.get(ME, headers={"Accept-Language": "pt"})
    assert (await answer.json())["detail"] == "Entre primeiro."


async def test_names_of_stores_cannot_be_guessed_without_end(client, monkeypatch) -> None:
    from runtime.web.application import CONTEXT
    from runtime.web.limits import Pace

    await client.login("owner")
    context = client._http.server.app[CONTEXT]
    monkeypatch.setattr(context.limits, "_addresses", Pace(5))
    statuses = [(await client.at(f"guess-{n}").get("/tenant.json")).status for n in range(7)]
    assert statuses == [404] * 5 + [429] * 2
    assert (await client.get(ME)).status == 200, "a store that is known costs nothing and is not held up"


async def test_every_operation_has_a_head_where_it_has_a_get(client) -> None:
    router = client._http.server.app.router
    addresses = {(route.method, route.resource.canonical) for route in router.routes() if route.resource}
    for operation in OPERATIONS:
        assert (operation.method, operation.path) in addresses
        assert ("HEAD", operation.path) in addresses or operation.method != "GET"
