"""What goods cost is shown to the owner, finance and the stock keeper: sellers and drivers find it nowhere."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest

from handlers.permissions import Role
from tests.support.operations import OPERATIONS, Things
from tests.support.stores import ApiClient, Store
from tests.support.traded import trade

CANARY = "7654.32"
READS = [
    operation for operation in OPERATIONS if operation.method == "GET" and "/stream" not in operation.path
]


@pytest.fixture
async def things(client: ApiClient, store: Store, owner: asyncpg.Connection) -> Things:
    """A store that has traded, whose goods all cost the same."""
    await client.login("owner")
    traded = await trade(owner, client, store, "yard")
    bought = {"kind": "receipt", "product_id": traded.ids["products"][0], "quantity": "1", "unit_cost": "30"}
    await client.json("POST", "stock/movements", bought, status=201)
    await owner.execute(
        "insert into purchase_costs (tenant_id, product_id, purchase_order_id, last_cost, updated_at)"
        " select p.tenant_id, p.id, $2, 30, now() from products as p where p.tenant_id = $1"
        " on conflict do nothing",
        store.id,
        UUID(traded.ids["purchase_orders"][0]),
    )
    for column in (
        "products.cost",
        "stock_costs.average_cost",
        "purchase_costs.last_cost",
        "stock_movements.unit_cost",
        "supplier_prices.price",
        "purchase_order_items.unit_cost",
        "purchase_order_items.bought_cost",
    ):
        table, name = column.split(".")
        await owner.execute(f"alter table {table} disable trigger user")
        assert await owner.execute(f"update {table} set {name} = {CANARY}") != "UPDATE 0", column
    return Things(traded)


async def shown_to(role: Role, client: ApiClient, things: Things) -> set[str]:
    """The addresses that show a cost."""
    person = client.at("yard")
    await person.login(role)
    found = set()
    for operation in READS:
        answer = await person.get(things.path(operation))
        if CANARY.encode() in await answer.read():
            found.add(operation.path.removeprefix("/api/v1"))
    return found


async def test_costs_are_shown_to_those_only_who_may_see_them(client: ApiClient, things: Things) -> None:
    places = {
        "/products",
        "/products/{product_id}",
        "/stock",
        "/stock/movements",
        "/suppliers/{supplier_id}/prices",
        "/purchase-orders",
        "/purchase-orders/{order_id}",
    }
    for role in (Role.OWNER, Role.FINANCE, Role.STOCK_KEEPER):
        shown = await shown_to(role, client, things)
        assert places <= shown, (role, places - shown)
    for role in (Role.SELLER, Role.DRIVER):
        assert await shown_to(role, client, things) == set()
    seller = client.at("yard")
    await seller.login("seller")
    for path in ("products?q=yard", "products?sort=sku", "products?sort=created", "stock?q=yard"):
        page = await seller.json("GET", path, status=200)
        assert page["items"], path
        for item in page["items"]:
            assert {item[name] for name in ("cost", "last_cost", "average_cost") if name in item} == {None}
