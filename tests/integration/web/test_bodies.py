"""Whatever a client sends, the answer is a problem document that names the cause, and never a 500."""

from __future__ import annotations

import asyncio
import io
import json

import pytest

from tests.support.operations import OPERATIONS

PRODUCTS = "/api/v1/products"
GOOD = {"sku": "CIM-50", "name": "Cimento", "unit": "SC", "base_price": "38.90"}
TEXT = json.dumps(GOOD)


def with_field(name: str, raw: str) -> str:
    return TEXT[:-1] + f', "{name}": {raw}}}'


BODIES: dict[str, tuple[bytes, int, str | None]] = {
    "empty": (b"", 400, "json"),
    "a space": (b" ", 400, "json"),
    "half": (TEXT[:20].encode(), 400, "json"),
    "trailing": (TEXT.encode() + b"x", 400, "json"),
    "two documents": (TEXT.encode() * 2, 400, "json"),
    "single quotes": (TEXT.replace('"', "'").encode(), 400, "json"),
    "a comment": (b"/* */" + TEXT.encode(), 400, "json"),
    "NaN": (with_field("cost", "NaN").encode(), 400, "json"),
    "Infinity": (with_field("cost", "-Infinity").encode(), 400, "json"),
    "a byte order mark": (b"\xef\xbb\xbf" + TEXT.encode(), 400, "json"),
    "Latin-1": (with_field("description", '"caf\u00e9"').encode("latin-1"), 400, "json"),
    "UTF-16": (TEXT.encode("utf-16"), 400, "json"),
    "a raw NUL": (with_field("description", '"a\0b"').encode(), 400, "json"),
    "an escaped NUL": (with_field("description", r'"a\u0000b"').encode(), 400, "nul"),
    "a NUL in a key": (with_field(r"x\u0000", "1").encode(), 400, "nul"),
    "a lone surrogate": (with_field("description", r'"\ud800"').encode(), 400, "json"),
    "an encoded surrogate": (TEXT[:-1].encode() + b', "description": "\xed\xa0\x80"}', 400, "json"),
    "a key twice": (with_field("sku", '"X"').encode(), 400, "duplicate_key"),
    "an escaped key twice": (with_field(r"\u0073ku", '"X"').encode(), 400, "duplicate_key"),
    "33 levels": (b"[" * 33 + b"]" * 33, 400, "json_depth"),
    "1000 levels": (b"[" * 1000 + b"]" * 1000, 400, "json_depth"),
    "100000 levels": (b"[" * 100_000 + b"]" * 100_000, 400, None),
    "2000 levels of objects": (b'{"a":' * 2000 + b"1" + b"}" * 2000, 400, None),
    "a list": (b"[]", 422, None),
    "null": (b"null", 422, None),
    "a number": (b"7", 422, None),
    "a text": (b'"x"', 422, None),
    "nothing in it": (b"{}", 422, None),
    "an unknown field": (with_field("surprise", "1").encode(), 422, None),
    "a nested unknown field": (with_field("sku ", "{}").encode(), 422, None),
    "a number for a text": (with_field("description", "7").encode(), 422, None),
    "a list for a text": (with_field("description", "[]").encode(), 422, None),
    "an exponent": (with_field("cost", '"1e3"').encode(), 422, None),
    "NaN as a text": (with_field("cost", '"NaN"').encode(), 422, None),
    "sNaN as a text": (with_field("cost", '"sNaN"').encode(), 422, None),
    "underscores": (with_field("cost", '"1_000"').encode(), 422, None),
    "other digits": (with_field("cost", '"\u0661"').encode(), 422, None),
    "a comma": (with_field("cost", '"1,50"').encode(), 422, None),
    "too many decimals": (with_field("cost", '"1.005"').encode(), 422, None),
    "negative": (with_field("cost", "-1").encode(), 422, None),
    "larger than the column": (with_field("cost", '"1000000000000"').encode(), 422, None),
    "a huge integer": (with_field("cost", "9" * 400).encode(), 400, "json"),
    "a large integer": (with_field("cost", "9" * 30).encode(), 422, None),
    "a huge exponent": (with_field("cost", "1e400").encode(), 400, "json"),
    "true for a number": (with_field("cost", "true").encode(), 422, None),
    "a long text": (with_field("description", json.dumps("x" * 5000)).encode(), 422, None),
    "an escape character": (with_field("description", r'"\u001b[2J"').encode(), 422, None),
    "a line break in a name": (TEXT.replace("Cimento", r"Ci\nmento").encode(), 422, None),
    "a blank name": (TEXT.replace("Cimento", "   ").encode(), 422, None),
    "too large": (with_field("description", json.dumps("x" * 1_100_000)).encode(), 413, "too_large"),
}


