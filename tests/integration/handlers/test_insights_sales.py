"""The sales advice over HTTP: stand-ins, bundles, habits, purchases that are due, and what people answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from actors.sales.actor import SalesEngine
from actors.sales.miner import Miner
from handlers.insights.sales_models import BasketAdvice, BundleView, HabitView, RebuyView, SubstituteView
from runtime.events.catalogue import Payload
from runtime.events.cursors import EngineCursors
from tests.support.engines import Engines, sale

SALES = "insights/sales"
NOW = datetime.now(UTC)


@dataclass(slots=True)
class Counter:
    """A store's counter: signed in as a seller, and as the owner who keeps the register."""

    api: Any
    owner_api: Any
    engines: Engines
    tenant_id: UUID

    async def product(self, sku: str, price: str = "40", stock: bool = True, **given: Any) -> UUID:
        body = {"sku": sku, "name": f"Produto {sku}", "unit": "SC", "base_price": price, **given}
        made = await self.owner_api.json("POST", "products", body, status=201)
        if stock:
            movement = {"product_id": made["id"], "kind": "receipt", "quantity": "50"}
            await self.owner_api.json("POST", "stock/movements", movement, status=201)
        return UUID(made["id"])

    async def products(self, *skus: str) -> list[UUID]:
        return [await self.product(sku) for sku in skus]

    async def customer(self, name: str = "Maria") -> UUID:
        body = {"kind": "person", "name": name}
        return UUID((await self.api.json("POST", "customers", body, status=201))["id"])

    async def happen(self, days_ago: float, *payloads: Payload) -> None:
        await self.engines.say(self.tenant_id, NOW - timedelta(days=days_ago), *payloads)
        await self.engines.apply(self.tenant_id)

    async def mine(self) -> None:
        await Miner(EngineCursors(SalesEngine(), self.engines.engine)).step()

    async def get(self, path: str, locale: str = "pt-BR", status: int = 200) -> Any:
        answer = await self.api.get(f"{SALES}/{path}", headers={"Accept-Language": locale})
        found = await answer.json()
        assert answer.status == status, found
        for one in found.get("items", []):
            one["explanation"] = one.get("explanation", "").replace("\xa0", " ")
        return found

    async def ids(self, path: str) -> list[str]:
        return [one["product_id"] for one in (await self.get(path))["items"]]

    async def answer(self, status: int = 200, **body: Any) -> Any:
        text = {name: str(value) for name, value in body.items()}
        found = await self.api.json("POST", f"{SALES}/answers", text, status=status)
        await self.engines.apply(self.tenant_id)
        return found


@pytest.fixture
async def counter(client, store, engines: Engines) -> Counter:
    await client.login("seller")
    owner = client.at(store.slug)
    await owner.login("owner")
    return Counter(client, owner, engines, store.id)


def day(days_ago: int) -> str:
    return str((NOW - timedelta(days=days_ago)).astimezone().date())


async def test_a_stand_in_is_alike_in_stock_and_known_to_the_same_customers(counter: Counter) -> None:
    about = {"category": "Cimento"}
    cement = await counter.product("CIM", **about)
    known = await counter.product("CIM-A", "44", **about)
    near = await counter.product("CIM-B", "39", **about)
    for sku, price, other in (
        ("DEAR", "60", about),
        ("UNIT", "40", {**about, "unit": "KG"}),
        ("SAND", "40", {"category": "Areia"}),
        ("GONE", "40", {**about, "stock": False}),
    ):
        await counter.product(sku, price, **other)
    inactive = await counter.product("OLD", "40", **about)
    await counter.owner_api.json("PATCH", f"products/{inactive}", {"active": False}, status=200)
    maria, joao = await counter.customer(), await counter.customer("João")
    await counter.happen(9, sale((cement, 1), customer_id=maria), sale((cement, 1), customer_id=joao))
    await counter.happen(5, sale((known, 1), customer_id=maria))
    found = (await counter.get(f"substitutes/{cement}"))["items"]
    assert [one["product_id"] for one in found] == [str(known), str(near)]
    first = SubstituteView.model_validate(found[0])
    assert (first.shared_customers, first.price_difference_percent, first.orders_together) == (1, 10.0, 0)
    assert first.explanation == (
        "Produto CIM-A é da mesma categoria e unidade e custa R$ 44,00 (10% mais caro); "
        "1 de 2 clientes de Produto CIM já comprou os dois."
    )
    english = (await counter.get(f"substitutes/{cement}", "en"))["items"]
    assert english[1]["explanation"] == (
        "Produto CIM-B is of the same category and unit and costs R$39.00 (2.5% cheaper)."
    )
    assert len(await counter.ids(f"substitutes/{cement}?include_unavailable=true")) == 4
    wide = {"product_id": str(cement), "price_band_percent": 60}
    await counter.owner_api.json("PUT", f"{SALES}/parameters", wide, status=200)
    await counter.engines.apply(counter.tenant_id)
    assert len(await counter.ids(f"substitutes/{cement}")) == 3


