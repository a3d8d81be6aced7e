"""No operation shows or changes another store's things, whatever ids it is given: tried for every one there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
from pydantic import BaseModel

from runtime.web.routing import Operation
from tests.support.operations import OPERATIONS, Things
from tests.support.stores import ApiClient, Store, create_store
from tests.support.traded import Traded, contents_of, trade

TRIED_PER_TABLE = 4

# Thousands of requests a test.
pytestmark = pytest.mark.timeout(300)


@dataclass(slots=True)
class Trespass:
    """Calls as the owner of one store with things of another, and notes what should not have happened."""

    client: ApiClient
    things: Things
    foreign: Traded
    foreign_ids: frozenset[bytes] = field(init=False)
    wrong: list[str] = field(default_factory=list)
    calls: int = 0

    def __post_init__(self) -> None:
        self.foreign_ids = frozenset(found.encode() for found in self.foreign.all_ids)

    def tried_ids(self) -> Iterator[str]:
        """Some of each kind of the foreign store's ids: a handler may look in another table than its name says."""
        for ids in self.foreign.ids.values():
            yield from ids[-TRIED_PER_TABLE:]

    async def call(
        self, operation: Operation, path: str, *, sent: Sequence[str] = (), body: Any = None, query: str = ""
    ) -> int:
        """The status; notes faults, marks and ids that are not this store's and were not sent."""
        options = {} if body is None else {"json": body}
        answer = await self.client.request(operation.method, path + query, allow_redirects=False, **options)
        content = await answer.read()
        self.calls += 1
        for known in sent:
            content = content.replace(known.encode(), b"")
        where = f"{operation.method} {operation.path} {query} {body}: {answer.status}"
        if answer.status >= 500:
            self.wrong.append(f"{where} fault")
        if self.foreign.mark.lower().encode() in content.lower():
            self.wrong.append(f"{where} shows the other store's mark")
        if any(found in content for found in self.foreign_ids):
            self.wrong.append(f"{where} shows the other store's ids")
        return answer.status


def id_fields(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """The paths of all fields of the model that hold ids, through lists and inner models."""
    schema = model.model_json_schema()
    yield from _id_fields(schema, schema.get("$defs", {}), ())


def _id_fields(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], at: tuple[str, ...]
) -> Iterator[Any]:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    if schema.get("format") == "uuid":
        yield at
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _id_fields(choice, definitions, at)
    if "items" in schema:
        yield from _id_fields(schema["items"], definitions, (*at, "[]"))
    for name, part in schema.get("properties", {}).items():
        yield from _id_fields(part, definitions, (*at, name))


def with_id(value: Any, at: Sequence[str], found: str) -> Any:
    """The body with this id at that path; lists and objects on the way are made when they are not there."""
    if not at:
        return found
    if at[0] == "[]":
        first, *others = value if isinstance(value, list) and value else [None]
        return [with_id(first, at[1:], found), *others]
    given = value if isinstance(value, dict) else {}
    return {**given, at[0]: with_id(given.get(at[0]), at[1:], found)}


@pytest.fixture
async def trespass(client, store: Store, database, owner: asyncpg.Connection) -> Trespass:
    """The owner of ``yard``, who knows every id of ``beta``."""
    beta_store = await create_store(database, "beta")
    beta = client.at("beta")
    await beta.login("owner")
    foreign = await trade(owner, beta, beta_store, "CANARY-BETA")
    await client.login("owner")
    own = await trade(owner, client, store, "YARD")
    assert {"quotes", "orders", "purchase_orders", "stock_counts", "users"} <= own.ids.keys()
    return Trespass(client, Things(own), foreign)


@pytest.fixture
async def beta_stays_as_it_is(trespass: Trespass, owner: asyncpg.Connection):
    """Whatever a test does, not one row of the other store may differ after it."""
    tenant_id = await owner.fetchval("select id from tenants where slug = 'beta'")
    before = await contents_of(owner, tenant_id)
    yield
    after = await contents_of(owner, tenant_id)
    assert {table for table in after if after[table] != before[table]} == set()


