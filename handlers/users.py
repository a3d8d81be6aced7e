"""Users of a store: who may sign in, and as what."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import StrictBool

from handlers.changes import asked_changes, lock, unchanged
from handlers.permissions import Role
from handlers.stores import create_user as make_user
from runtime.data.queries import sql
from runtime.errors import ConflictError, NotFoundError
from runtime.web.call import Call, Reply
from runtime.web.fields import Body, EmailText, ShortText, Version, View
from runtime.web.pagination import ListQuery, Page, SearchText, page_reply
from runtime.web.passwords import NewPassword, check_new_password
from runtime.web.routing import Routes

routes = Routes(tag="users")

StoreRole = Literal["owner", "seller", "finance", "stock_keeper", "driver"]


class UserNew(Body):
    """A user to be added, with a first password to hand over."""

    email: EmailText
    name: ShortText
    role: StoreRole
    password: NewPassword


class UserChange(Body):
    """What to change of a user; fields left out stay as they are."""

    name: ShortText = unchanged()
    role: StoreRole = unchanged()
    active: StrictBool = unchanged()


class PasswordReset(Body):
    """Another password for a user, whose sessions all end."""

    password: NewPassword


class UserView(View):
    """A user as the store's owner sees it."""

    id: UUID
    email: str
    name: str
    role: str
    active: bool
    version: Version
    created_at: datetime
    updated_at: datetime


class UserList(ListQuery):
    """Filters of the users; in the order of their addresses."""

    q: SearchText = None
    role: StoreRole | None = None
    active: bool | None = None


@routes.get(
    "/users", may="users:read", stale=True, summary="List users", query=UserList, answers=Page[UserView]
)
async def list_users(call: Call[UserList]) -> Reply:
    """The users of the store."""
    after = call.cursor()
    rows = await call.tx.fetch_all(
        sql.select_users,
        role=call.query.role,
        active=call.query.active,
        search=call.query.q or None,
        after=after[0] if after else None,
        limit=call.query.limit + 1,
    )
    return page_reply(call, rows, call.query.limit, key=lambda row: [row["email"]])


async def _hash_new(call: Call, body: UserNew) -> str:
    check_new_password(body.password, body.name, body.email.partition("@")[0], call.tenant.slug)
    return await call.context.passwords.hash(body.password)


async def _hash_other(call: Call, user_id: UUID, body: PasswordReset) -> str:
    check_new_password(body.password, call.tenant.slug)
    return await call.context.passwords.hash(body.password)


@routes.post(
    "/users",
    may="users:create",
    prepare=_hash_new,
    summary="Add a user",
    body=UserNew,
    answers=UserView,
    status=201,
    errors=(409,),
)
async def create_user(call: Call, body: UserNew) -> Reply:
    """409 when the store has a user with this address."""
    user_id = await make_user(
        call.tx,
        email=body.email,
        name=body.name,
        role=Role(body.role),
        password_hash=call.prepared,
    )
    call.audit("user.created", "user", user_id, after={"role": body.role})
    return await _shown(call, user_id)


@routes.get("/users/{user_id}", may="users:read", summary="One user", answers=UserView)
async def get_user(call: Call, user_id: UUID) -> Reply:
    """A user of the store."""
    return await _shown(call, user_id)


@routes.patch(
    "/users/{user_id}",
    may="users:update",
    summary="Change a user",
    body=UserChange,
    answers=UserView,
    errors=(409,),
)
async def change_user(call: Call, user_id: UUID, body: UserChange) -> Reply:
    """A disabled user, and one with another role, is out or changed at once; a store keeps an active owner."""
    owners = await call.tx.fetch_all(sql.lock_active_owners, role=Role.OWNER.value)
    user = await lock(call.tx, sql.lock_user, call.if_match, id=user_id)
    changes = asked_changes(user, body)
    if not changes:
        return await _shown(call, user_id)
    changed = {**user, **changes}
    stays_owner = changed["active"] and changed["role"] == Role.OWNER
    if not stays_owner and [owner["id"] for owner in owners] == [user_id]:
        raise ConflictError(
            "last_owner",
            "The store would be left without an active owner.",
            "A loja ficaria sem um proprietário ativo.",
        )
    await call.tx.execute(
        sql.update_user, id=user_id, name=changed["name"], role=changed["role"], active=changed["active"]
    )
    if "active" in changes or "role" in changes:
        await _doubt_sessions(call, user_id)
    if not changed["active"]:
        await call.tx.execute(sql.revoke_sessions_of_user, of_user=user_id)
    before = {name: user[name] for name in changes if name != "name"}
    call.audit("user.changed", "user", user_id, before=before, after={name: changes[name] for name in before})
    return await _shown(call, user_id)


@routes.post(
    "/users/{user_id}/reset-password",
    may="users:update",
    prepare=_hash_other,
    summary="Give a user another password",
    body=PasswordReset,
    answers=UserView,
)
async def reset_password(call: Call, user_id: UUID, body: PasswordReset) -> Reply:
    """All sessions of the user end."""
    user = await lock(call.tx, sql.lock_user, lambda _version: None, id=user_id)
    check_new_password(body.password, user["name"], user["email"].partition("@")[0], call.tenant.slug)
    await call.tx.execute(sql.set_password_hash, id=user_id, password_hash=call.prepared)
    await _doubt_sessions(call, user_id)
    await call.tx.execute(sql.revoke_sessions_of_user, of_user=user_id)
    call.audit("user.password_reset", "user", user_id)
    return await _shown(call, user_id)


async def _doubt_sessions(call: Call, user_id: UUID) -> None:
    live = await call.tx.fetch_all(sql.select_live_sessions, of_user=user_id)
    await call.context.sessions.doubt(call.tenant.id, [row["id"] for row in live])


async def _shown(call: Call, user_id: UUID) -> Reply:
    row = await call.tx.fetch_one(sql.get_user, id=user_id)
    if row is None:
        raise NotFoundError
    return Reply(row["body"], version=row["version"])
