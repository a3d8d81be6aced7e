"""The stores of the installation, as the platform's administrators see them: never a store's business."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from handlers.permissions import Role
from handlers.stores import create_store, create_user
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.errors import NotFoundError
from runtime.web.call import Call, Reply
from runtime.web.fields import Body, EmailText, ShortText, Slug, View
from runtime.web.pagination import ListQuery, Page, SearchText, page_reply
from runtime.web.passwords import NewPassword, check_new_password
from runtime.web.routing import Routes

routes = Routes(tag="platform")


class OwnerNew(Body):
    """The first user of a new store."""

    email: EmailText
    name: ShortText
    password: NewPassword


class TenantNew(Body):
    """A store to be made; it lives at ``<slug>.<BASE_DOMAIN>``."""

    slug: Slug
    name: ShortText
    document: str | None = Field(None, pattern=r"^[0-9A-Z]{11,14}$", description="CNPJ, without punctuation")
    locale: Literal["pt-BR", "en"] = "pt-BR"
    time_zone: str = Field("America/Sao_Paulo", max_length=64)
    owner: OwnerNew | None = None


class TenantView(View):
    """A store in the directory."""

    id: UUID
    slug: str
    name: str
    document: str | None
    status: Literal["active", "suspended"]
    locale: str
    time_zone: str
    created_at: datetime


class TenantList(ListQuery):
    """Filters of the stores; in the order of their slugs."""

    q: SearchText = None
    status: Literal["active", "suspended"] | None = None


@routes.get(
    "/platform/tenants",
    may="platform:tenants_read",
    stale=True,
    summary="List stores",
    query=TenantList,
    answers=Page[TenantView],
)
async def list_tenants(call: Call[TenantList]) -> Reply:
    """All stores of the installation."""
    after = call.cursor()
    rows = await call.tx.fetch_all(
        sql.select_tenants,
        status=call.query.status,
        search=call.query.q or None,
        after=after[0] if after else None,
        limit=call.query.limit + 1,
    )
    return page_reply(call, rows, call.query.limit, key=lambda row: [row["slug"]])


async def _hash_of_owner(call: Call, body: TenantNew) -> str | None:
    if body.owner is None:
        return None
    check_new_password(body.owner.password, body.owner.name, body.slug, pointer="/owner/password")
    return await call.context.passwords.hash(body.owner.password)


@routes.post(
    "/platform/tenants",
    may="platform:tenants_create",
    prepare=_hash_of_owner,
    summary="Make a store",
    body=TenantNew,
    answers=TenantView,
    status=201,
    errors=(409,),
)
async def create_tenant(call: Call, body: TenantNew) -> Reply:
    """The store, its event log, its default location, its first owner and the platform's own record of it come into
    being together, or not at all."""
    context, tx, tenant_id = call.context, call.tx, new_id()
    async with tx.founding(tenant_id):
        await create_store(
            tx,
            context.settings.event_partitions,
            slug=body.slug,
            name=body.name,
            locale=body.locale,
            time_zone=body.time_zone,
            document=body.document,
        )
        if body.owner is not None:
            await create_user(
                tx,
                email=body.owner.email,
                name=body.owner.name,
                role=Role.OWNER,
                password_hash=call.prepared,
            )
        row = await tx.fetch_one(sql.get_tenant_body, id=tenant_id)
    tx.after_commit(context.directory.forget_all)
    call.audit("tenant.created", "tenant", tenant_id, after={"slug": body.slug})
    return Reply(row["body"] if row is not None else None)


@routes.get(
    "/platform/tenants/{tenant_id}", may="platform:tenants_read", summary="One store", answers=TenantView
)
async def get_tenant(call: Call, tenant_id: UUID) -> Reply:
    """A store in the directory."""
    return await _shown(call, tenant_id)


@routes.post(
    "/platform/tenants/{tenant_id}/suspend",
    may="platform:tenants_update",
    summary="Suspend a store",
    answers=TenantView,
)
async def suspend_tenant(call: Call, tenant_id: UUID) -> Reply:
    """Its users are refused within seconds; its data stays, and what it did is still processed."""
    return await _set_status(call, tenant_id, "suspended")


@routes.post(
    "/platform/tenants/{tenant_id}/resume",
    may="platform:tenants_update",
    summary="Let a store work again",
    answers=TenantView,
)
async def resume_tenant(call: Call, tenant_id: UUID) -> Reply:
    """Ends a suspension."""
    return await _set_status(call, tenant_id, "active")


async def _set_status(call: Call, tenant_id: UUID, status: str) -> Reply:
    changed = await call.tx.execute(sql.set_tenant_status, id=tenant_id, status=status)
    reply = await _shown(call, tenant_id)
    if changed:
        call.audit(f"tenant.{status}", "tenant", tenant_id)
        call.tx.after_commit(call.context.directory.forget_all)
    return reply


async def _shown(call: Call, tenant_id: UUID) -> Reply:
    row = await call.tx.fetch_one(sql.get_tenant_body, id=tenant_id)
    if row is None:
        raise NotFoundError
    return Reply(row["body"])