async def test_bundles_are_advised_as_long_as_all_of_them_can_be_sold(counter: Counter) -> None:
    cement, sand, lime, nails = await counter.products("CIM", "ARE", "CAL", "PRE")
    await counter.happen(1, *[sale((cement, 1), (sand, 1), (lime, 1))] * 6, *[sale((nails, 1))] * 3)
    await counter.mine()
    assert (await counter.get("bundles"))["items"] == [], "nine sales are too few"
    await counter.happen(0, sale((nails, 1), (sand, 1)))
    await counter.mine()
    [found] = (await counter.get("bundles"))["items"]
    bundle = BundleView.model_validate(found)
    assert [item.product_id for item in bundle.items] == [sand, lime, cement]
    assert (bundle.orders, bundle.support, found["price"]) == (6, 0.6, "120.00")
    assert bundle.explanation == (
        "Produto ARE, Produto CAL e Produto CIM saíram juntos em 6 das 10 últimas vendas (60%), "
        "2,4 vezes o esperado por acaso."
    )
    english = await counter.get(f"bundles?product_id={lime}", "en")
    assert english["items"][0]["explanation"] == (
        "Produto CAL, Produto ARE and Produto CIM were sold together in 6 of the latest 10 sales (60%), "
        "2.4 times what chance would have it."
    )
    assert (await counter.get(f"bundles?product_id={nails}"))["items"] == []
    loss = {"product_id": str(lime), "kind": "loss", "quantity": "50"}
    await counter.owner_api.json("POST", "stock/movements", loss, status=201)
    assert (await counter.get("bundles"))["items"] == []
    assert len((await counter.get("bundles?include_unavailable=true"))["items"]) == 1


async def test_a_basket_is_advised_on_while_it_is_being_filled(counter: Counter) -> None:
    cement, sand, lime, paint, other = await counter.products("CIM", "ARE", "CAL", "TIN", "OUT")
    gone = await counter.product("FIM", stock=False, category="Tinta")
    await counter.owner_api.json("PATCH", f"products/{paint}", {"category": "Tinta"}, status=200)
    maria = await counter.customer()
    for days_ago in (9, 5, 2):
        three = sale((cement, 1), (sand, 1), (lime, 1), customer_id=maria)
        await counter.happen(days_ago, three, *[sale((other, 1))] * 3)
    await counter.mine()
    body = {"product_ids": [str(cement), str(sand), str(gone)], "customer_id": str(maria)}
    found = await counter.api.json("POST", f"{SALES}/basket", body, status=200)
    advice = BasketAdvice.model_validate(found)
    assert [one.product_id for one in advice.items] == [lime]
    [bundle] = advice.bundles
    assert [item.product_id for item in bundle.items if not item.chosen] == [lime]
    assert [one.product_id for one in advice.habits] == [lime]
    assert [(one.from_product_id, one.product_id) for one in advice.substitutes] == [(gone, paint)]
    asked = "&".join(f"product_ids={one}" for one in (cement, sand, gone))
    assert await counter.api.json("GET", f"{SALES}/basket?{asked}&customer_id={maria}", status=200) == found
    alone = await counter.api.json("POST", f"{SALES}/basket", {"customer_id": str(maria)}, status=200)
    assert {one["product_id"] for one in alone["habits"]} == {str(cement), str(sand), str(lime)}
    await counter.api.json("POST", f"{SALES}/basket", {}, status=422)
    await counter.api.login("stock_keeper")
    assert (await counter.api.json("POST", f"{SALES}/basket", body, status=200))["habits"] == []


