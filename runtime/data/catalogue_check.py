"""The start-up check of the database itself: the walls between tenants stand, or the process refuses to serve."""

from __future__ import annotations

from runtime.data.database import Database
from runtime.data.queries import sql
from runtime.errors import StartupError


async def check_catalogue(database: Database) -> None:
    """Raise ``StartupError`` with a line per hole in the walls between tenants, as this role's connection sees it."""
    problems = []
    async with database.transaction() as tx:
        for query, sentence in (
            (sql.find_unprotected_tables, "table {} is not under forced row level security"),
            (sql.find_open_tables, "table {} has no restrictive tenant policy for basecommerce_api"),
            (sql.find_definer_views, "view {} runs with its owner's rights (security_invoker is off)"),
            (sql.find_loose_foreign_keys, "foreign key {} between tenant tables leaves tenant_id out"),
            (sql.find_loose_unique_indexes, "unique index {} of a tenant table leaves tenant_id out"),
            (
                sql.find_excess_rights,
                "the connection's role {} is a superuser, an owner, or bypasses row security",
            ),
            (sql.find_lost_durability, "synchronous_commit is {}: an acknowledged write could be lost"),
        ):
            problems += [sentence.format(row["name"]) for row in await tx.fetch_all(query)]
    if problems:
        raise StartupError(*(f"database: {problem}" for problem in problems))
