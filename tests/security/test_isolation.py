"""Two stores never see each other: every operation, with the other store's ids, the other store's sign-in, and none."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from asyncpg import Connection

from handlers.vertical import ROUTES
from runtime.data.database import Database
from runtime.web import auth
from runtime.web.routing import Operation
from tests.integration.handlers.test_selling import Shop
from tests.support.stores import ApiClient, create_store

CANARY = "Canario-7f3a"
OPERATIONS = [operation for group in (auth.routes, *ROUTES) for operation in group.operations]

TABLES = {
    "product_id": "products",
    "customer_id": "customers",
    "site_id": "sites",
    "quote_id": "quotes",
    "order_id": "orders",
    "user_id": "users",
    "list_id": "price_lists",
    "price_id": "agreed_prices",
    "count_id": "stock_counts",
    "tenant_id": "tenants",
    "supplier_id": "suppliers",
    "purchase_order_id": "purchase_orders",
}


@pytest.fixture
async def victim(client: ApiClient) -> Shop:
    """A store with something of everything, and the canary in every text it could take."""
    shop = Shop(client)
    await shop.open(cement=100)
    json = client.json
    product = shop.products["cement"]
    await json(
        "PATCH",
        f"products/{product}",
        {"name": CANARY, "description": CANARY, "category": CANARY},
        status=200,
    )
    await json("PATCH", f"customers/{shop.customer}", {"name": CANARY, "notes": CANARY}, status=200)
    await json("POST", f"customers/{shop.customer}/sites", {"name": CANARY, "address": CANARY}, status=201)
    price_list = await json("POST", "price-lists", {"name": CANARY}, status=201)
    agreed = {"price_list_id": price_list["id"], "category": CANARY, "percent_off": "1"}
    await json("POST", "agreed-prices", agreed, status=201)
    body = {"customer_id": shop.customer, "notes": CANARY, "items": shop.items(cement=2)}
    quote = await json("POST", "quotes", body, status=201)
    await json("POST", f"quotes/{quote['id']}/send", status=200)
    await json("POST", f"quotes/{quote['id']}/share", {}, status=201)
    await shop.order("delivery", cement=1)
    await json("POST", "orders", {"fulfilment": "counter", "items": shop.items(cement=1)}, status=201)
    await json("POST", "stock/counts", {"notes": CANARY}, status=201)
    supplier = await json("POST", "suppliers", {"name": CANARY}, status=201)
    assert supplier["id"]
    await json("PATCH", "settings", {"name": CANARY}, status=200)
    return shop


@pytest.fixture
async def intruder(victim: Shop, database: Database) -> ApiClient:
    """The owner of another store, signed in there."""
    await create_store(database, "rival")
    stranger = victim.client.at("rival")
    await stranger.login("owner")
    return stranger


async def fingerprint(owner: Connection, slug: str) -> dict[str, str]:
    """A digest of the store's rows, table by table."""
    tables = await owner.fetch(
        "select c.relname as name from pg_class c "
        "join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' "
        "where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace"
    )
    tenant_id = await owner.fetchval("select id from tenants where slug = $1", slug)
    digests = {}
    for table in tables:
        rows = await owner.fetch(
            f"select t::text as row from {table['name']} t where tenant_id = $1 order by 1", tenant_id
        )
        digests[table["name"]] = hashlib.sha256("\n".join(row["row"] for row in rows).encode()).hexdigest()
    return digests


async def foreign_path(operation: Operation, owner: Connection) -> str:
    """The operation's path with ids of the victim's things."""
    path = operation.path
    for name, kind in operation.parameters.items():
        value: Any = "0" * 48 if kind is str else 1
        if kind not in (str, int):
            table = TABLES.get(name, "orders")
            condition = (
                "slug = 'yard'"
                if table == "tenants"
                else ("tenant_id = (select id from tenants where slug = 'yard')")
            )
            value = await owner.fetchval(f"select id from {table} where {condition} limit 1")
            value = value or await owner.fetchval(
                "select id from orders where tenant_id = (select id from tenants where slug = 'yard') limit 1"
            )
        path = path.replace(f"{{{name}}}", str(value))
    return path


def options(operation: Operation) -> dict[str, Any]:
    return {"json": {}} if operation.body is not None else {}


async def test_no_operation_shows_or_touches_another_stores_things(
    victim: Shop, intruder: ApiClient, owner: Connection
) -> None:
    before = await fingerprint(owner, "yard")
    tried = 0
    for operation in OPERATIONS:
        if operation.path.startswith("/api/v1/auth"):
            continue
        path = await foreign_path(operation, owner)
        answer = await intruder.request(operation.method, path, **options(operation))
        text = (await answer.read()).decode("utf-8", "replace")
        assert CANARY not in text, f"{operation.method} {path}"
        assert answer.status < 500, f"{operation.method} {path}: {text}"
        if operation.parameters:
            assert answer.status in (403, 404, 409, 415, 422), (
                f"{operation.method} {path}: {answer.status} {text}"
            )
            tried += 1
    assert tried > 40
    assert await fingerprint(owner, "yard") == before


async def test_another_stores_sign_in_opens_no_operation(
    victim: Shop, intruder: ApiClient, owner: Connection
) -> None:
    before = await fingerprint(owner, "yard")
    headers = {"Host": "yard.localhost"}
    for operation in OPERATIONS:
        if operation.public:
            continue
        path = await foreign_path(operation, owner)
        answer = await intruder.request(operation.method, path, headers=headers, **options(operation))
        assert answer.status == 403, f"{operation.method} {path}"
        assert CANARY not in await answer.text()
    assert await fingerprint(owner, "yard") == before


async def test_nobody_gets_in_without_signing_in_whatever_header_they_send(
    victim: Shop, intruder: ApiClient, owner: Connection
) -> None:
    nobody = intruder.at("yard")
    for operation in OPERATIONS:
        if operation.public:
            continue
        path = await foreign_path(operation, owner)
        answer = await nobody.request(
            operation.method, path, headers={"X-Tenant-Slug": "yard"}, **options(operation)
        )
        assert answer.status == 401, f"{operation.method} {path}"
    spoofed = await intruder.get("customers", headers={"X-Tenant-Slug": "yard"})
    assert (await spoofed.json())["items"] == []
