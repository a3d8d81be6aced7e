"""Nothing is written without a line in the audit log that says who did it, to what, from where."""

from __future__ import annotations

import asyncpg
import pytest

from handlers import pages
from runtime.web.routing import Operation
from tests.support.operations import OPERATIONS, Things
from tests.support.stores import ApiClient, Store
from tests.support.traded import trade

WRITES = [operation for operation in OPERATIONS if operation.is_write]
# What may succeed without changing anything, and then leaves no entry.
MAY_CHANGE_NOTHING = {"accept_on_page", "reject_on_page"}


async def newest(owner: asyncpg.Connection, store: Store) -> list[asyncpg.Record]:
    return await owner.fetch("select * from audit_log where tenant_id = $1 order by id desc", store.id)


async def test_every_write_that_succeeds_is_in_the_audit_log(client, store, owner) -> None:
    await client.login("owner")
    things = Things(await trade(owner, client, store, "YARD"))
    done, silent = 0, []
    for operation in WRITES:
        before = len(await newest(owner, store))
        body, path = things.body(operation), things.path(operation)
        options = {} if body is None else {"json": body}
        answer = await client.request(operation.method, path, allow_redirects=False, **options)
        entries = await newest(owner, store)
        if answer.status < 400 and operation.name not in MAY_CHANGE_NOTHING:
            done += 1
            if len(entries) == before and await changed_something(answer, operation):
                silent.append(f"{operation.method} {operation.path}: {answer.status}")
        elif answer.status >= 400 and len(entries) != before:
            silent.append(
                f"{operation.method} {operation.path}: {answer.status} is in the log though refused"
            )
    assert silent == []
    assert done >= 40


async def changed_something(answer, operation: Operation) -> bool:
    """A change that asks for what is so already keeps the version and leaves no entry."""
    return operation.method != "PATCH" or answer.headers.get("ETag") != '"1"'


async def test_an_entry_says_who_did_what_to_which_thing_from_where(client, store, owner) -> None:
    await client.login("seller")
    body = {"kind": "person", "name": "Maria"}
    answer = await client.post("customers", json=body)
    [entry] = [one for one in await newest(owner, store) if one["action"] == "customer.created"]
    assert entry["user_id"] == store.users["seller"]
    assert str(entry["thing_id"]) == (await answer.json())["id"]
    assert entry["request_id"] == answer.headers["X-Request-Id"]
    assert entry["address"] == "127.0.0.1"


async def test_reading_personal_data_is_written_down(client, store, owner) -> None:
    await client.login("owner")
    made = await client.json("POST", "customers", {"kind": "person", "name": "Maria"}, status=201)
    await client.json("GET", f"customers/{made['id']}/personal-data", status=200)
    entry = (await newest(owner, store))[0]
    assert (entry["action"], str(entry["thing_id"])) == ("customer.personal_data_read", made["id"])


async def test_signing_in_and_out_is_in_the_audit_log(client, store, owner) -> None:
    await client.login("driver")
    assert (await client.post("/api/v1/auth/logout")).status == 204
    entries = await newest(owner, store)
    assert [entry["action"] for entry in entries] == ["auth.logout", "auth.login"]
    assert {entry["user_id"] for entry in entries} == {store.users["driver"]}
    assert len({entry["thing_id"] for entry in entries}) == 1


async def test_a_failed_sign_in_writes_nothing(client: ApiClient, store, owner) -> None:
    wrong = {"email": "owner@yard.localhost", "password": "wrong password"}
    assert (await client.post("/api/v1/auth/login", json=wrong)).status == 401
    assert await newest(owner, store) == []


async def test_a_refresh_token_used_twice_is_in_the_audit_log_once(client, store, owner) -> None:
    tokens = await client.login("owner")
    given = {"refresh_token": tokens["refresh_token"]}
    statuses = [(await client.post("/api/v1/auth/refresh", json=given)).status for _ in range(3)]
    assert statuses == [200, 401, 401]
    assert [e["action"] for e in await newest(owner, store)] == ["auth.refresh_reused", "auth.login"]


async def test_making_a_store_is_in_the_platforms_log(admin: ApiClient, owner: asyncpg.Connection) -> None:
    made = await admin.json("POST", "platform/tenants", {"slug": "nova", "name": "Nova"}, status=201)
    entry = await owner.fetchrow("select * from audit_log where action = 'tenant.created'")
    assert entry["tenant_id"].int == 0
    assert str(entry["thing_id"]) == made["id"]


@pytest.mark.parametrize("statement", ["update audit_log set action = 'x'", "delete from audit_log"])
async def test_the_program_itself_cannot_change_the_log(client, database, store, statement: str) -> None:
    from runtime.data.queries import Query

    await client.login("owner")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tenant(store.id) as tx:
            await tx.execute(Query("tamper", statement, (), ""))


async def test_a_filter_looks_through_so_many_entries_at_a_time_and_finds_them_all(
    client: ApiClient, store, monkeypatch
) -> None:
    monkeypatch.setattr(pages, "LOOKED_THROUGH", 2)
    await client.login("owner")
    for number in range(5):
        body = {"kind": "person", "name": f"Maria {number}"}
        await client.json("POST", "customers", body, status=201)
    action, found, cursor, looks = "auth.login", [], "", 0
    while cursor is not None:
        page = await client.json("GET", f"audit?action={action}{cursor}", status=200)
        found += page["items"]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
        looks += 1
    assert [entry["action"] for entry in found] == [action]
    assert (
        looks == 4
    )  # six entries, two at a time; that nothing follows the last pair only the next look shows
