"""Stores and their users as rules: what the platform's operations, the command line and the tests share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from handlers.permissions import Role
from handlers.settings import check_time_zone
from handlers.stock.rules import ensure_default_location
from runtime.data.errors import UniqueViolationError
from runtime.data.ids import NIL, new_id, partition_of
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import ConflictError
from runtime.web.problems import field_refused
from runtime.web.tenancy import is_slug


async def create_store(
    tx: TenantTransaction,
    partitions: int,
    *,
    slug: str,
    name: str,
    locale: str = "pt-BR",
    time_zone: str = "America/Sao_Paulo",
    document: str | None = None,
    branding: Mapping[str, Any] | None = None,
) -> None:
    """Make the store of a transaction that was opened for a new id: directory, event log, default location.

    422 for a slug or time zone that cannot be, 409 when the slug is taken.
    """
    if not is_slug(slug):
        raise field_refused(
            "/slug",
            "slug",
            "3 to 40 of a-z, 0-9 and single hyphens, and not a reserved word.",
            "De 3 a 40 caracteres a-z, 0-9 e hifens simples, e não uma palavra reservada.",
        )
    check_time_zone(time_zone)
    try:
        await tx.execute(
            sql.create_tenant,
            slug=slug,
            name=name,
            document=document,
            locale=locale,
            time_zone=time_zone,
            branding=dict(branding or {}),
            settings={},
        )
    except UniqueViolationError:
        raise ConflictError(
            "slug_taken", f"There is a store '{slug}' already.", f"Já existe uma loja '{slug}'."
        ) from None
    await tx.execute(sql.create_event_head, partition=partition_of(tx.tenant_id, partitions))
    await ensure_default_location(tx)


async def create_user(
    tx: TenantTransaction, *, email: str, name: str, role: Role, password_hash: str
) -> UUID:
    """Make a user of the transaction's store (or of the platform, whose users are administrators).

    422 for a role of the other kind, 409 when the store has a user with this address.
    """
    if (role is Role.PLATFORM_ADMIN) is not (tx.tenant_id == NIL):
        raise field_refused(
            "/role",
            "role",
            "platform_admin belongs to the platform, all other roles to a store.",
            "platform_admin pertence à plataforma; os demais perfis, a uma loja.",
        )
    user_id = new_id()
    try:
        await tx.execute(
            sql.create_user,
            id=user_id,
            email=email.lower(),
            name=name,
            role=role.value,
            password_hash=password_hash,
        )
    except UniqueViolationError:
        raise ConflictError(
            "email_taken",
            "There is a user with this e-mail already.",
            "Já existe um usuário com este e-mail.",
        ) from None
    return user_id
