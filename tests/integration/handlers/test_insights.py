"""Insights over HTTP: what the engines know, shown to the people of one store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from actors.stock.model import reorder_point, safety_factor
from handlers.insights.forecast import ProductForecastView
from handlers.insights.models import AbcView, AlertView, FeedbackView, ParametersPage, SuggestionView
from handlers.insights.sales_models import ComplementView
from runtime.events.catalogue import Payload
from tests.support.engines import Engines, sale, stock

STOCK, SALES = "/api/v1/insights/stock", "/api/v1/insights/sales"


@dataclass(slots=True)
class Shop:
    """A store with products, its engines, and its signed-in owner."""

    client: Any
    engines: Engines
    tenant_id: UUID

    async def product(self, sku: str, **given: Any) -> UUID:
        body = {"sku": sku, "name": f"Produto {sku}", "unit": "SC", "base_price": "10", "cost": "4", **given}
        response = await self.client.post("/api/v1/products", json=body)
        assert response.status == 201, await response.text()
        return UUID((await response.json())["id"])

    async def receive(self, *products: UUID) -> None:
        for product_id in products:
            body = {"product_id": str(product_id), "kind": "receipt", "quantity": "5"}
            response = await self.client.post("/api/v1/stock/movements", json=body)
            assert response.status == 201, await response.text()

    async def happen(self, *payloads: Payload) -> None:
        await self.engines.say(self.tenant_id, datetime.now(UTC), *payloads)
        await self.engines.apply(self.tenant_id)

    async def get(self, path: str, **options: Any) -> Any:
        response = await self.client.get(path, **options)
        assert response.status == 200, await response.text()
        return await response.json()

    async def send(self, method: str, path: str, body: Any, status: int = 200) -> Any:
        response = await getattr(self.client, method)(path, json=body)
        assert response.status == status, await response.text()
        return await response.json()


@pytest.fixture
async def shop(client, store, engines: Engines) -> Shop:
    await client.login("owner")
    return Shop(client, engines, store.id)


async def test_alerts_come_by_risk_and_explain_themselves_in_both_languages(shop: Shop) -> None:
    cement, sand, tiles = [await shop.product(sku) for sku in ("CIM", "ARE", "PIS")]
    await shop.happen(
        sale((cement, 10), (sand, 10), (tiles, 1)), stock(cement, 90), stock(sand, 20), stock(tiles, 400)
    )
    found = await shop.get(f"{STOCK}/alerts")
    assert [(one["product_id"], one["kind"], one["risk"]) for one in found["items"]] == [
        (str(sand), "stock_out", "high"),
        (str(tiles), "excess", "high"),
        (str(cement), "stock_out", "medium"),
    ]
    first = AlertView.model_validate(found["items"][0])
    assert (first.sku, first.status, first.days_until_stock_out) == ("ARE", "open", 2.0)
    assert found["items"][0]["mean_daily_demand"] == "10.000"
    assert "dura 2 dias" in first.explanation
    assert found["items"][1]["capital"] == f"{4 * (400 - float(found['items'][1]['maximum'])):.2f}"
    english = await shop.get(f"{STOCK}/alerts?kind=stock_out", headers={"Accept-Language": "en"})
    assert "the stock lasts 2 days" in english["items"][0]["explanation"]
    assert len(english["items"]) == 2
    assert "capital parado" in found["items"][1]["explanation"]
    await shop.client.login("seller")
    shown = await shop.get(f"{STOCK}/alerts")
    assert [one["capital"] for one in shown["items"]] == [None] * 3
    assert not any("capital" in one["explanation"] for one in shown["items"])
    suggested = (await shop.get(f"{STOCK}/suggestions"))["items"]
    assert [one["estimated_cost"] for one in suggested] == [None] * len(suggested)


async def test_an_alert_that_ended_is_found_among_the_closed_ones(shop: Shop) -> None:
    cement = await shop.product("CIM")
    await shop.happen(sale((cement, 10)), stock(cement, 20))
    await shop.happen(stock(cement, 150))
    assert (await shop.get(f"{STOCK}/alerts"))["items"] == []
    [closed] = (await shop.get(f"{STOCK}/alerts?status=closed"))["items"]
    assert (closed["status"], closed["closed_at"] is not None) == ("closed", True)


async def test_lists_go_on_where_the_page_before_ended(shop: Shop) -> None:
    products = [await shop.product(f"P{number}") for number in range(5)]
    await shop.happen(*(sale((product, 3 + number)) for number, product in enumerate(products)))
    await shop.engines.roll(shop.tenant_id, datetime.now(UTC) + timedelta(days=1))
    for path in (f"{STOCK}/alerts", f"{STOCK}/suggestions", f"{STOCK}/abc"):
        whole = (await shop.get(path))["items"]
        pages, cursor = [], ""
        while cursor is not None:
            page = await shop.get(f"{path}?limit=2" + (f"&cursor={cursor}" if cursor else ""))
            pages += page["items"]
            cursor = page["next_cursor"]
        assert pages == whole
        assert len(whole) == 5


async def test_suggestions_are_accepted_and_dismissed(shop: Shop) -> None:
    cement, sand = await shop.product("CIM"), await shop.product("ARE")
    await shop.happen(sale((cement, 10), (sand, 5)), stock(cement, 20), stock(sand, 1))
    suggestions = (await shop.get(f"{STOCK}/suggestions"))["items"]
    assert {one["product_id"] for one in suggestions} == {str(cement), str(sand)}
    suggestion = SuggestionView.model_validate(suggestions[-1])
    assert suggestion.priority == 3
    assert suggestion.explanation.startswith("Compre ")
    answer = await shop.send("post", f"{STOCK}/suggestions/{cement}/accept", {})
    assert (answer["status"], float(answer["quantity"]) > 0) == ("accepted", True)
    await shop.send("post", f"{STOCK}/suggestions/{sand}/dismiss", {"reason": "fora de linha"})
    await shop.engines.apply(shop.tenant_id)
    assert (await shop.get(f"{STOCK}/suggestions"))["items"] == []
    [alert, _] = (await shop.get(f"{STOCK}/alerts"))["items"]
    assert alert["status"] == "open", "the goods are not there yet"
    again = await shop.send("post", f"{STOCK}/suggestions/{cement}/accept", {}, status=409)
    assert again["detail"] == "Não há sugestão em aberto para este produto."
    await shop.send("post", f"{STOCK}/suggestions/{UUID(int=7)}/accept", {}, status=404)


async def test_a_suggestion_is_put_off_and_every_answer_is_kept(shop: Shop) -> None:
    cement, sand = await shop.product("CIM"), await shop.product("ARE")
    await shop.happen(sale((cement, 10), (sand, 5)), stock(cement, 20), stock(sand, 1))
    path, today = f"{STOCK}/suggestions/{cement}/snooze", datetime.now(ZoneInfo("America/Sao_Paulo")).date()
    for wrong in (today, today + timedelta(days=367)):
        refused = await shop.send("post", path, {"until": str(wrong)}, status=422)
        assert refused["errors"][0]["pointer"] == "/until"
    until = str(today + timedelta(days=2))
    answer = await shop.send("post", path, {"until": until})
    assert (answer["status"], answer["until"]) == ("snoozed", until)
    await shop.send("post", f"{STOCK}/suggestions/{sand}/accept", {"quantity": 1000})
    await shop.engines.apply(shop.tenant_id)
    assert (await shop.get(f"{STOCK}/suggestions"))["items"] == []
    await shop.send("post", path, {"until": until}, status=409)
    kept = (await shop.get(f"{STOCK}/feedback"))["items"]
    assert [(one["sku"], one["answer"], one["quantity"], one["until"]) for one in kept] == [
        ("ARE", "changed", "1000.000", None),
        ("CIM", "snoozed", None, until),
    ]
    assert all(float(FeedbackView.model_validate(one).suggested) > 0 for one in kept)
    first = await shop.get(f"{STOCK}/feedback?limit=1")
    rest = await shop.get(f"{STOCK}/feedback?limit=1&cursor={first['next_cursor']}")
    assert (first["items"] + rest["items"], rest["next_cursor"]) == (kept, None)
    assert (await shop.get(f"{STOCK}/feedback?answer=snoozed&product_id={cement}"))["items"] == kept[1:]


async def test_the_stores_settings_reach_the_advice(shop: Shop) -> None:
    cement = await shop.product("CIM")
    await shop.happen(sale((cement, 10)), stock(cement, 300))
    settings = {
        "default_lead_time_days": 20,
        "default_review_period_days": 10,
        "default_service_level": "0.9",
    }
    await shop.send("patch", "/api/v1/settings", {"settings": settings})
    await shop.engines.apply(shop.tenant_id)
    row = await shop.engines.product(shop.tenant_id, cement)
    assert row["reorder_point"] == pytest.approx(reorder_point(10, 0, 20, safety_factor(0.9), 1))
    assert row["maximum"] == pytest.approx(row["reorder_point"] + 100)
    shown = await shop.get(f"{STOCK}/parameters")
    assert (shown["parameters"], shown["effective"]["service_level"]) == ({}, "0.9")
    before = await shop.engines.rows("engine_stock_tenants", shop.tenant_id)
    await shop.send("patch", "/api/v1/settings", {"settings": {**settings, "quote_validity_days": 9}})
    await shop.engines.apply(shop.tenant_id)
    after = await shop.engines.rows("engine_stock_tenants", shop.tenant_id)
    assert after == before, "nothing is said of settings that stay as they are"


async def test_parameters_are_set_for_the_store_and_for_a_product(shop: Shop) -> None:
    cement = await shop.product("CIM")
    await shop.happen(sale((cement, 10)), stock(cement, 50))
    await shop.send("put", f"{STOCK}/parameters", {"method": "simple", "lead_time_days": 10})
    await shop.send(
        "put", f"{STOCK}/parameters", {"product_id": str(cement), "pack_size": "40", "safety_percent": 50}
    )
    await shop.engines.apply(shop.tenant_id)
    shown = await shop.get(f"{STOCK}/parameters")
    ParametersPage.model_validate(shown)
    assert shown["parameters"] == {"method": "simple", "lead_time_days": "10.00"}
    assert shown["effective"]["window_days"] == 90
    [own] = shown["items"]
    assert own["parameters"] == {"pack_size": "40.000", "safety_percent": "50.00"}
    assert (own["effective"]["lead_time_days"], own["effective"]["pack_size"]) == ("10.0", "40.000")
    [suggestion] = (await shop.get(f"{STOCK}/suggestions"))["items"]
    assert (suggestion["reorder_point"], suggestion["maximum"]) == ("150.000", "200.000")
    assert suggestion["suggested_quantity"] == "160.000"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"service_level": 1}, "/service_level"),
        ({"lead_time_days": -1}, "/lead_time_days"),
        ({"window_days": 0}, "/window_days"),
        ({"minimum": 10, "maximum": 5}, ""),
        ({"pack_size": 0}, "/pack_size"),
    ],
)
async def test_impossible_parameters_are_refused(shop: Shop, body: dict[str, Any], pointer: str) -> None:
    refused = await shop.send("put", f"{STOCK}/parameters", body, status=422)
    assert refused["errors"][0]["pointer"] == pointer


async def test_a_forecast_names_its_method_and_its_error(shop: Shop) -> None:
    cement, tap = await shop.product("CIM"), await shop.product("TOR")
    path = f"{STOCK}/forecasts/{cement}"
    refused = await shop.client.get(path)
    assert refused.status == 404
    assert (await refused.json())["type"].endswith("no_forecast")
    now = datetime.now(UTC)
    for week in range(10):
        quantities = (30 + 2 * week, 70 - week)
        at = [now + timedelta(days=7 * week + place) for place in (0, 2)]
        for moment, quantity in zip(at, quantities, strict=True):
            await shop.engines.say(shop.tenant_id, moment, sale((cement, quantity)))
    await shop.engines.say(
        shop.tenant_id, now + timedelta(days=70), sale((cement, 10), (tap, 1)), stock(cement, 20)
    )
    await shop.engines.apply(shop.tenant_id)
    shown = ProductForecastView.model_validate(await shop.get(path))
    assert (shown.sku, shown.method, shown.pattern, shown.lead_time_days) == (
        "CIM",
        "mean",
        "intermittent",
        7,
    )
    assert shown.low is not None
    assert shown.high is not None
    assert shown.low < shown.expected < shown.high
    assert 0 < shown.wape < 0.2
    assert "média dos últimos 90 dias" in shown.explanation
    english = await shop.get(path, headers={"Accept-Language": "en"})
    assert "Mean error of past weeks: " in english["explanation"]
    suggestion = next(
        one for one in (await shop.get(f"{STOCK}/suggestions"))["items"] if one["product_id"] == str(cement)
    )
    assert suggestion["forecast"]["wape"] == shown.wape
    assert shown.explanation in suggestion["explanation"]
    young = await shop.get(f"{STOCK}/forecasts/{tap}")
    assert (young["method"], young["wape"], young["low"]) == ("mean", None, None)
    assert "ainda sem semanas suficientes" in young["explanation"]
    assert (await shop.client.get(f"{STOCK}/forecasts/{UUID(int=9)}")).status == 404


async def test_only_who_may_configure_changes_advice(shop: Shop) -> None:
    cement = await shop.product("CIM")
    await shop.client.login("seller")
    await shop.get(f"{STOCK}/alerts")
    await shop.send("put", f"{STOCK}/parameters", {"lead_time_days": 3}, status=403)
    await shop.send("post", f"{STOCK}/suggestions/{cement}/accept", {}, status=403)


async def test_classes_follow_the_revenue_even_before_the_first_day_ends(shop: Shop) -> None:
    products = [await shop.product(f"P{number}") for number in range(4)]
    shares = (700, 200, 70, 30)
    await shop.happen(*(sale((p, share), price=1) for p, share in zip(products, shares, strict=True)))

    async def classes() -> list[tuple[str, str]]:
        items = (await shop.get(f"{STOCK}/abc"))["items"]
        return [(AbcView.model_validate(one).sku, one["abc_class"]) for one in items]

    before = await classes()
    assert before == [("P0", "A"), ("P1", "A"), ("P2", "B"), ("P3", "C")]
    await shop.engines.roll(shop.tenant_id, datetime.now(UTC) + timedelta(days=1))
    assert await classes() == before


async def test_what_is_bought_together_is_suggested_when_it_can_be_sold(shop: Shop) -> None:
    cement, sand, tiles, gone = [await shop.product(sku) for sku in ("CIM", "ARE", "PIS", "FIM")]
    await shop.receive(cement, sand, tiles)
    await shop.happen(
        *[sale((cement, 1), (sand, 1), (gone, 1))] * 3, sale((cement, 1), (tiles, 1)), *[sale((tiles, 1))] * 4
    )
    found = (await shop.get(f"{SALES}/complementary/{cement}"))["items"]
    assert [one["product_id"] for one in found] == [str(sand), str(tiles)]
    rule = ComplementView.model_validate(found[0])
    assert (rule.orders_together, rule.support, rule.confidence, rule.lift) == (3, 3 / 8, 3 / 4, 2.0)
    assert rule.explanation == (
        "Produto ARE foi junto em 3 das 4 vendas com Produto CIM (75%), 2 vezes o esperado por acaso."
    )
    every = (await shop.get(f"{SALES}/complementary/{cement}?include_unavailable=true"))["items"]
    assert {one["product_id"] for one in every} == {str(sand), str(tiles), str(gone)}
    strong = (await shop.get(f"{SALES}/complementary/{cement}?min_confidence=0.5"))["items"]
    assert [one["product_id"] for one in strong] == [str(sand)]
    assert (await shop.get(f"{SALES}/complementary/{cement}?min_support=0.9"))["items"] == []
    await shop.send("patch", f"/api/v1/products/{sand}", {"active": False})
    found = (await shop.get(f"{SALES}/complementary/{cement}"))["items"]
    assert [one["product_id"] for one in found] == [str(tiles)]


async def test_a_basket_is_completed_by_its_strongest_links(shop: Shop) -> None:
    cement, sand, tiles, glue = [await shop.product(sku) for sku in ("CIM", "ARE", "PIS", "COL")]
    await shop.receive(cement, sand, tiles, glue)
    await shop.happen(
        *[sale((cement, 1), (sand, 1))] * 3, *[sale((tiles, 1), (glue, 1))] * 2, sale((cement, 1), (glue, 1))
    )
    body = {"product_ids": [str(cement), str(tiles), str(cement)]}
    found = (await shop.send("post", f"{SALES}/basket", body))["items"]
    assert [(one["product_id"], one["from_product_id"]) for one in found] == [
        (str(glue), str(tiles)),
        (str(sand), str(cement)),
    ]
    await shop.send("post", f"{SALES}/basket", {"product_ids": []}, status=422)


async def test_another_stores_products_and_advice_are_not_seen(shop: Shop, other_tenant: UUID) -> None:
    cement = await shop.product("CIM")
    stranger = UUID(int=99)
    await shop.engines.say(other_tenant, datetime.now(UTC), sale((cement, 10), (stranger, 1)))
    await shop.engines.apply(other_tenant)
    assert (await shop.get(f"{STOCK}/alerts"))["items"] == []
    assert (await shop.get(f"{SALES}/complementary/{cement}?include_unavailable=true"))["items"] == []
    await shop.send("put", f"{STOCK}/parameters", {"product_id": str(stranger), "pack_size": 2}, status=404)
    response = await shop.client.get(f"{SALES}/complementary/{stranger}")
    assert response.status == 404
