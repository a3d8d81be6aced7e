from __future__ import annotations

import pytest

from runtime.data.ids import NIL, new_id

TENANTS = "/api/v1/platform/tenants"
OWNER = {"email": "ana@nova.localhost", "name": "Ana", "password": "tijolo azul na chuva"}


async def test_a_new_store_works_at_once(admin, client) -> None:
    made = await admin.json(
        "POST", TENANTS, {"slug": "nova", "name": "Loja Nova", "owner": OWNER}, status=201
    )
    assert made["status"] == "active"
    nova = client.at("nova")
    await nova.login(email=OWNER["email"], password=OWNER["password"])
    product = {"sku": "CIM-50", "name": "Cimento", "unit": "SC", "base_price": "38.90"}
    await nova.json("POST", "/api/v1/products", product, status=201)
    assert (await nova.json("GET", "/api/v1/users"))["items"][0]["role"] == "owner"


async def test_a_store_that_was_asked_for_before_it_existed_is_found_at_once(admin, client) -> None:
    assert (await client.at("nova").get("/tenant.json")).status == 404
    await admin.json("POST", TENANTS, {"slug": "nova", "name": "Loja Nova"}, status=201)
    assert (await client.at("nova").get("/tenant.json")).status == 200


@pytest.mark.parametrize(
    "slug",
    ["ab", "a" * 41, "-nova", "nova-", "no--va", "Nova", "nova.x", "www", "api", "platform", "n\u00f3va", ""],
)
async def test_a_slug_that_cannot_be_is_refused(admin, slug: str) -> None:
    await admin.json("POST", TENANTS, {"slug": slug, "name": "x"}, status=422)


async def test_a_slug_is_taken_once(admin) -> None:
    problem = await admin.json("POST", TENANTS, {"slug": "yard", "name": "x"}, status=409)
    assert problem["code"] == "slug_taken"


async def test_a_refused_owner_leaves_no_half_made_store(admin, client) -> None:
    weak = {**OWNER, "password": "senha123456"}
    problem = await admin.json("POST", TENANTS, {"slug": "nova", "name": "x", "owner": weak}, status=422)
    assert problem["errors"][0]["pointer"] == "/owner/password"
    assert (await client.at("nova").get("/tenant.json")).status == 404


async def test_the_same_key_makes_one_store(admin) -> None:
    body, key = {"slug": "nova", "name": "x"}, {"Idempotency-Key": "k-1"}
    first = await admin.post(TENANTS, json=body, headers=key)
    again = await admin.post(TENANTS, json=body, headers=key)
    assert (first.status, again.status) == (201, 201)
    assert await first.json() == await again.json()


async def test_stores_are_listed_without_the_platform_itself(admin) -> None:
    await admin.json("POST", TENANTS, {"slug": "nova", "name": "Loja Nova"}, status=201)
    page = await admin.json("GET", TENANTS, status=200)
    assert [item["slug"] for item in page["items"]] == ["nova", "yard"]
    page = await admin.json("GET", f"{TENANTS}?q=LOJA&limit=1", status=200)
    assert [item["slug"] for item in page["items"]] == ["nova"]


async def test_the_platform_cannot_be_suspended(admin) -> None:
    nil = "00000000-0000-0000-0000-000000000000"
    await admin.json("POST", f"{TENANTS}/{nil}/suspend", status=404)
    await admin.json("GET", f"{TENANTS}/{nil}", status=404)


async def test_a_suspension_closes_sign_in_and_refresh_too(admin, client, store) -> None:
    tokens = await client.login("owner")
    await admin.json("POST", f"{TENANTS}/{store.id}/suspend", status=200)
    login = {"email": "owner@yard.localhost", "password": "correct-horse-battery"}
    assert (await client.post("/api/v1/auth/login", json=login)).status == 403
    refresh = {"refresh_token": tokens["refresh_token"]}
    assert (await client.post("/api/v1/auth/refresh", json=refresh)).status == 403
    assert (await client.at(None).post("/api/v1/auth/refresh", json=refresh)).status == 403
    assert (await client.get("/tenant.json")).status == 403


async def test_a_store_and_the_platforms_record_of_it_are_made_together_or_not_at_all(
    admin, client, owner
) -> None:
    """The record is the last statement of the transaction; here it fails."""
    body = {"slug": "nova", "name": "Loja Nova", "owner": OWNER}
    await owner.execute("alter table audit_log add constraint broken check (action <> 'tenant.created')")
    assert (await admin.post(TENANTS, json=body)).status >= 400
    assert await owner.fetchval("select count(*) from tenants where slug = 'nova'") == 0
    assert (await client.at("nova").get("/tenant.json")).status == 404
    await owner.execute("alter table audit_log drop constraint broken")
    made = await admin.json("POST", TENANTS, body, status=201)
    rows = await owner.fetch("select tenant_id, thing_id from audit_log where action = 'tenant.created'")
    assert [(str(row["tenant_id"]), str(row["thing_id"])) for row in rows] == [
        ("00000000-0000-0000-0000-000000000000", made["id"])
    ]


async def test_only_the_platform_founds_stores_and_only_new_ones(database, store) -> None:
    async with database.tenant(store.id) as tx:
        with pytest.raises(ValueError, match="only the platform"):
            async with tx.founding(new_id()):
                raise AssertionError
    async with database.tenant(NIL) as tx:
        with pytest.raises(ValueError, match="only one that there is not yet"):
            async with tx.founding(store.id):
                raise AssertionError