@pytest.fixture
async def owner(client):
    await client.login("owner")
    return client


def check_problem(problem, answer) -> None:
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == answer.status
    assert {"type", "title", "detail", "instance", "code", "request_id", "errors"} <= problem.keys()
    assert problem["type"] == f"/docs#problem-{problem['code']}"
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", BODIES)
async def test_a_bad_body_is_refused_with_its_cause(owner, name: str) -> None:
    body, status, code = BODIES[name]
    answer = await owner.post(PRODUCTS, data=io.BytesIO(body), headers={"Content-Type": "application/json"})
    problem = await answer.json(content_type=None)
    assert answer.status == status, problem
    check_problem(problem, answer)
    if code is not None:
        assert problem["code"] == code
    if status == 422:
        assert problem["errors"]


async def test_the_good_body_is_good(owner) -> None:
    """Otherwise the refusals above would prove nothing; 32 levels and colons in texts are no problem either."""
    body = with_field("description", '"às 12:30: {\\"a\\": 1} \\u00e9"').encode()
    answer = await owner.post(
        PRODUCTS, data=body, headers={"Content-Type": "application/json; charset=UTF-8"}
    )
    assert answer.status == 201, await answer.text()
    answer = await owner.post(
        PRODUCTS, data=b"[" * 32 + b"]" * 32, headers={"Content-Type": "application/json"}
    )
    assert answer.status == 422


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "", "x", "json"],
)
async def test_another_media_type_is_refused(owner, content_type: str) -> None:
    answer = await owner.post(PRODUCTS, data=TEXT.encode(), headers={"Content-Type": content_type})
    check_problem(await answer.json(content_type=None), answer)
    assert answer.status == 415


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 422),
        ("limit=201", 422),
        ("limit=x", 422),
        ("limit=1&limit=2", 400),
        ("limit=99999999999999999999", 422),
        ("surprise=1", 422),
        ("q=%00", 400),
        ("q=" + "x" * 300, 422),
        ("q=%1b", 422),
        ("q=%ff%fe", 200),
        ("q=%ed%a0%80", 200),
        ("q=%25_%5c", 200),
        ("cursor=x", 400),
        ("cursor=" + "A" * 60, 400),
        ("cursor=%ff", 400),
        ("cursor=" + "A" * 2000, 422),
        ("sort=password", 422),
        ("sort=name;drop", 422),
        ("active=maybe", 422),
        ("%", 422),
        ("=", 422),
        ("&&", 200),
    ],
)
async def test_a_bad_query_is_refused_and_a_strange_one_answered(owner, query: str, status: int) -> None:
    from yarl import URL

    answer = await owner._http.session.get(
        URL(f"{owner._http.make_url('/')}api/v1/products?{query}", encoded=True), headers=owner.headers
    )
    assert answer.status == status, await answer.text()
    if status >= 400:
        check_problem(await answer.json(content_type=None), answer)


async def test_no_list_pretends_to_know_an_order(owner) -> None:
    for operation in OPERATIONS:
        is_list = operation.query is not None and "cursor" in operation.query.model_fields
        if is_list and operation.method == "GET" and not operation.parameters:
            answer = await owner.get(f"{operation.path}?sort=surprise")
            assert answer.status == 422, operation.path
            pointers = [error["pointer"] for error in (await answer.json())["errors"]]
            assert "/query/sort" in pointers


