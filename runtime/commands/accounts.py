"""Users and their passwords as commands handle them."""

from __future__ import annotations

import secrets
import sys
from uuid import UUID

from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import NotFoundError
from runtime.web.passwords import Passwords, check_new_password


async def user_id_of(tx: TenantTransaction, email: str) -> UUID:
    """The id of the user with this address; raises ``NotFoundError`` naming it."""
    row = await tx.fetch_one(sql.get_sign_in, email=email.lower())
    if row is None:
        raise NotFoundError("not_found", f"There is no user '{email}'.", f"Não há usuário '{email}'.")
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
