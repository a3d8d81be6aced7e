"""Fills a store with months of believable business, written through the same functions as the API's, in the past.

Whatever a real store would have emitted is emitted, so the engines learn from it as from any other business.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import anyio

from handlers import products, stock
from handlers.demo.plan import Day, Plan, Step
from handlers.demo.registers import Registers, fill_registers
from handlers.demo.steps import take_step
from handlers.demo.supply import Booking
from handlers.permissions import Role
from handlers.quotes import expire_due
from handlers.settings import TenantSettings
from runtime.data.database import Database
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import ConflictError, NotFoundError, StateConflictError

DEFAULT_SEED = "basecommerce"
LONGEST_DAYS = 1_095
_AT_ONCE = 6

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written; ``seconds`` of wall time."""

    products: int
    customers: int
    quotes: int
    orders: int
    sales: int
    movements: int
    seconds: float


def silent(_done: int, _total: int, _what: str) -> None:
    """Progress that nobody watches."""


async def load(
    database: Database,
    tenant_slug: str,
    days: int = 180,
    *,
    seed: str = DEFAULT_SEED,
    size: float = 1.0,
    again: bool = False,
    until: datetime | None = None,
    progress: Progress = silent,
) -> Summary:
    """Write ``days`` days of business up to ``until`` (now) into a store; ``size`` 1 is about 30 sales a day.

    The same seed, days, size and moment make the same business. Refused (409) for a store that has orders, unless
    ``again``; 404 when there is no such store. ``progress`` is told (done, total, what) after each day.
    """
    if not 1 <= days <= LONGEST_DAYS:
        raise ConflictError(
            "demo_days", f"Between 1 and {LONGEST_DAYS} days.", f"Entre 1 e {LONGEST_DAYS} dias.", days=days
        )
    started = time.perf_counter()
    async with database.transaction() as tx:
        tenant = await tx.fetch_one(sql.get_tenant_by_slug, slug=tenant_slug)
    if tenant is None:
        raise NotFoundError(
            "not_found", f"There is no store '{tenant_slug}'.", f"Não há a loja '{tenant_slug}'."
        )
    settings = TenantSettings.model_validate(tenant["settings"])
    plan = Plan(
        seed=seed,
        days=days,
        until=until or datetime.now(UTC),
        zone=ZoneInfo(tenant["time_zone"]),
        size=size,
    )
    progress(0, days, "cadastros")
    async with database.tenant(tenant["id"], now=plan.first_moment()) as tx:
        if await tx.fetch_value(sql.has_orders) and not again:
            raise ConflictError(
                "demo_loaded",
                f"The store '{tenant_slug}' has orders already; --again adds to them.",
                f"A loja '{tenant_slug}' já tem pedidos; --again acrescenta a eles.",
            )
        registers = await fill_registers(tx, plan.people)
    loader = _Loader(database, tenant["id"], settings, registers)
    await loader.book([plan.opening()], plan.first_moment())
    for done, day in enumerate(plan.run(), start=1):
        await loader.write(day)
        progress(done, days, day.date.isoformat())
    return Summary(
        products=len(registers.products),
        customers=len(registers.customers),
        quotes=loader.counts["quote"],
        orders=loader.counts["order"] + loader.counts["convert"],
        sales=loader.counts["counter"] + loader.counts["deliver"],
        movements=loader.counts["booking"],
        seconds=time.perf_counter() - started,
    )


class _Loader:
    """Writes one day after the other; within a day, the business of different customers side by side."""

    def __init__(
        self, database: Database, tenant_id: UUID, settings: TenantSettings, registers: Registers
    ) -> None:
        self._database = database
        self._tenant_id = tenant_id
        self._settings = settings
        self._registers = registers
        self._documents: dict[int, UUID] = {}
        self._expired: set[int] = set()
        self.counts: Counter[str] = Counter()

    def _transaction(self, now: datetime, role: Role) -> AbstractAsyncContextManager[TenantTransaction]:
        return self._database.tenant(self._tenant_id, user_id=self._registers.users.get(role), now=now)

    async def write(self, day: Day) -> None:
        """The morning's work in order, then the day's cases, a few at a time."""
        async with self._transaction(day.morning, Role.OWNER) as tx:
            await expire_due(tx)
            for sku, price in day.prices.items():
                await products.change(
                    tx, self._registers.products[sku], products.ProductChange(base_price=price)
                )
        await self.book(day.bookings, day.morning)
        cases: dict[int, list[Step]] = defaultdict(list)
        for step in day.steps:
            cases[step.case.number].append(step)
        limit = anyio.CapacityLimiter(min(_AT_ONCE, self._database.connections[1]))
        async with anyio.create_task_group() as tasks:
            for steps in cases.values():
                tasks.start_soon(self._write_case, steps, limit)

    async def book(self, lorries: Sequence[Sequence[Booking]], moment: datetime) -> None:
        """Book each lorry's goods in one transaction, some minutes apart."""
        for number, lorry in enumerate(lorries):
            async with self._transaction(moment + timedelta(minutes=7 * number), Role.STOCK_KEEPER) as tx:
                for booking in sorted(lorry, key=lambda booking: self._registers.products[booking.sku]):
                    await stock.move(tx, self._settings, self._movement(booking))
            self.counts["booking"] += len(lorry)

    def _movement(self, booking: Booking) -> stock.MovementNew:
        return stock.MovementNew.model_validate(
            {
                "product_id": self._registers.products[booking.sku],
                "kind": booking.kind,
                "quantity": booking.quantity,
                "unit_cost": booking.unit_cost,
                "reason": booking.reason,
            }
        )

    async def _write_case(self, steps: Sequence[Step], limit: anyio.CapacityLimiter) -> None:
        async with limit:
            for step in steps:
                number = step.case.number
                if number in self._expired:
                    continue
                try:
                    async with self._transaction(step.at, ROLE_OF_STEP[step.action]) as tx:
                        document = await take_step(
                            tx, self._settings, step, self._documents.get(number), self._registers
                        )
                except StateConflictError as error:
                    # A running scheduler lives in the present, where an open quote of the past is past its last day.
                    if error.extra["current_state"] != "expired":
                        raise
                    self._expired.add(number)
                    continue
                self._documents[number] = document
                self.counts[step.action] += 1
                if step.action == "order" and step.case.fulfilment == "counter":
                    self.counts["counter"] += 1


ROLE_OF_STEP = {
    "order": Role.SELLER,
    "quote": Role.SELLER,
    "send": Role.SELLER,
    "cancel_quote": Role.SELLER,
    "convert": Role.SELLER,
    "approve": Role.FINANCE,
    "reject": Role.FINANCE,
    "cancel_order": Role.FINANCE,
    "prepare": Role.STOCK_KEEPER,
    "ready": Role.STOCK_KEEPER,
    "dispatch": Role.DRIVER,
    "deliver": Role.DRIVER,
}