async def test_a_list_is_searched_or_says_that_it_is_not(owner) -> None:
    searched = set()
    for operation in OPERATIONS:
        if operation.query is None or operation.parameters or "q" not in operation.query.model_fields:
            continue
        answer = await owner.get(f"{operation.path}?q=cimento")
        if answer.status == 200:
            searched.add(operation.path.removeprefix("/api/v1/").removeprefix("exports/").split("/")[0])
        else:
            assert [error["code"] for error in (await answer.json())["errors"]] == ["search"], operation.path
    assert searched == {
        "customers",
        "deliveries",
        "orders",
        "products",
        "purchase-orders",
        "quotes",
        "sites",
        "stock",
        "suppliers",
        "users",
        "vehicles",
    }


@pytest.mark.parametrize(
    "name", ["x", "1", "%00", "..", "%2e%2e%2f", "0" * 32, "{" + "0" * 8, "🧱", "' or 1=1"]
)
async def test_an_id_that_is_none_is_not_found(owner, name: str) -> None:
    answer = await owner.get(f"{PRODUCTS}/{name}")
    assert answer.status == 404
    check_problem(await answer.json(content_type=None), answer)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/products/", 404),
        ("PUT", "/api/v1/products", 405),
        ("TRACE", "/api/v1/products", 405),
        ("POST", "/health", 405),
        ("OPTIONS", "/api/v1/products", 405),
    ],
)
async def test_the_servers_own_refusals_are_problems_too(client, method: str, path: str, status: int) -> None:
    answer = await client.request(method, path)
    assert answer.status == status
    check_problem(await answer.json(content_type=None), answer)
    if status == 405:
        assert answer.headers["Allow"]


async def test_refusals_speak_the_readers_language(client) -> None:
    for header, expected in (
        ("en", "Sign in first."),
        ("en-GB,pt;q=0.5", "Sign in first."),
        ("fr, pt-BR;q=0.8, en;q=0.2", "Entre primeiro."),
        ("fr", "Entre primeiro."),
        (";;;q=x,,,", "Entre primeiro."),
        ("en;q=nan", "Entre primeiro."),
    ):
        answer = await client.get("/api/v1/auth/me", headers={"Accept-Language": header})
        assert (await answer.json(content_type=None))["detail"] == expected, header


async def test_a_pointer_leads_to_the_field(owner) -> None:
    answer = await owner.post(PRODUCTS, json={**GOOD, "base_price": "x", "a/b~c": 1})
    pointers = {error["pointer"]: error["code"] for error in (await answer.json())["errors"]}
    assert pointers == {"/base_price": "decimal", "/a~1b~0c": "unknown_field"}


async def test_a_fault_of_ours_says_nothing_of_itself(owner, monkeypatch) -> None:
    from runtime.web.application import CONTEXT

    async def fail(*_arguments):
        raise RuntimeError("the secret is tijolo")

    monkeypatch.setattr(type(owner._http.server.app[CONTEXT].sessions), "find", fail)
    answer = await owner.get("/api/v1/auth/me")
    text = await answer.text()
    assert answer.status == 500
    assert "tijolo" not in text
    assert "Traceback" not in text
    check_problem(json.loads(text), answer)


async def test_another_sites_page_may_not_read_answers(client) -> None:
    answer = await client.get("/health", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_raw_bytes_on_the_socket_never_end_in_a_500(client) -> None:
    requests = [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /%%% HTTP/1.1\r\nHost: yard.localhost\r\n\r\n",
        b"GET /api/v1/products?%zz=%zz HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
        b"GET http://[::1/x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET //evil/api HTTP/1.1\r\nHost: [::::\r\n\r\n",
        b"GET /tenant.json HTTP/1.1\r\nHost: " + b"a" * 3000 + b".localhost\r\n\r\n",
        b"GET /tenant.json HTTP/1.1\r\nHost: a\tb.localhost\r\n\r\n",
        b"GET /tenant.json HTTP/1.0\r\n\r\n",
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: yard.localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: yard.localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: yard.localhost\r\nContent-Type: application/json\r\n"
        b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX-Tenant-Slug: a\r\nX-Tenant-Slug: b\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ]
    server = client._http.server
    for request in requests:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(request)
        writer.write_eof()
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        assert b" 500 " not in answer.split(b"\r\n", 1)[0], request
        assert b"Traceback" not in answer
    assert (await client.get("/health")).status == 200
