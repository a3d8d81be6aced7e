"""A store's webhooks over HTTP."""

from __future__ import annotations

import pytest

from handlers.webhooks import MOST

HOOK = {"url": "https://erp.example.com/hooks", "event_types": ["sale_recorded"]}


@pytest.fixture
async def boss(client):
    await client.login("owner")
    return client


async def test_a_webhook_is_made_shown_changed_and_deleted(boss) -> None:
    made = await boss.json("POST", "webhooks", HOOK, status=201)
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert (made["url"], made["event_types"], made["active"]) == (HOOK["url"], ["sale_recorded"], True)
    path = f"webhooks/{made['id']}"
    assert await boss.json("GET", path, status=200) == made
    assert (await boss.json("GET", "webhooks", status=200))["items"] == [made]
    changed = await boss.json("PATCH", path, {"active": False}, status=200)
    assert (changed["active"], changed["version"]) == (False, 2)
    await boss.json("DELETE", path, status=204)
    await boss.json("GET", path, status=404)
    await boss.json("DELETE", path, status=404)


async def test_another_secret_is_shown_once(boss) -> None:
    made = await boss.json("POST", "webhooks", HOOK, status=201)
    rotated = await boss.json("POST", f"webhooks/{made['id']}/rotate-secret", status=200)
    assert rotated["secret"] != made["secret"]
    assert "secret" not in await boss.json("GET", f"webhooks/{made['id']}", status=200)


async def test_a_stale_change_is_refused(boss) -> None:
    made = await boss.json("POST", "webhooks", HOOK, status=201)
    answer = await boss.patch(f"webhooks/{made['id']}", json={"active": False}, headers={"If-Match": '"9"'})
    assert answer.status == 412


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://localhost/",
        "https://db.internal/",
        "https://user:password@example.com/",
        "https://example.com/#part",
        "https://example.com:99999/",
        "https:///nothing",
        "ftp://example.com/",
        "https://exa mple.com/",
    ],
)
async def test_an_address_that_is_plainly_not_public_is_refused_at_once(boss, url: str) -> None:
    problem = await boss.json("POST", "webhooks", {"url": url}, status=422)
    assert problem["errors"][0]["pointer"] == "/url"


async def test_an_event_type_that_there_is_not_is_refused(boss) -> None:
    await boss.json("POST", "webhooks", {**HOOK, "event_types": ["moon_landed"]}, status=422)


async def test_a_store_has_only_so_many(boss) -> None:
    for _ in range(MOST):
        await boss.json("POST", "webhooks", HOOK, status=201)
    problem = await boss.json("POST", "webhooks", HOOK, status=409)
    assert problem["code"] == "webhook_limit"


async def test_a_test_delivery_is_listed_and_sent_again_on_request(boss, owner) -> None:
    made = await boss.json("POST", "webhooks", HOOK, status=201)
    path = f"webhooks/{made['id']}"
    delivery = await boss.json("POST", f"{path}/test", status=202)
    assert (delivery["event_type"], delivery["state"], delivery["seq"]) == ("webhook_test", "pending", None)
    assert (await boss.json("GET", path, status=200))["waiting"] == 1
    await owner.execute("update webhook_deliveries set state = 'dead', attempts = 10, ended_at = now()")
    [dead] = (await boss.json("GET", f"{path}/deliveries?state=dead", status=200))["items"]
    again = await boss.json("POST", f"{path}/deliveries/{dead['id']}/replay", status=202)
    assert (again["id"], again["state"], again["attempts"]) == (delivery["id"], "pending", 0)


async def test_a_webhook_that_is_switched_on_again_begins_with_what_happens_then(boss, owner, store) -> None:
    made = await boss.json("POST", "webhooks", {**HOOK, "active": False}, status=201)
    await owner.execute("update webhooks set failures = 20")
    product = {"sku": "C", "name": "Cimento", "unit": "SC", "base_price": "38.90"}
    await boss.json("POST", "products", product, status=201)
    shown = await boss.json("PATCH", f"webhooks/{made['id']}", {"active": True}, status=200)
    assert shown["failures"] == 0
    assert await owner.fetchval(
        "select w.last_seq = h.head from webhooks w join tenant_event_head h using (tenant_id)"
    )


async def test_sellers_neither_see_nor_make_webhooks(client) -> None:
    await client.login("seller")
    await client.json("GET", "webhooks", status=403)
    await client.json("POST", "webhooks", HOOK, status=403)
