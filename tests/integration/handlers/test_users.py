from __future__ import annotations

from uuid import uuid4

import anyio
import pytest

from runtime.web.passwords import Passwords
from tests.support.stores import create_store

USERS = "/api/v1/users"
NEW = {"email": "Maria@Yard.localhost", "name": "Maria", "role": "seller", "password": "tijolo azul na chuva"}


@pytest.fixture
async def owner(client):
    await client.login("owner")
    return client


async def test_a_new_user_can_sign_in_with_any_spelling_of_the_address(owner) -> None:
    user = await owner.json("POST", USERS, NEW, status=201)
    assert user["email"] == "maria@yard.localhost"
    assert "password" not in str(user)
    for email in ("maria@yard.localhost", "MARIA@YARD.LOCALHOST"):
        await owner.at("yard").login(email=email, password=NEW["password"])


async def test_an_address_is_taken_whatever_its_case(owner) -> None:
    await owner.json("POST", USERS, NEW, status=201)
    problem = await owner.json("POST", USERS, {**NEW, "email": "MARIA@yard.localhost"}, status=409)
    assert problem["code"] == "email_taken"


async def test_two_stores_may_have_users_with_the_same_address(owner, database) -> None:
    await create_store(database, "beta")
    beta = owner.at("beta")
    await beta.login("owner")
    await owner.json("POST", USERS, NEW, status=201)
    await beta.json("POST", USERS, NEW, status=201)


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "123456789",
        "1234567890",
        "senha123456",
        "Senha123!!!!",
        "qwertyuiop",
        "aaaaaaaaaaaa",
        "abababababab",
        "password2024!",
        "Maria12345",
        "yard1234567",
        "basecommerce1",
        "x" * 129,
    ],
)
async def test_a_password_anybody_would_guess_is_refused(owner, password: str) -> None:
    problem = await owner.json("POST", USERS, {**NEW, "password": password}, status=422)
    assert problem["errors"][0]["pointer"] == "/password"
    assert password not in str(problem) or len(password) < 6


@pytest.mark.parametrize(
    "email",
    ["maria", "maria@", "@yard", "a b@c.d", "a@b..c", "a@-b.c", "m@y.z\n.", "á" * 300],
)
async def test_what_is_no_address_is_refused(owner, email: str) -> None:
    await owner.json("POST", USERS, {**NEW, "email": email}, status=422)


async def test_a_store_has_no_platform_administrators(owner) -> None:
    await owner.json("POST", USERS, {**NEW, "role": "platform_admin"}, status=422)


async def test_the_last_active_owner_stays(owner, store) -> None:
    path = f"{USERS}/{store.owner_id}"
    for change in ({"active": False}, {"role": "seller"}):
        problem = await owner.json("PATCH", path, change, status=409)
        assert problem["code"] == "last_owner"
    second = await owner.json("POST", USERS, {**NEW, "role": "owner"}, status=201)
    await owner.json("PATCH", f"{USERS}/{second['id']}", {"active": False}, status=200)
    await owner.json("PATCH", path, {"active": False}, status=409)


async def test_two_owners_who_disable_each_other_at_once_leave_one(owner, store) -> None:
    second = await owner.json("POST", USERS, {**NEW, "role": "owner"}, status=201)
    other = owner.at("yard")
    await other.login(email=second["email"], password=NEW["password"])
    statuses = []

    async def disable(client, user_id) -> None:
        statuses.append((await client.patch(f"{USERS}/{user_id}", json={"active": False})).status)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(disable, owner, second["id"])
        tasks.start_soon(disable, other, store.owner_id)
    assert sorted(statuses) in ([200, 401], [200, 409])


async def test_a_stale_change_is_refused(owner, store) -> None:
    path = f"{USERS}/{store.users['driver']}"
    first = await owner.get(path)
    stale = {"If-Match": first.headers["ETag"]}
    assert (await owner.patch(path, json={"name": "A"}, headers=stale)).status == 200
    assert (await owner.patch(path, json={"name": "B"}, headers=stale)).status == 412
    unchanged = await owner.get(path, headers={"If-None-Match": '"2"'})
    assert unchanged.status == 304


async def test_users_are_listed_filtered_and_paged(owner) -> None:
    seen, cursor = [], None
    while True:
        query = "?limit=2" + (f"&cursor={cursor}" if cursor else "")
        page = await owner.json("GET", USERS + query, status=200)
        seen += [user["email"].split("@")[0] for user in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["driver", "finance", "owner", "seller", "stock_keeper"]
    found = await owner.json("GET", f"{USERS}?role=driver", status=200)
    assert [user["role"] for user in found["items"]] == ["driver"]
    found = await owner.json("GET", f"{USERS}?q=SELL", status=200)
    assert [user["role"] for user in found["items"]] == ["seller"]


async def test_another_stores_user_does_not_exist(owner, database) -> None:
    beta = await create_store(database, "beta")
    for method, path, body in (
        ("GET", f"{USERS}/{beta.owner_id}", None),
        ("PATCH", f"{USERS}/{beta.owner_id}", {"name": "x"}),
        ("POST", f"{USERS}/{beta.owner_id}/reset-password", {"password": "tijolo azul na chuva"}),
        ("GET", f"{USERS}/{uuid4()}", None),
    ):
        await owner.json(method, path, body, status=404)


async def test_a_cursor_of_another_store_or_list_is_refused(owner, database) -> None:
    await create_store(database, "beta")
    beta = owner.at("beta")
    await beta.login("owner")
    cursor = (await owner.json("GET", f"{USERS}?limit=1"))["next_cursor"]
    await beta.json("GET", f"{USERS}?limit=1&cursor={cursor}", status=400)
    await owner.json("GET", f"/api/v1/audit?limit=1&cursor={cursor}", status=400)


async def test_the_audit_log_tells_what_changed_without_the_password(owner, store) -> None:
    path = f"{USERS}/{store.users['driver']}"
    await owner.json("PATCH", path, {"role": "seller"}, status=200)
    await owner.json("POST", f"{path}/reset-password", {"password": "tijolo azul na chuva"}, status=200)
    entries = (await owner.json("GET", f"/api/v1/audit?thing_id={store.users['driver']}"))["items"]
    assert [entry["action"] for entry in entries] == ["user.password_reset", "user.changed"]
    assert (entries[1]["before"], entries[1]["after"]) == ({"role": "driver"}, {"role": "seller"})
    assert "tijolo" not in str(entries)


async def test_passwords_are_hashed_before_a_connection_is_taken(owner, database, monkeypatch) -> None:
    busy = []
    hash_it = Passwords.hash

    async def watched(self: Passwords, password: str) -> str:
        busy.append(database.connections[0])
        return await hash_it(self, password)

    monkeypatch.setattr(Passwords, "hash", watched)
    user = await owner.json("POST", USERS, NEW, status=201)
    await owner.json(
        "POST", f"{USERS}/{user['id']}/reset-password", {"password": "outra frase bem longa"}, status=200
    )
    assert busy == [0, 0]
