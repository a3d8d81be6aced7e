"""Every operation against every role, another store, a missing and a foreign sign-in: one row per operation."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from handlers.permissions import PERMISSIONS, Role
from handlers.vertical import ROUTES
from runtime.web import auth
from runtime.web.routing import Operation
from tests.support.stores import ROLES, ApiClient, create_store

OPERATIONS = [operation for group in (auth.routes, *ROUTES) for operation in group.operations]
GUARDED = [operation for operation in OPERATIONS if operation.may is not None]


def path_of(operation: Operation) -> str:
    values = {name: "1" if kind is int else str(uuid4()) for name, kind in operation.parameters.items()}
    return operation.path.format_map(values)


async def call(client: ApiClient, operation: Operation, **options: Any) -> tuple[int, str]:
    """Status and problem code of the operation with an empty body on a thing that does not exist."""
    if operation.method != "GET":
        options.setdefault("json", {})
    answer = await client.request(operation.method, path_of(operation), **options)
    if answer.content_type != "application/problem+json":
        return answer.status, ""
    return answer.status, (await answer.json(content_type=None))["code"]


def test_every_permission_asked_for_is_held_by_somebody() -> None:
    held = frozenset().union(*PERMISSIONS.values())
    assert {operation.may for operation in GUARDED} - held == set()


def test_every_permission_held_is_asked_for_by_an_operation() -> None:
    held = frozenset().union(*PERMISSIONS.values())
    assert held - {operation.may for operation in GUARDED} == set()


def test_every_post_but_signing_in_and_an_import_that_repeats_by_itself_honours_a_key() -> None:
    without = {one.path for one in OPERATIONS if one.method == "POST" and not one.transaction}
    signing_in = {path for path in without if path.startswith("/api/v1/auth/")}
    taken_in = {f"/api/v1/{what}/import" for what in ("suppliers/{supplier_id}", "products", "customers")}
    assert without - signing_in == taken_in


def test_only_signing_in_is_public() -> None:
    public = {operation.path for operation in OPERATIONS if operation.public}
    free = {operation.path for operation in OPERATIONS if operation.may is None and not operation.public}
    assert public >= {"/api/v1/auth/login", "/api/v1/auth/refresh"}
    for_anybody = ("/api/v1/auth/", "/api/v1/public/", "/q/", "/d/")
    for_any_role = ("/api/v1/auth/", "/api/v1/events/schemas")
    assert {path for path in public if not path.startswith(for_anybody)} == set()
    assert {path for path in free if not path.startswith(for_any_role)} == set()


def test_the_platforms_administrators_and_the_stores_share_no_permission() -> None:
    for role in ROLES:
        assert PERMISSIONS[role] & PERMISSIONS[Role.PLATFORM_ADMIN] == set()
        assert PERMISSIONS[role] <= PERMISSIONS[Role.OWNER]


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_do_what_the_table_says_and_nothing_else(client, role: Role) -> None:
    await client.login(role.value)
    wrong = []
    for operation in GUARDED:
        status, code = await call(client, operation)
        refused = (status, code) == (403, "forbidden")
        if refused is (operation.may in PERMISSIONS[role]) or status >= 500:
            wrong.append(f"{operation.method} {operation.path} ({operation.may}): {status} {code}")
    assert wrong == []


async def test_the_platforms_administrator_sees_nothing_of_a_store(admin, client) -> None:
    wrong = []
    for operation in GUARDED:
        status, code = await call(admin, operation)
        allowed = operation.may in PERMISSIONS[Role.PLATFORM_ADMIN]
        if ((status, code) == (403, "forbidden")) is allowed or status >= 500:
            wrong.append(f"{operation.method} {operation.path}: {status} {code}")
    assert wrong == []
    at_store = client.at("yard")
    at_store.headers["Authorization"] = admin.headers["Authorization"]
    for operation in GUARDED:
        assert await call(at_store, operation) == (403, "tenant_mismatch")


async def test_without_a_sign_in_every_guarded_operation_is_closed(client) -> None:
    for operation in OPERATIONS:
        if not operation.public:
            assert (await call(client, operation))[0] == 401, operation.path


async def test_a_sign_in_of_another_store_opens_nothing(client, database) -> None:
    await create_store(database, "beta")
    await client.login("owner")
    beta = client.at("beta")
    beta.headers["Authorization"] = client.headers["Authorization"]
    for operation in OPERATIONS:
        if not operation.public:
            assert await call(beta, operation) == (403, "tenant_mismatch"), operation.path


@pytest.mark.parametrize("slug", ["beta", "nobody"])
async def test_a_spoofed_tenant_header_moves_no_operation_to_another_store(
    client, database, slug: str
) -> None:
    await create_store(database, "beta")
    await client.login("owner")
    users = await client.json("GET", "/api/v1/users", status=200)
    spoofed = await (await client.get("/api/v1/users", headers={"X-Tenant-Slug": slug})).json()
    assert spoofed == users


async def test_every_operation_survives_a_body_full_of_nonsense(client) -> None:
    """Fields of the right names with values of the wrong kinds: refused, never a fault of ours."""
    await client.login("owner")
    nonsense: list[Any] = [None, True, -1, 1e300, "", "x", "' or 1=1", [], [None], {}, {"a": 1}, "9" * 400]
    faults = []
    for operation in OPERATIONS:
        if operation.body is None or operation.path.endswith("/logout"):
            continue
        for value in nonsense:
            body = dict.fromkeys(operation.body.model_fields, value)
            status, code = await call(client, operation, json=body)
            if status >= 500 or (status >= 400 and not code):
                faults.append(f"{operation.method} {operation.path} {value!r}: {status} {code}")
    assert faults == []