async def test_a_habit_is_what_was_in_most_of_the_latest_purchases(counter: Counter) -> None:
    cement, sand, lime = await counter.products("CIM", "ARE", "CAL")
    maria = await counter.customer()
    for days_ago, items in ((30, [lime]), (20, [cement, lime]), (10, [cement, sand]), (3, [cement, sand])):
        await counter.happen(days_ago, sale(*((item, 4) for item in items), customer_id=maria))
    found = (await counter.get(f"habits/{maria}"))["items"]
    assert [(one["product_id"], one["times"]) for one in found] == [(str(cement), 3), (str(sand), 2)]
    habit = HabitView.model_validate(found[0])
    assert habit.explanation.startswith("Comprou Produto CIM em 3 das últimas 3 compras (a última em ")
    assert habit.explanation.endswith("em geral 4 SC; falta agora.")
    english = (await counter.get(f"habits/{maria}", "en"))["items"][0]["explanation"]
    assert english.startswith("Bought Produto CIM in 3 of the last 3 purchases")
    assert await counter.ids(f"habits/{maria}?product_ids={cement}") == [str(sand)]
    await counter.owner_api.json("PUT", f"{SALES}/parameters", {"habit_purchases": 4}, status=200)
    await counter.engines.apply(counter.tenant_id)
    assert await counter.ids(f"habits/{maria}") == [str(cement), str(sand), str(lime)]
    await counter.get(f"habits/{uuid4()}", status=404)


async def test_a_purchase_is_due_by_its_interval_until_it_is_made(counter: Counter) -> None:
    cement, sand, lime = await counter.products("CIM", "ARE", "CAL")
    maria, joao = await counter.customer(), await counter.customer("João")
    bought = [(days, sale((cement, 6), customer_id=maria)) for days in (42, 32, 22, 12)]
    bought += [(days, sale((sand, 1), (lime, 1), customer_id=joao)) for days in (95, 90, 25)]
    bought += [(days, sale((lime, 1), customer_id=maria)) for days in (60, 50, 40)]
    for days, one in sorted(bought, key=lambda one: -one[0]):
        await counter.happen(days, one)
    [found] = (await counter.get("rebuys"))["items"]
    due = RebuyView.model_validate(found)
    assert (due.customer_id, due.product_id, due.purchases, due.overdue_days) == (maria, cement, 4, 2)
    assert (due.interval_days, due.interval_deviation_days, found["usual_quantity"]) == (10.0, 0.0, "6.000")
    assert due.explanation.startswith(
        "Maria compra Produto CIM a cada 10 dias em média (4 compras, em geral 6 SC); a última foi em "
    )
    assert due.explanation.endswith("e a próxima está há 2 dias atrasado.")
    lapsed = (await counter.get("rebuys?include_lapsed=true", "en"))["items"]
    assert [one["product_id"] for one in lapsed] == [str(lime), str(cement)]
    assert lapsed[1]["explanation"].endswith("and the next is 2 days overdue.")
    assert await counter.ids(f"rebuys?customer_id={joao}&include_lapsed=true") == [], "too irregular"
    page = await counter.get("rebuys?include_lapsed=true&limit=1")
    rest = await counter.get(f"rebuys?include_lapsed=true&limit=1&cursor={page['next_cursor']}")
    assert [page["items"][0]["product_id"], rest["items"][0]["product_id"]] == [str(lime), str(cement)]
    await counter.happen(0, sale((cement, 6), customer_id=maria))
    assert await counter.ids("rebuys") == []
    assert await counter.ids("rebuys?within_days=11") == [str(cement)]


