"""The pricing insights over HTTP: from a supplier's price to advice with its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from actors.pricing.actor import PricingEngine
from handlers.insights.pricing_models import (
    BaseCostView,
    ComparisonView,
    PricingAlertView,
    SupplierSuggestionView,
    TrendView,
)
from runtime.data.database import Database
from runtime.data.ids import NIL, new_id
from runtime.data.oracles import run_oracles
from runtime.data.queries import sql
from runtime.events.consumer import Consumer
from tests.integration.actors.test_pricing_engine import created, parameters, price
from tests.integration.actors.test_pricing_engine import received as bought
from tests.support.engines import Engines

PRICING = "insights/pricing"
TODAY = datetime.now(UTC).date()


@dataclass(slots=True)
class Yard:
    """A store that compares prices: signed in as the stock keeper, and as the owner."""

    api: Any
    owner_api: Any
    engines: Engines
    tenant_id: UUID

    async def product(self, sku: str = "CIM", **given: Any) -> str:
        body = {"sku": sku, "name": f"Produto {sku}", "unit": "SC", "base_price": "40", **given}
        return str((await self.owner_api.json("POST", "products", body, status=201))["id"])

    async def supplier(self, name: str) -> str:
        return str((await self.api.json("POST", "suppliers", {"name": name}, status=201))["id"])

    async def price(self, supplier_id: str, product_id: str, cost: str, **given: Any) -> None:
        body = {"product_id": product_id, "price": cost, **given}
        await self.api.json("POST", f"suppliers/{supplier_id}/prices", body, status=201)

    async def get(self, path: str, locale: str = "pt-BR") -> Any:
        await self.learn(self.tenant_id)
        answer = await self.api.get(f"{PRICING}/{path}", headers={"Accept-Language": locale})
        found = await answer.json()
        assert answer.status == 200, found
        if "explanation" in found:
            found["explanation"] = found["explanation"].replace("\xa0", " ")
        return found

    async def learn(self, tenant_id: UUID) -> None:
        consumer = Consumer(PricingEngine(), self.engines.engine)
        while (await consumer.step([tenant_id])).behind:
            pass


@pytest.fixture
async def yard(client, store, engines: Engines) -> Yard:
    await client.login("stock_keeper")
    owner = client.at(store.slug)
    await owner.login("owner")
    return Yard(client, owner, engines, store.id)


async def test_suppliers_are_compared_by_what_their_goods_really_cost(yard: Yard) -> None:
    product = await yard.product()
    north, south, gone = [await yard.supplier(name) for name in ("Norte", "Sul", "Fora")]
    await yard.price(north, product, "30.00")
    await yard.price(south, product, "30.30", payment_days=60, minimum_quantity="10", lead_time_days=4)
    await yard.price(gone, product, "1.00")
    await yard.owner_api.json("PATCH", f"suppliers/{gone}", {"active": False}, status=200)
    found = await yard.get(f"compare/{product}")
    ComparisonView.model_validate(found)
    first, second = found["items"]
    assert (first["supplier_name"], first["price"], first["landed_cost"]) == ("Sul", "30.30", "29.41")
    assert (first["difference_percent"], second["difference_percent"]) == (1.0, 0.0)
    assert (second["landed_cost"], second["stability"], second["valid_to"]) == ("30.00", None, None)
    assert first["explanation"].replace("\xa0", " ") == (
        "Sul pede R$ 30,30 por SC, 1% acima do menor preço; com 60 dias para pagar, custa R$ 29,41."
    )
    assert found["explanation"] == (
        "2 fornecedores com preço vigente: de R$ 29,41 de Sul, até R$ 30,00 de Norte, já no valor de hoje."
    )
    english = await yard.get(f"compare/{product}", "en")
    assert english["explanation"] == (
        "2 suppliers with a price that counts: from R$29.41 of Sul to R$30.00 of Norte, at today's value."
    )


async def test_the_best_supplier_comes_with_reasons_and_near_alternatives(yard: Yard) -> None:
    product = await yard.product()
    empty = await yard.get(f"suggestion/{product}")
    assert (empty["supplier"], empty["alternatives"], empty["reasons"]) == (None, [], [])
    assert empty["explanation"] == "Nenhum fornecedor ativo tem preço vigente para este produto."
    names = {"Norte": "30", "Sul": "31", "Leste": "33"}
    for name, cost in names.items():
        await yard.price(await yard.supplier(name), product, cost, lead_time_days=int(cost))
    found = await yard.get(f"suggestion/{product}")
    SupplierSuggestionView.model_validate(found)
    assert found["supplier"]["supplier_name"] == "Norte"
    assert [one["supplier_name"] for one in found["alternatives"]] == ["Sul"]
    assert [one["code"] for one in found["reasons"]] == ["lowest_landed_cost", "lowest_price", "fastest"]
    assert found["explanation"] == (
        "Compre de Norte a R$ 30,00 por SC. Menor custo no valor de hoje: R$ 30,00, R$ 1,00 abaixo do seguinte "
        "(Sul). 1 alternativa fica a até 5% disso."
    )
    english = await yard.get(f"suggestion/{product}", "en")
    assert english["explanation"].endswith("1 alternative is within 5% of it.")


async def test_the_base_cost_follows_the_method_that_was_set(yard: Yard) -> None:
    product, north, south = (
        await yard.product(cost="35"),
        await yard.supplier("Norte"),
        await yard.supplier("Sul"),
    )
    found = await yard.get(f"base-cost/{product}")
    BaseCostView.model_validate(found)
    assert (found["source"], found["base_cost"], found["margin_percent"]) == ("product", "35.00", 12.5)
    await yard.price(north, product, "30")
    await yard.price(south, product, "33")
    found = await yard.get(f"base-cost/{product}")
    assert (found["method"], found["source"], found["base_cost"]) == ("best", "best", "30.00")
    assert found["explanation"] == (
        "Custo base de R$ 30,00 pelo melhor preço vigente; vendido a R$ 40,00, a margem é de 25% (mínimo 15%)."
    )
    body = {"product_id": product, "cost_method": "average"}
    await yard.api.json("PUT", f"{PRICING}/parameters", body, status=200)
    found = await yard.get(f"base-cost/{product}", "en")
    assert (found["method"], found["source"], found["base_cost"]) == ("average", "average", "31.50")
    assert found["explanation"].startswith(
        "Base cost of R$31.50 by the mean of the prices that count; sold at"
    )


async def test_goods_received_are_the_last_purchase(yard: Yard) -> None:
    product, north = await yard.product(), await yard.supplier("Norte")
    await yard.price(north, product, "30")
    lines = [{"product_id": product, "quantity": "10", "unit_cost": "28.50"}]
    order = await yard.api.json("POST", "purchase-orders", {"supplier_id": north, "items": lines}, status=201)
    await yard.api.json("POST", f"purchase-orders/{order['id']}/send", status=200)
    await yard.api.json("POST", f"purchase-orders/{order['id']}/receive", {}, status=200)
    await yard.api.json("PUT", f"{PRICING}/parameters", {"cost_method": "last"}, status=200)
    found = await yard.get(f"base-cost/{product}")
    assert (found["source"], found["base_cost"], found["last_purchase_cost"]) == ("last", "28.50", "28.50")
    assert found["last_purchase_on"] is not None
    assert (await yard.get(f"compare/{product}"))["usual_quantity"] == "10.000"


async def test_alerts_open_and_close_by_themselves_and_come_by_risk(yard: Yard) -> None:
    product, other, north = await yard.product(), await yard.product("ARE"), await yard.supplier("Norte")
    before = str(TODAY - timedelta(days=40))
    await yard.price(north, product, "30", valid_from=before)
    await yard.price(north, other, "30", valid_from=before)
    assert (await yard.get("alerts"))["items"] == []
    await yard.price(north, product, "36", valid_from=str(TODAY - timedelta(days=1)))
    await yard.price(north, other, "25", valid_from=str(TODAY - timedelta(days=1)))
    found = (await yard.get("alerts"))["items"]
    for one in found:
        PricingAlertView.model_validate(one)
    assert [(one["sku"], one["kind"], one["risk"]) for one in found] == [
        ("CIM", "price_rise", "high"),
        ("CIM", "margin", "medium"),
        ("ARE", "price_drop", "low"),
    ]
    said = [one["explanation"].replace("\xa0", " ") for one in found]
    assert said == [
        "Norte aumentou Produto CIM em 20% em até 30 dias: de R$ 30,00 para R$ 36,00.",
        "Produto CIM custa R$ 36,00 e é vendido a R$ 40,00: a margem de 10% está abaixo do mínimo de 15%.",
        "Norte baixou Produto ARE em 16,7% em até 30 dias: de R$ 30,00 para R$ 25,00.",
    ]
    pages, cursor = [], ""
    while cursor is not None:
        page = await yard.get(f"alerts?limit=1{f'&cursor={cursor}' if cursor else ''}")
        pages += page["items"]
        cursor = page["next_cursor"]
    assert pages == found
    assert [one["kind"] for one in (await yard.get("alerts?kind=margin&risk=medium"))["items"]] == ["margin"]
    assert len((await yard.get(f"alerts?product_id={other}"))["items"]) == 1
    body = {"variation_percent": 25, "margin_floor_percent": "5"}
    await yard.api.json("PUT", f"{PRICING}/parameters", body, status=200)
    assert (await yard.get("alerts"))["items"] == []
    closed = (await yard.get("alerts?status=closed"))["items"]
    assert [one["closed_at"] is not None for one in closed] == [True, True, True]


async def test_an_answered_alert_leaves_the_list_and_a_snoozed_one_comes_back(yard: Yard) -> None:
    product, north, south = await yard.product(), await yard.supplier("Norte"), await yard.supplier("Sul")
    for supplier in (north, south):
        await yard.price(supplier, product, "20", valid_from=str(TODAY - timedelta(days=40)))
        await yard.price(supplier, product, "23", valid_from=str(TODAY - timedelta(days=1)))
    assert len((await yard.get("alerts"))["items"]) == 2
    path, about = f"{PRICING}/alerts/{product}/answer", {"kind": "price_rise", "supplier_id": north}
    later = str(TODAY + timedelta(days=9))
    body = {**about, "answer": "snoozed", "until": later}
    assert (await yard.api.json("POST", path, body, status=200))["until"] == later
    dismissed = {**about, "supplier_id": south, "answer": "dismissed", "reason": "wrong"}
    await yard.api.json("POST", path, dismissed, status=200)
    assert (await yard.get("alerts"))["items"] == []
    found = (await yard.get("alerts?include_answered=true"))["items"]
    assert {(one["supplier_name"], one["answer"], one["until"]) for one in found} == {
        ("Norte", "snoozed", later),
        ("Sul", "dismissed", None),
    }
    for day, shown in ((TODAY + timedelta(days=8), []), (TODAY + timedelta(days=9), [UUID(north)])):
        rows = await _open_alerts_on(yard, day)
        assert [row["supplier_id"] for row in rows] == shown


async def _open_alerts_on(yard: Yard, today: date) -> list[Any]:
    nothing = {"kind": None, "risk": None, "product_id": None, "answered": False, "status": "open"}
    start = {"after_rank": -1, "after_product": NIL, "after_about": "", "after_supplier": NIL, "limit": 9}
    async with yard.engines.api.tenant(yard.tenant_id) as tx:
        return await tx.fetch_all(sql.list_pricing_alerts, today=today, **nothing, **start)


async def test_only_what_is_open_can_be_answered_and_only_completely(yard: Yard) -> None:
    product, north = await yard.product(), await yard.supplier("Norte")
    path, about = f"{PRICING}/alerts/{product}/answer", {"kind": "price_rise", "supplier_id": north}
    closed = await yard.api.json("POST", path, {**about, "answer": "accepted"}, status=409)
    assert closed["detail"] == "Não há esse alerta em aberto."
    for wrong in (
        {**about, "answer": "dismissed"},
        {**about, "answer": "snoozed"},
        {**about, "answer": "snoozed", "until": str(TODAY - timedelta(days=2))},
        {**about, "answer": "snoozed", "until": str(TODAY + timedelta(days=400))},
        {**about, "answer": "accepted", "until": str(TODAY + timedelta(days=4))},
        {"kind": "price_rise", "answer": "accepted"},
        {**about, "kind": "margin", "answer": "accepted"},
    ):
        await yard.api.json("POST", path, wrong, status=422)
    await yard.api.json(
        "POST", f"{PRICING}/alerts/{uuid4()}/answer", {**about, "answer": "accepted"}, status=404
    )


async def test_a_supplier_taken_out_of_use_no_longer_makes_the_base_cost(
    yard: Yard, database: Database
) -> None:
    product, north, south = await yard.product(), await yard.supplier("Norte"), await yard.supplier("Sul")
    await yard.price(north, product, "20")
    await yard.price(south, product, "30")
    assert (await yard.get(f"base-cost/{product}"))["base_cost"] == "20.00"
    await yard.api.json("PATCH", f"suppliers/{north}", {"active": False}, status=200)
    assert (await yard.get(f"base-cost/{product}"))["base_cost"] == "30.00"
    gone = (await yard.api.json("POST", "suppliers", {"name": "Fora", "active": False}, status=201))["id"]
    await yard.price(gone, product, "1")
    assert (await yard.get(f"base-cost/{product}"))["base_cost"] == "30.00"
    assert await _prices_violations(yard, database) == set()
    await yard.api.json("PATCH", f"suppliers/{north}", {"active": True}, status=200)
    assert (await yard.get(f"base-cost/{product}"))["base_cost"] == "20.00"
    assert await _prices_violations(yard, database) == set()


async def test_the_oracles_see_prices_and_suppliers_that_the_engine_has_wrong(
    yard: Yard, database: Database, owner
) -> None:
    product, north = await yard.product(), await yard.supplier("Norte")
    await yard.price(north, product, "20")
    await yard.learn(yard.tenant_id)
    assert await _prices_violations(yard, database) == set()
    await owner.execute("update engine_pricing_offers set price = 21")
    await owner.execute("update suppliers set active = false")
    assert await _prices_violations(yard, database) == {
        "oracle_engine_prices_differ",
        "oracle_engine_suppliers_differ",
    }


async def _prices_violations(yard: Yard, database: Database) -> set[str]:
    found = await run_oracles(database, ["pricing"])
    return {
        one.oracle for one in found if one.oracle.startswith(("oracle_engine_prices", "oracle_engine_supp"))
    }


async def test_a_trend_says_how_sure_it_is(yard: Yard) -> None:
    product, north = await yard.product(), await yard.supplier("Norte")
    found = await yard.get(f"trend/{product}")
    assert (found["slope_per_month"], found["direction"], found["items"]) == (None, None, [])
    for month in range(5):
        first = TODAY - timedelta(days=150 - 30 * month)
        await yard.price(north, product, str(30 + month), valid_from=str(first))
    found = await yard.get(f"trend/{product}")
    TrendView.model_validate(found)
    assert (found["slope_per_month"], found["direction"], found["points"]) == (1.0, "rising", 5)
    assert round(found["confidence"], 3) == 0.973
    assert found["items"][0]["percent_per_month"] == 3.12
    assert found["explanation"] == "Sobe R$ 1,00 por mês em 5 preços (confiança de 97,2%)."
    english = await yard.get(f"trend/{product}", "en")
    assert english["explanation"] == "Rises by R$1.00 per month over 5 prices (confidence 97.2%)."


async def test_the_largest_numbers_there_can_be_are_shown(yard: Yard) -> None:
    north, south = await yard.supplier("Norte"), await yard.supplier("Sul")
    few, lots = [await yard.product(sku, base_price="0.01") for sku in ("POU", "MUI")]
    most, many = "999999999999.99", "99999999999.999"
    now = datetime.now(UTC)
    for days in (40, 1):
        receipts = [
            bought(UUID(north), UUID(few), "0.001", most),
            *[bought(UUID(north), UUID(lots), many, most)] * 2,
        ]
        await yard.engines.say(yard.tenant_id, now - timedelta(days=days), *receipts)
    for product in (few, lots):
        await yard.price(north, product, most, minimum_quantity=many)
        await yard.price(south, product, "0", minimum_quantity=many, payment_days=365)
    await yard.api.json("PUT", f"{PRICING}/parameters", {"monthly_money_percent": 100}, status=200)
    for name in ("compare", "suggestion", "base-cost", "trend"):
        for product in (few, lots):
            await yard.get(f"{name}/{product}")
    landed = {one["supplier_name"]: one["landed_cost"] for one in (await yard.get(f"compare/{few}"))["items"]}
    assert landed == {"Sul": "0.00", "Norte": most}
    assert (await yard.get(f"compare/{lots}"))["usual_quantity"] == many
    await yard.api.json("PUT", f"{PRICING}/parameters", {"cost_method": "last"}, status=200)
    for alert in (await yard.get("alerts"))["items"]:
        assert (alert["kind"], alert["value"]) == ("margin", most)


async def test_parameters_show_what_was_set_and_what_holds(yard: Yard) -> None:
    product = await yard.product()
    await yard.api.json("PUT", f"{PRICING}/parameters", {"monthly_money_percent": "2"}, status=200)
    body = {"product_id": product, "window_days": 90}
    await yard.api.json("PUT", f"{PRICING}/parameters", body, status=200)
    whole, own = await yard.get("parameters"), await yard.get(f"parameters?product_id={product}")
    assert whole["parameters"] == {"monthly_money_percent": "2.00"}
    assert (whole["effective"]["cost_method"], whole["effective"]["window_days"]) == ("best", 180)
    assert own["parameters"] == {"window_days": 90}
    assert (own["effective"]["monthly_money_percent"], own["effective"]["window_days"]) == ("2.0", 90)


@pytest.mark.parametrize(
    "body",
    [
        {"variation_percent": 0},
        {"window_days": 6},
        {"margin_floor_percent": 100},
        {"monthly_money_percent": -1},
        {"cost_method": "worst"},
        {"variation_days": 366},
        {"other": 1},
    ],
)
async def test_impossible_parameters_are_refused(yard: Yard, body: dict[str, Any]) -> None:
    await yard.api.json("PUT", f"{PRICING}/parameters", body, status=422)


async def test_only_who_sees_costs_reads_and_finance_sets_no_parameters(yard: Yard) -> None:
    product = await yard.product()
    paths = [f"{name}/{product}" for name in ("compare", "suggestion", "base-cost", "trend")]
    for role, status in (("seller", 403), ("finance", 200), ("driver", 403)):
        await yard.api.login(role)
        for path in [*paths, "alerts", "parameters"]:
            assert (await yard.api.get(f"{PRICING}/{path}")).status == status, (role, path)
        await yard.api.json("PUT", f"{PRICING}/parameters", {}, status=403)


async def test_another_stores_products_prices_and_alerts_are_not_seen(yard: Yard, other_tenant: UUID) -> None:
    mine, theirs, supplier = await yard.product(), new_id(), new_id()
    said = [created(theirs, "10"), price(supplier, theirs, "20"), price(supplier, UUID(mine), "20")]
    await yard.engines.say(other_tenant, datetime.now(UTC), *said, parameters(cost_method="last"))
    await yard.learn(other_tenant)
    assert (await yard.get("alerts"))["items"] == []
    assert (await yard.get(f"compare/{mine}"))["items"] == []
    assert (await yard.get("parameters"))["effective"]["cost_method"] == "best"
    for stranger in (theirs, uuid4(), "not-an-id"):
        for name in ("compare", "suggestion", "base-cost", "trend"):
            assert (await yard.api.get(f"{PRICING}/{name}/{stranger}")).status == 404
    assert (await yard.api.get(f"{PRICING}/parameters?product_id={theirs}")).status == 404
    body = {"product_id": str(theirs), "window_days": 90}
    await yard.api.json("PUT", f"{PRICING}/parameters", body, status=404)
