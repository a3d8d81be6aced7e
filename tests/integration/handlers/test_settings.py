from __future__ import annotations

import pytest

from handlers.settings import TenantSettings

SETTINGS = "/api/v1/settings"


@pytest.fixture
async def owner(client):
    await client.login("owner")
    return client


async def test_a_new_store_has_the_defaults(owner) -> None:
    shown = await owner.json("GET", SETTINGS, status=200)
    assert shown["settings"] == TenantSettings().model_dump(mode="json")
    assert shown["locale"] == "pt-BR"


async def test_a_change_leaves_the_rest_alone_and_takes_effect(owner) -> None:
    await owner.json("PATCH", SETTINGS, {"settings": {"quote_validity_days": 15}}, status=200)
    shown = await owner.json("PATCH", SETTINGS, {"settings": {"quote_prefix": "ORC-"}}, status=200)
    assert shown["settings"]["quote_validity_days"] == 15
    assert shown["settings"]["quote_prefix"] == "ORC-"
    assert shown["settings"]["order_prefix"] == "PED-"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"settings": {"quote_validity_days": 0}}, "/settings/quote_validity_days"),
        ({"settings": {"quote_prefix": "cot"}}, "/settings/quote_prefix"),
        ({"settings": {"seller_discount_limit_percent": "101"}}, "/settings/seller_discount_limit_percent"),
        ({"settings": {"default_service_level": "NaN"}}, "/settings/default_service_level"),
        ({"settings": {"default_lead_time_days": 366}}, "/settings/default_lead_time_days"),
        ({"settings": {"pix_key": "chave com espaço"}}, "/settings/pix_key"),
        ({"settings": {"pix_key": "日本"}}, "/settings/pix_key"),
        ({"settings": {"default_service_level": "0.4"}}, "/settings/default_service_level"),
        ({"settings": {"default_service_level": 1}}, "/settings/default_service_level"),
        ({"settings": {"surprise": 1}}, "/settings/surprise"),
        ({"settings": []}, "/settings"),
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"locale": "fr"}, "/locale"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"time_zone": "../../etc/passwd"}, "/time_zone"),
        ({"branding": {"primary_colour": "red"}}, "/branding/primary_colour"),
        ({"branding": {"logo_url": "javascript:alert(1)"}}, "/branding/logo_url"),
        ({"branding": {"features": {"x": "yes!"}}}, "/branding/features/x"),
        ({"document": "1"}, "/document"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(owner, change, pointer: str) -> None:
    problem = await owner.json("PATCH", SETTINGS, change, status=422)
    assert problem["errors"][0]["pointer"] == pointer


async def test_branding_shows_on_the_sign_in_page(owner) -> None:
    branding = {"primary_colour": "#aa3300", "features": {"pickup": True}}
    await owner.json("PATCH", SETTINGS, {"branding": branding, "name": "Casa do Tijolo"}, status=200)
    shown = await (await owner.get("/tenant.json")).json()
    assert shown["name"] == "Casa do Tijolo"
    assert shown["branding"]["primary_colour"] == "#aa3300"


async def test_the_stores_language_is_the_default_of_its_answers(owner) -> None:
    await owner.json("PATCH", SETTINGS, {"locale": "en"}, status=200)
    problem = await owner.json("GET", "/api/v1/users/x", status=404)
    assert problem["detail"] == "There is no such resource."


async def test_the_audit_log_tells_what_was_changed_and_nothing_else(owner) -> None:
    await owner.json("PATCH", SETTINGS, {"name": "Nova", "settings": {"quote_prefix": "ORC-"}}, status=200)
    entry = (await owner.json("GET", "/api/v1/audit?action=settings.changed", status=200))["items"][0]
    assert entry["before"] == {"name": "Store yard", "settings": {}}
    assert entry["after"] == {"name": "Nova", "settings": {"quote_prefix": "ORC-"}}


async def test_a_stale_change_is_refused(owner) -> None:
    stale = {"If-Match": (await owner.get(SETTINGS)).headers["ETag"]}
    assert (await owner.patch(SETTINGS, json={"name": "A"}, headers=stale)).status == 200
    assert (await owner.patch(SETTINGS, json={"name": "B"}, headers=stale)).status == 412


async def test_finance_reads_settings_and_others_do_not(client) -> None:
    for role, status in (("finance", 200), ("seller", 403), ("driver", 403)):
        await client.login(role)
        assert (await client.get(SETTINGS)).status == status
    await client.login("finance")
    assert (await client.patch(SETTINGS, json={"name": "x"})).status == 403


async def test_numbers_of_purchase_orders_and_deliveries_begin_as_the_store_says(
    owner, store, database
) -> None:
    await owner.json(
        "PATCH", SETTINGS, {"settings": {"purchase_order_prefix": "PC-", "delivery_prefix": "E-"}}, status=200
    )
    supplier = await owner.json("POST", "suppliers", {"name": "Cimentos do Sul"}, status=201)
    product = await owner.json(
        "POST", "products", {"sku": "C", "name": "Cimento", "unit": "SC", "base_price": "38.90"}, status=201
    )
    body = {
        "supplier_id": supplier["id"],
        "items": [{"product_id": product["id"], "quantity": "1", "unit_cost": "2"}],
    }
    bought = await owner.json("POST", "purchase-orders", body, status=201)
    assert bought["number"] == "PC-000001"
