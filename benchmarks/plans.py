"""What a statement reads: its generic plan, run and counted by PostgreSQL as the role that sends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson

from runtime.data.queries import Query

Role = Literal["api", "relay", "engine", "scheduler"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What running a statement once took.

    ``rows`` are all that were read on the way to the answer, ``scanned`` the tables that were read from end to end.
    """

    buffers: int
    rows: int
    milliseconds: float
    scanned: frozenset[str]
    plan: Mapping[str, Any]


async def read_plan(
    connection: asyncpg.Connection, role: Role, tenant: UUID, query: Query, parameters: Mapping[str, Any]
) -> Reading:
    """Run ``query`` with its generic plan, the one that serves whatever the parameters are, and take all of it back.

    It is run twice, and the second time counts: the first one also reads the catalogue.
    """
    transaction = connection.transaction()
    await transaction.start()
    try:
        for setting, value in {
            "role": f"basecommerce_{role}",
            "app.tenant_id": str(tenant),
            "app.tenant_ids": f"{{{tenant}}}",
            "plan_cache_mode": "force_generic_plan",
            "jit": "off",
        }.items():
            await connection.execute("select set_config($1, $2, true)", setting, value)
        arguments = query.arguments(
            parameters, {"tenant_id": tenant, "user_id": None, "now": datetime.now(UTC)}
        )
        types = (await connection.prepare(query.text)).get_parameters()
        declared = ", ".join(f"{kind.schema}.{_sql_name(kind)}" for kind in types)
        given = ", ".join([await _literal(connection, value) for value in arguments])
        await connection.execute(
            f"prepare counted ({declared}) as {query.text}" if types else f"prepare counted as {query.text}"
        )
        call = f"counted ({given})" if types else "counted"
        for _ in range(2):
            answer = await connection.fetchval(f"explain (analyze, buffers, format json) execute {call}")
        await connection.execute("deallocate counted")
    finally:
        await transaction.rollback()
    plan = orjson.loads(answer)[0]
    nodes = list(_nodes(plan["Plan"]))
    return Reading(
        plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"],
        int(sum(_rows(node) for node in nodes)),
        plan["Execution Time"],
        frozenset(
            node["Relation Name"]
            for node in nodes
            if node["Node Type"] == "Seq Scan" and node["Actual Loops"]
        ),
        plan["Plan"],
    )


def _rows(node: Mapping[str, Any]) -> float:
    """How many rows a node brought in itself: what it passed on and what it threw away."""
    if node.get("Plans") and "Relation Name" not in node:
        return 0
    kept = node["Actual Rows"] + sum(
        node.get(f"Rows Removed by {how}", 0) for how in ("Filter", "Index Recheck")
    )
    return float(kept * node["Actual Loops"])


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _sql_name(kind: Any) -> str:
    return f"{kind.name[:-2]}[]" if kind.name.endswith("[]") else str(kind.name)


async def _literal(connection: asyncpg.Connection, value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, (list, tuple)):
        value = "{" + ",".join(f'"{item}"' for item in value) + "}"
    text: str = await connection.fetchval("select quote_literal($1::text)", str(value))
    return text
