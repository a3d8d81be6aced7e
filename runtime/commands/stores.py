"""Stores and users made from the command line; the API has operations for the same."""

from __future__ import annotations

import secrets
import sys
from uuid import UUID

from handlers.permissions import Role
from handlers.stock.rules import ensure_default_location
from runtime.data.errors import UniqueViolationError
from runtime.data.ids import NIL, new_id, partition_of
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import ConflictError, InvalidError, NotFoundError
from runtime.settings import Settings
from runtime.web.passwords import Passwords, check_new_password
from runtime.web.problems import field_refused
from runtime.web.tenancy import is_slug


async def create_store(
    tx: TenantTransaction, settings: Settings, *, slug: str, name: str, locale: str, time_zone: str
) -> None:
    """Make the store of a transaction that was opened for a new id: directory, event log, default location."""
    if not is_slug(slug):
        raise _refused("/slug", "slug", "3 to 40 of a-z, 0-9 and single hyphens, and not a reserved word")
    try:
        await tx.execute(
            sql.create_tenant,
            slug=slug,
            name=name,
            document=None,
            locale=locale,
            time_zone=time_zone,
            branding={},
            settings={},
        )
    except UniqueViolationError:
        raise ConflictError("slug_taken", f"There is a store '{slug}' already.", "") from None
    await tx.execute(sql.create_event_head, partition=partition_of(tx.tenant_id, settings.event_partitions))
    await ensure_default_location(tx)


async def create_user(
    tx: TenantTransaction, *, email: str, name: str, role: Role, password_hash: str
) -> UUID:
    """Make a user of the transaction's store (or of the platform, whose users are administrators)."""
    if (role is Role.PLATFORM_ADMIN) is not (tx.tenant_id == NIL):
        raise _refused("/role", "role", "platform_admin belongs to the platform, all other roles to a store")
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
        raise ConflictError("email_taken", f"There is a user '{email}' already.", "") from None
    return user_id


async def user_id_of(tx: TenantTransaction, email: str) -> UUID:
    """The id of the user with this address; raises ``NotFoundError`` naming it."""
    row = await tx.fetch_one(sql.get_sign_in, email=email.lower())
    if row is None:
        raise NotFoundError("not_found", f"There is no user '{email}'.", "")
    found: UUID = row["id"]
    return found


def new_password(*, from_stdin: bool, own_words: tuple[str, ...]) -> tuple[str, str]:
    """A password and its hash: the first line of standard input, or a random one that is to be shown once."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\n")
        check_new_password(password, *own_words)
    else:
        password = secrets.token_urlsafe(15)
    return password, hashed(password)


def hashed(password: str) -> str:
    """The hash to store."""
    passwords = Passwords(threads=1)
    try:
        return passwords.hash_now(password)
    finally:
        passwords.close()


def _refused(pointer: str, code: str, sentence: str) -> InvalidError:
    return field_refused(pointer, code, sentence, sentence)
