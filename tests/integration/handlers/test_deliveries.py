"""Deliveries over HTTP: from the dispatched order to the recorded sale, and what only some may see or do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import anyio
import pytest

from handlers.deliveries.models import DeliveryView, TrackedDeliveryView
from runtime.data.database import Database
from runtime.data.oracles import run_oracles
from tests.support.delivering import PROOF, Depot, other_store_client, tomorrow


async def test_dispatching_an_order_makes_its_delivery(depot: Depot) -> None:
    order = await depot.order("4")
    [delivery] = await depot.deliveries(order)
    DeliveryView.model_validate(delivery)
    assert (delivery["number"], delivery["status"], delivery["order_number"]) == (
        "ENT-000001",
        "planned",
        "PED-000001",
    )
    assert (delivery["weight_kg"], delivery["volume_m3"], delivery["measured"]) == (
        "200.000",
        "0.160000",
        True,
    )
    assert [(item["quantity"], item["delivered_quantity"]) for item in delivery["items"]] == [("4.000", None)]
    assert delivery["allowed_actions"] == ["update", "cancel"]


async def test_the_last_delivery_of_an_order_delivers_it(depot: Depot) -> None:
    order = await depot.order("10", dispatched=False)
    item = order["items"][0]["id"]
    part = {"order_id": order["id"], "items": [{"order_item_id": item, "quantity": "6"}]}
    first = await depot.keeper.json("POST", "deliveries", part, status=201)
    too_much = await depot.keeper.json("POST", "deliveries", part, status=422)
    assert too_much["errors"][0]["pointer"] == "/items/0/quantity"
    rest = await depot.keeper.json("POST", "deliveries", {"order_id": order["id"]}, status=201)
    assert [one["items"][0]["quantity"] for one in (first, rest)] == ["6.000", "4.000"]
    nothing = await depot.keeper.json("POST", "deliveries", {"order_id": order["id"]}, status=409)
    assert nothing["code"] == "nothing_owed"

    [route] = (await depot.plan())["routes"]
    assert [stop["status"] for stop in route["stops"]] == ["assigned", "assigned"]
    await depot.driver.json("POST", f"routes/{route['id']}/depart", status=200)
    assert (await depot.api.json("GET", f"orders/{order['id']}"))["status"] == "out_for_delivery"
    assert len(await depot.deliveries(order)) == 2

    await depot.driver.json("POST", f"deliveries/{first['id']}/arrive", status=200)
    done = await depot.driver.json("POST", f"deliveries/{first['id']}/deliver", PROOF, status=200)
    assert (done["status"], done["proof"]["receiver_name"]) == ("delivered", "João da Obra")
    assert (await depot.api.json("GET", f"orders/{order['id']}"))["status"] == "out_for_delivery"
    assert await depot.level() == ("994.000", "4.000")
    halfway = await depot.api.json("POST", f"orders/{order['id']}/cancel", {}, status=409)
    assert halfway["code"] == "on_its_way"
    assert await depot.level() == ("994.000", "4.000")
    await depot.driver.json("POST", f"deliveries/{rest['id']}/deliver", PROOF, status=200)
    assert (await depot.api.json("GET", f"orders/{order['id']}"))["status"] == "delivered"
    assert await depot.level() == ("990.000", "0.000")
    assert [sale["total"] for sale in await depot.events("sale_recorded")] == ["240.00", "160.00"]
    again = await depot.driver.json("POST", f"deliveries/{rest['id']}/deliver", PROOF, status=409)
    assert (again["current_state"], again["allowed_actions"]) == ("delivered", [])


async def test_what_is_reported_short_is_still_owed(depot: Depot) -> None:
    delivery = await depot.on_the_road("10")
    item = delivery["items"][0]["order_item_id"]
    short = {"kind": "damaged", "order_item_id": item, "quantity": "3", "note": "sacos rasgados"}
    reported = await depot.driver.json("POST", f"deliveries/{delivery['id']}/occurrences", short, status=201)
    assert [one["kind"] for one in reported["occurrences"]] == ["damaged"]
    beyond = {**PROOF, "occurrences": [{**short, "quantity": "8"}]}
    refused = await depot.driver.json("POST", f"deliveries/{delivery['id']}/deliver", beyond, status=422)
    assert refused["errors"][0]["pointer"] == "/occurrences/0/quantity"
    done = await depot.driver.json("POST", f"deliveries/{delivery['id']}/deliver", PROOF, status=200)
    assert (done["status"], done["items"][0]["delivered_quantity"]) == ("delivered_with_issue", "7.000")
    order = await depot.api.json("GET", f"orders/{delivery['order_id']}")
    assert order["status"] == "out_for_delivery"
    more = await depot.keeper.json("POST", "deliveries", {"order_id": order["id"]}, status=201)
    assert more["items"][0]["quantity"] == "3.000"
    closed = await depot.make(f"orders/{order['id']}/deliver", status=200)
    assert closed["status"] == "delivered"
    assert [one["status"] for one in await depot.deliveries(order)] == ["delivered_with_issue", "delivered"]


async def test_goods_that_come_back_are_owed_again(depot: Depot) -> None:
    delivery = await depot.on_the_road()
    gone = {"kind": "absent", "note": "ninguém na obra"}
    failed = await depot.driver.json("POST", f"deliveries/{delivery['id']}/fail", gone, status=200)
    assert (failed["status"], failed["reason"], failed["on_time"]) == ("failed", "ninguém na obra", None)
    again = await depot.keeper.json("POST", "deliveries", {"order_id": delivery["order_id"]}, status=201)
    assert (again["status"], again["items"][0]["quantity"]) == ("planned", "4.000")
    kinds = [event["kind"] for event in await depot.events("delivery_occurrence")]
    assert kinds == ["absent"]


async def test_cancelling_an_order_ends_its_deliveries(depot: Depot) -> None:
    delivery = await depot.on_the_road()
    await depot.make(f"orders/{delivery['order_id']}/cancel", {"reason": "desistiu"}, status=200)
    shown = await depot.api.json("GET", f"deliveries/{delivery['id']}", status=200)
    assert (shown["status"], shown["allowed_actions"]) == ("cancelled", [])
    await depot.driver.json("POST", f"deliveries/{delivery['id']}/deliver", PROOF, status=409)
    assert await depot.level() == ("1000.000", "0.000")


async def test_a_delivery_is_on_time_by_its_window_else_by_its_day(depot: Depot) -> None:
    delivery = await depot.on_the_road()
    late, early = datetime.now(UTC) - timedelta(hours=2), datetime.now(UTC) - timedelta(hours=4)
    await depot.owner.execute("update deliveries set window_to = $2 where id = $1", delivery["id"], late)
    then = {**PROOF, "happened_at": early.isoformat(), "latitude": -22.9, "longitude": -47.0}
    done = await depot.driver.json("POST", f"deliveries/{delivery['id']}/deliver", then, status=200)
    assert (done["on_time"], done["proof"]["latitude"]) == (True, -22.9)
    other = await depot.on_the_road()
    await depot.owner.execute("update deliveries set window_to = $2 where id = $1", other["id"], late)
    future = {**PROOF, "happened_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
    await depot.driver.json("POST", f"deliveries/{other['id']}/deliver", future, status=422)
    done = await depot.driver.json("POST", f"deliveries/{other['id']}/deliver", PROOF, status=200)
    assert done["on_time"] is False


async def test_a_driver_sees_and_drives_the_own_routes_only(depot: Depot) -> None:
    delivery = await depot.on_the_road()
    path, route = f"deliveries/{delivery['id']}", f"routes/{delivery['route_id']}"
    assert len((await depot.driver.json("GET", "deliveries", status=200))["items"]) == 1
    assert len((await depot.driver.json("GET", "routes", status=200))["items"]) == 1
    for listed in ("deliveries", "routes", f"routes?driver_id={depot.driver_id}"):
        assert (await depot.second.json("GET", listed, status=200))["items"] == []
    for method, asked, body in (
        ("GET", path, None),
        ("GET", route, None),
        ("GET", f"{route}/loading-sheet", None),
        ("POST", f"{path}/arrive", None),
        ("POST", f"{path}/deliver", PROOF),
        ("POST", f"{path}/fail", {"kind": "refused"}),
        ("POST", f"{path}/occurrences", {"kind": "other"}),
        ("POST", f"{route}/depart", None),
        ("POST", f"{route}/finish", {}),
    ):
        refused = await depot.second.json(method, asked, body, status=403)
        assert refused["code"] == "not_your_route", asked
    unassigned = (await depot.deliveries(await depot.order()))[0]["id"]
    assert (await depot.driver.get(f"deliveries/{unassigned}")).status == 403
    assert (await depot.driver.post(f"orders/{delivery['order_id']}/deliver")).status == 403


async def test_another_stores_deliveries_do_not_exist(depot: Depot, client, database) -> None:
    delivery = await depot.on_the_road()
    other = await other_store_client(client, database)
    path, route = f"deliveries/{delivery['id']}", f"routes/{delivery['route_id']}"
    for method, asked, body in (
        ("GET", path, None),
        ("PATCH", path, {"notes": "x"}),
        ("POST", f"{path}/cancel", {}),
        ("POST", f"{path}/arrive", None),
        ("POST", f"{path}/deliver", PROOF),
        ("POST", f"{path}/fail", {"kind": "other"}),
        ("POST", f"{path}/occurrences", {"kind": "other"}),
        ("POST", f"{path}/share", {}),
        ("GET", f"{path}/images/{uuid4()}", None),
        ("POST", "deliveries", {"order_id": delivery["order_id"]}),
        ("GET", route, None),
        ("PATCH", route, {"driver_id": None}),
        ("POST", f"{route}/depart", None),
        ("POST", f"{route}/finish", {}),
        ("POST", f"{route}/cancel", None),
        ("GET", f"{route}/loading-sheet", None),
        ("GET", f"vehicles/{depot.vehicle}", None),
        ("PATCH", f"vehicles/{depot.vehicle}", {"name": "x"}),
        ("POST", "routes/plan", {"day": tomorrow(), "vehicles": [{"vehicle_id": depot.vehicle}]}),
    ):
        assert (await other.json(method, asked, body, status=404))["status"] == 404, asked
    for listed in ("deliveries", "routes", "vehicles"):
        assert (await other.json("GET", listed, status=200))["items"] == []


async def test_what_was_agreed_on_changes_until_the_vehicle_leaves(depot: Depot) -> None:
    [delivery] = await depot.deliveries(await depot.order())
    path = f"deliveries/{delivery['id']}"
    window = {"window_from": "2026-12-01T12:00:00Z", "window_to": "2026-12-01T11:00:00Z"}
    refused = await depot.keeper.json("PATCH", path, window, status=422)
    assert refused["errors"][0]["pointer"] == "/window_to"
    await depot.keeper.json("PATCH", path, {"locked": True}, status=422)
    changed = await depot.keeper.json(
        "PATCH", path, {"priority": "urgent", "notes": "portão azul"}, status=200
    )
    assert (changed["priority"], changed["notes"], changed["version"]) == ("urgent", "portão azul", 2)
    stale = await depot.keeper.patch(path, json={"notes": "x"}, headers={"If-Match": '"1"'})
    assert stale.status == 412
    gone = await depot.keeper.json("POST", f"{path}/cancel", {"reason": "engano"}, status=200)
    assert gone["status"] == "cancelled"
    await depot.keeper.json("PATCH", path, {"notes": "x"}, status=409)


@pytest.mark.parametrize("fulfilment", ["pickup", "counter"])
async def test_what_is_taken_along_is_not_delivered(depot: Depot, fulfilment: str) -> None:
    item = {"product_id": depot.product, "quantity": "1"}
    order = await depot.make("orders", {"fulfilment": fulfilment, "items": [item]})
    refused = await depot.keeper.json("POST", "deliveries", {"order_id": order["id"]}, status=409)
    assert refused["code"] == "state_conflict"


async def test_a_customer_follows_the_delivery_with_a_link_and_sees_no_more(
    depot: Depot, client, database
) -> None:
    [delivery] = await depot.deliveries(await depot.order())
    shared = await depot.keeper.json("POST", f"deliveries/{delivery['id']}/share", {"days": 2}, status=201)
    anybody = client.at(depot.store.slug)
    public = f"/api/v1/public/deliveries/{shared['token']}"
    seen = await anybody.json("GET", public, status=200)
    TrackedDeliveryView.model_validate(seen)
    assert (seen["status"], seen["items"][0]["quantity"]) == ("planned", "4.000")
    assert not {"address", "customer_name", "latitude", "proof", "notes"} & set(seen)
    page = await anybody.get(f"/d/{shared['token']}")
    text = await page.text()
    assert (page.status, page.content_type) == (200, "text/html")
    assert "sendo programada" in text
    assert "Maria" not in text
    assert (await anybody.get("/d/" + "0" * 48)).status == 404
    await other_store_client(client, database)
    assert (await client.at("beta").get(public)).status == 404
    await depot.owner.execute("update delivery_links set expires_at = now() - interval '1 second'")
    assert (await anybody.get(public)).status == 404


async def test_an_owed_delivery_needs_an_order_that_is_being_prepared(depot: Depot) -> None:
    item = {"product_id": depot.product, "quantity": "1"}
    body = {"fulfilment": "delivery", "customer_id": depot.customer, "items": [item]}
    order = await depot.make("orders", body)
    await depot.keeper.json("POST", "deliveries", {"order_id": order["id"]}, status=409)
    await depot.keeper.json("POST", "deliveries", {"order_id": str(uuid4())}, status=404)
    await depot.make(f"orders/{order['id']}/prepare", status=200)
    unknown = {"order_id": order["id"], "items": [{"order_item_id": str(uuid4()), "quantity": "1"}]}
    await depot.keeper.json("POST", "deliveries", unknown, status=422)


async def test_a_vehicle_has_a_plate_of_its_own(depot: Depot) -> None:
    truck = {"plate": "BRA2E19", "name": "Other", "capacity_kg": "1", "capacity_m3": "1"}
    assert (await depot.make("vehicles", truck, status=409))["code"] == "plate_taken"
    for plate in ("BRA-12345", "BR12E19", "bra2e1", ""):
        await depot.make("vehicles", {**truck, "plate": plate}, status=422)
    other = await depot.make("vehicles", {**truck, "plate": "abc-1234"})
    assert other["plate"] == "ABC1234"
    taken = await depot.api.json("PATCH", f"vehicles/{other['id']}", {"plate": "BRA2E19"}, status=409)
    assert taken["code"] == "plate_taken"
    changed = await depot.api.patch(
        f"vehicles/{other['id']}", json={"active": False}, headers={"If-Match": '"1"'}
    )
    assert (changed.status, changed.headers["ETag"]) == (200, '"2"')
    listed = await depot.keeper.json("GET", "vehicles?active=true", status=200)
    assert [one["plate"] for one in listed["items"]] == ["BRA2E19"]
    assert (await depot.keeper.json("GET", "vehicles?q=%25", status=200))["items"] == []
    assert (await depot.keeper.post("vehicles", json=truck)).status == 403


async def test_the_last_two_deliveries_handed_over_at_once_deliver_the_order_once(
    depot: Depot, database: Database
) -> None:
    order = await depot.order("10", dispatched=False)
    part = {"order_id": order["id"], "items": [{"order_item_id": order["items"][0]["id"], "quantity": "6"}]}
    await depot.make("deliveries", part)
    await depot.make("deliveries", {"order_id": order["id"]})
    [route] = (await depot.plan())["routes"]
    await depot.driver.json("POST", f"routes/{route['id']}/depart", status=200)
    paths = [f"deliveries/{stop['delivery_id']}/deliver" for stop in route["stops"]]
    answers: list[int] = []

    async def hand_over(path: str) -> None:
        answers.append((await depot.driver.post(path, json=PROOF)).status)

    async with anyio.create_task_group() as group:
        for path in paths * 2:
            group.start_soon(hand_over, path)
    assert sorted(answers) == [200, 200, 409, 409]
    assert (await depot.api.json("GET", f"orders/{order['id']}"))["status"] == "delivered"
    assert sorted(sale["total"] for sale in await depot.events("sale_recorded")) == ["160.00", "240.00"]
    assert await depot.level() == ("990.000", "0.000")
    assert await run_oracles(database, [], slugs=[depot.store.slug]) == []


async def test_handing_over_and_cancelling_at_once_leave_one_of_them(
    depot: Depot, database: Database
) -> None:
    delivery = await depot.on_the_road("10")
    answers: dict[str, int] = {}

    async def ask(name: str, path: str, body: object) -> None:
        answers[name] = (await depot.api.post(path, json=body)).status

    async with anyio.create_task_group() as group:
        group.start_soon(ask, "delivered", f"deliveries/{delivery['id']}/deliver", PROOF)
        group.start_soon(ask, "cancelled", f"orders/{delivery['order_id']}/cancel", {})
    assert sorted(answers.values()) == [200, 409]
    [won] = [name for name, status in answers.items() if status == 200]
    assert (await depot.api.json("GET", f"orders/{delivery['order_id']}"))["status"] == won
    assert (await depot.api.json("GET", f"deliveries/{delivery['id']}"))["status"] == won
    assert await run_oracles(database, [], slugs=[depot.store.slug]) == []
