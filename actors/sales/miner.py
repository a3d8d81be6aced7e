"""Bundles: mined from a store's latest baskets now and then, in a process of their own.

They are a pure function of the log: which baskets are mined follows from how many orders the store has had, not from
when the miner comes by, so that a rebuild ends with the same bundles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

import anyio
import anyio.to_process
from anyio import BrokenWorkerProcess

from actors.sales.facts import BASKETS_KEPT
from actors.sales.itemsets import Bundle, mine_in_background
from actors.sales.parameters import policy
from runtime.data.queries import sql
from runtime.data.transactions import EngineTransaction
from runtime.errors import RetryLaterError
from runtime.events.cursors import EngineCursors
from runtime.events.jobs import each_tenant
from runtime.host.logs import get_logger

BASKETS_MINED = 4_000
_LONGEST_STEP = BASKETS_KEPT - BASKETS_MINED
BUDGET_S = 20.0
TENANTS_AT_A_TIME = 500
_BUNDLES = UUID("9b2f6f0e-6d0c-5f52-8a5e-3d3f6c1f7a10")

JOB = "mine-bundles"

log = get_logger(__name__)


def mining_point(orders: int) -> int:
    """The number of the last order that is mined when there have been so many: every tenth, fiftieth, 250th."""
    step = 10 if orders < 100 else 50 if orders < 1_000 else _LONGEST_STEP
    return orders // step * step


@dataclass(frozen=True, slots=True)
class _Due:
    """A store whose baskets are to be mined, and how."""

    tenant_id: UUID
    through: int
    least_share: float
    least_orders: int


class Miner:
    """Mines the stores that have had enough new baskets, or other parameters, since they were mined."""

    def __init__(self, cursors: EngineCursors, *, budget_s: float = BUDGET_S) -> None:
        self._cursors = cursors
        self._budget_s = budget_s

    async def step(self) -> int:
        """Mine what is due, one store after the other, whatever becomes of one; returns how many were mined."""
        async with self._cursors.database.transaction() as tx:
            rows = await tx.fetch_all(sql.list_consumed_tenants, consumer=self._cursors.engine.name)
        tenant_ids = [row["tenant_id"] for row in rows]
        mined = 0
        for start in range(0, len(tenant_ids), TENANTS_AT_A_TIME):
            found = await self._due(tenant_ids[start : start + TENANTS_AT_A_TIME])
            due = {one.tenant_id: one for one in found}

            async def mine(tenant_id: UUID, due: Mapping[UUID, _Due] = due) -> int:
                await self._mine(due[tenant_id])
                return 1

            mined += await each_tenant(JOB, due, mine)
        return mined

    async def _due(self, tenant_ids: Sequence[UUID]) -> list[_Due]:
        async with self._cursors.transaction(tenant_ids) as tx:
            rows = await tx.fetch_all(sql.list_mined, tenant_ids=tenant_ids)
        found = []
        for row in rows:
            wanted = policy(row["parameters"])
            due = _Due(
                row["tenant_id"],
                mining_point(row["orders"]),
                wanted.bundle_min_support,
                wanted.bundle_min_orders,
            )
            if due.through and (due.through, due.least_share, due.least_orders) != (
                row["through"],
                row["least_share"],
                row["least_orders"],
            ):
                found.append(due)
        return found

    async def _mine(self, due: _Due) -> None:
        """Read, mine in another process, write; no transaction is open while it works."""
        async with self._cursors.transaction([due.tenant_id]) as tx:
            rows = await tx.fetch_all(
                sql.read_baskets,
                tenant_id=due.tenant_id,
                after=due.through - BASKETS_MINED,
                through=due.through,
            )
        baskets = [row["product_ids"] for row in rows]
        bundles: list[Bundle] | None = None
        try:
            with anyio.move_on_after(self._budget_s):
                bundles = await anyio.to_process.run_sync(
                    mine_in_background, baskets, due.least_share, due.least_orders, cancellable=True
                )
        except BrokenWorkerProcess as error:
            raise RetryLaterError("the miner's process was lost") from error
        if bundles is None:
            log.warning("bundles not mined in time", tenant_id=str(due.tenant_id), baskets=len(baskets))
        async with self._cursors.transaction([due.tenant_id]) as tx:
            await self._cursors.hold(tx, due.tenant_id)
            await _save(tx, due, len(baskets), bundles)


async def _save(tx: EngineTransaction, due: _Due, baskets: int, bundles: Sequence[Bundle] | None) -> None:
    """Replace the store's bundles, unless its rows have been cleared meanwhile; without any they stay as they were."""
    saved = await tx.execute(
        sql.save_mined,
        tenant_id=due.tenant_id,
        through=due.through,
        baskets=baskets,
        least_share=due.least_share,
        least_orders=due.least_orders,
        complete=bundles is not None,
    )
    if not saved or bundles is None:
        return
    await tx.execute(sql.clear_bundles, tenant_id=due.tenant_id)
    await tx.execute(
        sql.save_bundles,
        tenant_id=due.tenant_id,
        bundle_ids=[uuid5(_BUNDLES, b"".join(one.product_ids).hex()) for one in bundles],
        product_ids=[f"{{{','.join(part.hex() for part in one.product_ids)}}}" for one in bundles],
        orders=[one.orders for one in bundles],
        supports=[one.support for one in bundles],
        lifts=[one.lift for one in bundles],
        closed=[one.closed for one in bundles],
    )
