"""Oracles: queries that must return no row while the program keeps its promises (``basecommerce doctor --oracles``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runtime.data.database import Database
from runtime.data.ids import NIL
from runtime.data.queries import Query, sql


@dataclass(frozen=True, slots=True)
class Violation:
    """One row of one oracle: the promise that was broken, where, and how."""

    oracle: str
    slug: str
    problem: str


def oracles() -> list[Query]:
    """All oracles, by their name's beginning."""
    return [query for query in sql if query.name.startswith("oracle_")]


async def run_oracles(
    database: Database, consumers: Sequence[str], *, slugs: Sequence[str] | None = None
) -> list[Violation]:
    """Judge the stores (all of them, or those named) one by one, as the API's role sees them.

    ``consumers`` are those that must stand at the head of the log; while they are still at work, pass none, and what
    engines know is not judged.
    """
    violations = []
    async with database.transaction() as tx:
        tenants = await tx.fetch_all(sql.list_active_tenants)
    for tenant in tenants:
        if slugs is not None and tenant["slug"] not in slugs:
            continue
        async with database.tenant(tenant["id"]) as own:
            for oracle in oracles():
                needs_quiet = "consumers" in oracle.parameters or oracle.name.startswith("oracle_engine_")
                if "tenant_id" not in oracle.parameters or (needs_quiet and not consumers):
                    continue
                given = {"consumers": list(consumers)} if "consumers" in oracle.parameters else {}
                rows = await own.fetch_all(oracle, **given)
                violations += [Violation(oracle.name, tenant["slug"], row["problem"]) for row in rows]
    async with database.tenant(NIL) as platform:
        rows = await platform.fetch_all(sql.oracle_open_dead_letters)
    violations += [Violation("oracle_open_dead_letters", "platform", row["problem"]) for row in rows]
    return violations