async def test_refused_advice_rests_for_whom_it_was_refused(counter: Counter) -> None:
    cement, sand = await counter.products("CIM", "ARE")
    maria, joao = await counter.customer(), await counter.customer("João")
    for days_ago in (40, 30, 20, 10):
        both = (cement, 1), (sand, 1)
        await counter.happen(days_ago, sale(*both, customer_id=maria), sale(*both, customer_id=joao))
    complement = {"kind": "complement", "product_id": sand, "from_product_id": cement}

    async def advised(customer: UUID) -> list[str]:
        body = {"product_ids": [str(cement)], "customer_id": str(customer)}
        found = await counter.api.json("POST", f"{SALES}/basket", body, status=200)
        return [one["product_id"] for one in found["items"]]

    await counter.answer(**complement, customer_id=maria, answer="dismissed", reason="customer_refused")
    assert (await advised(maria), await advised(joao)) == ([], [str(sand)])
    await counter.answer(**complement, customer_id=maria, answer="changed", quantity="3")
    assert await advised(maria) == [str(sand)]
    tomorrow = str((NOW + timedelta(days=2)).date())
    await counter.answer(**complement, answer="snoozed", until=tomorrow)
    assert (await advised(maria), await advised(joao)) == ([], [])
    await counter.answer(kind="habit", product_id=sand, customer_id=joao, answer="dismissed", reason="has_it")
    assert await counter.ids(f"habits/{joao}") == [str(cement)]
    assert len(await counter.ids("rebuys")) == 4
    await counter.answer(kind="rebuy", product_id=sand, customer_id=joao, answer="accepted")
    assert len(await counter.ids("rebuys")) == 3
    summed = (await counter.api.json("GET", f"{SALES}/answers", status=200))["items"]
    assert {one["kind"]: one["accepted"] + one["dismissed"] for one in summed} == {
        "complement": 1,
        "habit": 1,
        "rebuy": 1,
    }


async def test_a_product_that_is_not_to_be_advised_is_left_out_everywhere(counter: Counter) -> None:
    cement, sand, lime = await counter.products("CIM", "ARE", "CAL")
    maria = await counter.customer()
    for days_ago in (30, 20, 10):
        three = [sale((cement, 1), (sand, 1), (lime, 1), customer_id=maria)]
        await counter.happen(days_ago, *three, sale((lime, 1)), sale((cement, 1)), sale((sand, 1)))
    await counter.mine()
    paths = (f"complementary/{cement}", f"habits/{maria}", "rebuys")
    assert all([str(sand) in await counter.ids(path) for path in paths])
    assert len((await counter.get("bundles"))["items"]) == 1
    unadvised = {"product_id": str(sand), "advised": False}
    await counter.owner_api.json("PUT", f"{SALES}/parameters", unadvised, status=200)
    await counter.engines.apply(counter.tenant_id)
    assert not any([str(sand) in await counter.ids(path) for path in paths])
    assert (await counter.get("bundles"))["items"] == []
    shown = await counter.api.json("GET", f"{SALES}/parameters?product_id={sand}", status=200)
    assert (shown["parameters"], shown["effective"]["habit_least"]) == ({"advised": False}, 2)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "complement", "answer": "accepted"},
        {"kind": "habit", "answer": "accepted", "product_id": str(uuid4())},
        {"kind": "bundle", "answer": "accepted", "product_id": str(uuid4())},
        {"kind": "habit", "answer": "dismissed", "product_id": str(uuid4()), "customer_id": str(uuid4())},
        {"kind": "rebuy", "answer": "snoozed", "product_id": str(uuid4()), "customer_id": str(uuid4())},
    ],
)
async def test_answers_that_do_not_say_what_they_are_about_are_refused(
    counter: Counter, body: dict[str, Any]
) -> None:
    await counter.api.json("POST", f"{SALES}/answers", body, status=422)


async def test_answers_about_what_the_store_does_not_have_are_not_taken(counter: Counter) -> None:
    cement, nobody = await counter.product("CIM"), uuid4()
    for about in (
        {"kind": "complement", "product_id": nobody, "from_product_id": cement},
        {"kind": "complement", "product_id": cement, "from_product_id": nobody},
        {"kind": "habit", "product_id": cement, "customer_id": nobody},
        {"kind": "bundle", "bundle_id": nobody},
    ):
        await counter.answer(status=404, **about, answer="accepted")
    for wrong in ({"advised": False}, {"product_id": str(cement), "habit_least": 3}, {"habit_purchases": 9}):
        await counter.owner_api.json("PUT", f"{SALES}/parameters", wrong, status=422)