@pytest.mark.usefixtures("beta_stays_as_it_is")
async def test_another_stores_id_in_the_address_finds_nothing(trespass: Trespass) -> None:
    for operation in OPERATIONS:
        for name, kind in operation.parameters.items():
            tried = trespass.foreign.tokens.values() if kind is str else trespass.tried_ids()
            for found in () if kind is int else tried:
                path = trespass.things.path(operation, **{name: found})
                status = await trespass.call(
                    operation, path, sent=[found], body=trespass.things.body(operation)
                )
                if status not in (404, 415, 422):  # 415: an operation that takes no JSON looks at that first
                    trespass.wrong.append(f"{operation.method} {operation.path} with {name}: {status}")
    assert trespass.calls > 1000
    assert sorted(set(trespass.wrong)) == []


@pytest.mark.usefixtures("beta_stays_as_it_is")
async def test_another_stores_id_in_a_body_is_refused(trespass: Trespass) -> None:
    for operation in OPERATIONS:
        for at in () if operation.body is None else id_fields(operation.body):
            for found in trespass.tried_ids():
                body = with_id(trespass.things.body(operation), at, found)
                status = await trespass.call(
                    operation, trespass.things.path(operation), sent=[found], body=body
                )
                if status < 300 and operation.is_write:
                    trespass.wrong.append(f"{operation.method} {operation.path} takes it as {at}: {status}")
    assert trespass.calls > 1000
    assert sorted(set(trespass.wrong)) == []


@pytest.mark.usefixtures("beta_stays_as_it_is")
async def test_another_stores_id_in_a_query_shows_nothing_of_it(trespass: Trespass) -> None:
    for operation in OPERATIONS:
        for at in () if operation.query is None else id_fields(operation.query):
            for found in trespass.tried_ids():
                query = f"?{at[0]}={found}"
                await trespass.call(operation, trespass.things.path(operation), sent=[found], query=query)
    assert trespass.calls > 100
    assert sorted(set(trespass.wrong)) == []


@pytest.mark.usefixtures("beta_stays_as_it_is")
async def test_what_a_store_does_with_its_own_things_shows_only_its_own(trespass: Trespass) -> None:
    """Readings first, then everything else; a search for the other store's mark finds nothing either."""
    answered = 0
    for operation in sorted(OPERATIONS, key=lambda one: one.method != "GET"):
        body, path = trespass.things.body(operation), trespass.things.path(operation)
        status = await trespass.call(operation, path, body=body)
        answered += status < 300
        if operation.query is not None and "q" in operation.query.model_fields:
            mark = trespass.foreign.mark
            await trespass.call(operation, path, sent=[mark], body=body, query=f"?q={mark}&limit=200")
    assert answered > len(OPERATIONS) * 0.7, "most operations should work, or nothing is shown by this"
    assert sorted(set(trespass.wrong)) == []


@pytest.mark.usefixtures("beta_stays_as_it_is")
async def test_a_trusted_looking_header_moves_nobody_to_another_store(trespass: Trespass) -> None:
    trespass.client.headers["X-Tenant-Slug"] = "beta"
    for operation in OPERATIONS:
        await trespass.call(operation, trespass.things.path(operation), body=trespass.things.body(operation))
    assert sorted(set(trespass.wrong)) == []


async def test_the_search_for_marks_finds_them_where_they_are(trespass: Trespass) -> None:
    """Otherwise the tests above would prove nothing: in its own store the other's mark is everywhere."""
    beta = trespass.client.at("beta")
    await beta.login("owner")
    at_home = Trespass(beta, Things(trespass.foreign), trespass.foreign)
    for operation in OPERATIONS:
        if operation.method == "GET":
            await at_home.call(operation, at_home.things.path(operation))
    shown = {line.split("  ")[0] for line in at_home.wrong if line.endswith("mark")}
    assert len(shown) > 20
