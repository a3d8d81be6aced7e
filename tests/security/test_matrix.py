"""Every operation that the API describes, asked by everybody there is: whose things are shown, touched and refused."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from handlers.vertical import ROUTES
from runtime.data.database import Database
from runtime.web import auth
from runtime.web.routing import Operation
from tests.support.operations import Things
from tests.support.stores import ROLES, ApiClient, Store, create_store
from tests.support.traded import Traded, contents_of, trade

OPERATIONS = sorted(
    (operation for group in (auth.routes, *ROUTES) for operation in group.operations),
    # Readings first, so that they have something to show; signing out is the last that anybody does.
    key=lambda operation: (operation.method != "GET", operation.path.endswith("/logout")),
)
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)


@dataclass(slots=True)
class Matrix:
    """Calls and scans; ``wrong`` is whatever should not have happened."""

    own: Traded
    foreign: Traded
    things: Things = field(init=False)
    strangers: Things = field(init=False)
    calls: Counter[str] = field(default_factory=Counter)
    shown: int = 0
    wrong: list[str] = field(default_factory=list)
    foreign_ids: frozenset[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.things, self.strangers = Things(self.own), Things(self.foreign)
        self.foreign_ids = frozenset(found.encode() for found in self.foreign.all_ids)

    async def call(
        self, who: str, client: ApiClient, operation: Operation, path: str, **headers: str
    ) -> tuple[int, str]:
        """Status and problem code; notes faults and whatever of the other store stands in the answer."""
        body = self.things.body(operation)
        options: dict[str, Any] = {} if body is None else {"json": body}
        answer = await client.request(
            operation.method, path, headers=headers, allow_redirects=False, **options
        )
        content = visible(await answer.read())
        self.calls[who] += 1
        where = f"{who}: {operation.method} {operation.path}: {answer.status}"
        if answer.status >= 500:
            self.wrong.append(f"{where} is a fault")
        for header, text in answer.headers.items():
            content += f"{header}: {text}\n".encode()
        content = content.replace(path.encode(), b"")
        self.shown += self.own.mark.encode() in content
        if "/platform/" not in operation.path or who != "admin":
            if self.foreign.mark.lower().encode() in content.lower():
                self.wrong.append(f"{where} shows the other store's mark")
            if not self.foreign_ids.isdisjoint(_UUID.findall(content)):
                self.wrong.append(f"{where} shows the other store's ids")
        is_problem = answer.content_type == "application/problem+json"
        return answer.status, (await answer.json(content_type=None))["code"] if is_problem else ""

    def expect(self, who: str, operation: Operation, answered: Any, *expected: Any) -> None:
        if answered not in expected:
            self.wrong.append(f"{who}: {operation.method} {operation.path}: {answered}")


def visible(content: bytes) -> bytes:
    """The content with what is packed into it: the sheets of a workbook, the streams of a PDF."""
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return b"\n".join(archive.read(name) for name in archive.namelist())
    if content.startswith(b"%PDF"):
        parts = [content]
        for packed in _STREAM.findall(content):
            try:
                parts.append(zlib.decompress(packed))
            except zlib.error:
                continue
        return b"\n".join(parts)
    return content


@pytest.fixture
async def matrix(
    client: ApiClient, store: Store, database: Database, owner: asyncpg.Connection
) -> AsyncIterator[Matrix]:
    """Two stores that have traded; not one row of the other may differ after the test."""
    beta_store = await create_store(database, "beta")
    beta = client.at("beta")
    await beta.login("owner")
    foreign = await trade(owner, beta, beta_store, "CANARY-BETA")
    await client.login("owner")
    own = await trade(owner, client, store, "CANARY-YARD")
    before = await contents_of(owner, beta_store.id)
    made = Matrix(own, foreign)
    yield made
    after = await contents_of(owner, beta_store.id)
    changed = {table for table in after if after[table] != before[table]}
    # Signing in there, for a token of that store, is all that may have happened.
    assert changed <= {"sessions", "refresh_tokens", "audit_log"}
    assert made.wrong == []


async def test_the_matrix_has_every_operation_that_is_described(client: ApiClient) -> None:
    document = await (await client.get("/openapi.json")).json()
    described = {(method.upper(), path) for path, one in document["paths"].items() for method in one}
    assert {(operation.method, operation.path) for operation in OPERATIONS} == described


async def test_everybody_of_a_store_sees_that_stores_things_only(
    matrix: Matrix, client: ApiClient, admin: ApiClient
) -> None:
    people = {role.value: client.at("yard") for role in ROLES}
    for role, person in people.items():
        await person.login(role)
    people["admin"] = admin
    for who, person in people.items():
        for operation in OPERATIONS:
            await matrix.call(who, person, operation, matrix.things.path(operation))
    assert matrix.calls.total() == len(people) * len(OPERATIONS)
    assert matrix.shown > 250, (
        "what is the store's own has to be found, or finding nothing else means nothing"
    )


async def test_another_stores_ids_are_not_found_by_anybody(matrix: Matrix, client: ApiClient) -> None:
    for role in ROLES:
        person = client.at("yard")
        await person.login(role.value)
        for operation in OPERATIONS:
            if operation.parameters:
                path = matrix.strangers.path(operation)
                status, code = await matrix.call(f"{role} with foreign ids", person, operation, path)
                # Bodies and permissions are looked at first; then the thing is not there.
                matrix.expect(role.value, operation, status, 403, 404, 415, 422)
                matrix.expect(role.value, operation, code == "tenant_mismatch", False)
    assert matrix.calls.total() > len(ROLES) * 120


async def test_a_token_of_another_store_and_no_token_open_nothing(matrix: Matrix, client: ApiClient) -> None:
    thief, nobody, beta = client.at("yard"), client.at("yard"), client.at("beta")
    await beta.login("owner")
    thief.headers["Authorization"] = beta.headers["Authorization"]
    for operation in OPERATIONS:
        path = matrix.things.path(operation)
        for headers in ({}, {"X-Tenant-Slug": "yard"}, {"X-Tenant-Slug": "beta", "X-Edge-Auth": "guess"}):
            stolen = await matrix.call("another store's token", thief, operation, path, **headers)
            if not operation.public:
                matrix.expect("another store's token", operation, stolen, (403, "tenant_mismatch"))
        refused = await matrix.call("nobody", nobody, operation, path, **{"X-Tenant-Slug": "beta"})
        if not operation.public:
            matrix.expect("nobody", operation, refused, (401, "unauthorized"))
    assert matrix.calls.total() == 4 * len(OPERATIONS)


async def test_a_header_moves_nobody_who_is_signed_in(matrix: Matrix, client: ApiClient) -> None:
    await client.login("owner")
    spoofed = {
        "X-Tenant-Slug": "beta",
        "X-Edge-Auth": "guess",
        "X-Forwarded-Host": "beta.localhost",
        "X-Tenant-Id": "beta",
        "Forwarded": "host=beta.localhost",
        "X-Original-Host": "beta.localhost",
        "X-Host": "beta.localhost",
    }
    for operation in OPERATIONS:
        await matrix.call("spoofed headers", client, operation, matrix.things.path(operation), **spoofed)
    assert matrix.calls.total() == len(OPERATIONS)
