"""The differences of a quote's versions over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.quotes.versions import ChangesView
from tests.support.stores import ApiClient


@pytest.fixture
async def draft(client: ApiClient) -> dict[str, Any]:
    """A draft with cement and sand; ``products`` has their ids and that of lime."""
    await client.login("owner")
    products = {}
    for sku, price in (("CIM", "40.00"), ("ARE", "120.00"), ("CAL", "15.00")):
        body = {"sku": sku, "name": f"Produto {sku}", "unit": "UN", "base_price": price}
        products[sku] = (await client.json("POST", "products", body, status=201))["id"]
    customer = await client.json("POST", "customers", {"kind": "person", "name": "Ana"}, status=201)
    items = [
        {"product_id": products["CIM"], "quantity": "10"},
        {"product_id": products["ARE"], "quantity": "1"},
    ]
    made = await client.json("POST", "quotes", {"customer_id": customer["id"], "items": items}, status=201)
    return {**made, "products": products}


async def test_each_version_says_what_changed_since(client: ApiClient, draft: dict[str, Any]) -> None:
    path, products = f"quotes/{draft['id']}", draft["products"]
    items = [
        {"product_id": products["CIM"], "quantity": "12"},
        {"product_id": products["CAL"], "quantity": "2"},
    ]
    await client.json("PATCH", path, {"items": items}, status=200)
    await client.json("PATCH", path, {"discount_percent": "5", "notes": "urgente"}, status=200)
    await client.json("POST", f"{path}/send", status=200)

    since_first = await client.json("GET", f"{path}/versions/1/changes", status=200)
    ChangesView.model_validate(since_first)
    assert [(line["change"], line["sku"]) for line in since_first["lines"]] == [
        ("changed", "CIM"),
        ("added", "CAL"),
        ("removed", "ARE"),
    ]
    assert since_first["lines"][0]["sentence"] == "Produto CIM: quantidade 10 UN → 12 UN."
    assert [change["field"] for change in since_first["header"]] == ["discount_percent", "notes"]
    assert since_first["totals"]["total"] == {"before": "520.00", "after": "484.50"}
    assert since_first["difference"] == "-35.50"

    between = await client.json("GET", f"{path}/versions/1/changes?to=2", status=200)
    assert (len(between["lines"]), between["header"]) == (3, [])
    back = await client.json("GET", f"{path}/versions/2/changes?to=1", status=200)
    assert [line["change"] for line in back["lines"]] == ["changed", "added", "removed"]
    english = await client.get(f"{path}/versions/2/changes", headers={"Accept-Language": "en"})
    assert (await english.json())["header"][0]["sentence"] == "Overall discount: 0 % → 5 %."


async def test_a_version_that_was_not_kept_is_not_there(client: ApiClient, draft: dict[str, Any]) -> None:
    path = f"quotes/{draft['id']}/versions"
    assert (await client.json("GET", f"{path}/1/changes", status=200))["lines"] == []
    assert (await client.get(f"{path}/2/changes")).status == 404
    assert (await client.get(f"{path}/1/changes?to=2")).status == 404
