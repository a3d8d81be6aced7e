"""The sales engine: what goes together, what can stand in for what, and what a customer is about to need.

Everything is counted from the items of each sale alone; only bundles are mined now and then (``miner``).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from actors.sales import rows
from actors.sales.answers import Answered, AnswerKey, key_of, rests_until, save_answers
from actors.sales.facts import StoreSales
from actors.sales.parameters import parameters_json, policy
from actors.sales.rows import Store
from runtime.data.queries import sql
from runtime.data.transactions import EngineTransaction
from runtime.events.catalogue import ProductCreated, SaleFigures, SalesAdviceAnswered, SalesParametersSet
from runtime.events.engine import Engine
from runtime.events.event import Event


class SalesEngine(Engine):
    """Keep orders per store, product and pair, purchases per customer, the latest baskets and all answers."""

    name = "sales"
    subscribes = (SaleFigures, ProductCreated, SalesParametersSet, SalesAdviceAnswered)

    async def apply(self, tx: EngineTransaction, events: Sequence[Event]) -> None:
        """Apply one batch, in order per tenant; the rows after it do not depend on how the log was cut into batches."""
        stores = await rows.read_stores(tx, {event.tenant_id for event in events})
        batch = _Batch(stores)
        for event in events:
            batch.take(event)
        if batch.parameters:
            await rows.save_parameters(tx, batch.parameters)
        if batch.sales:
            await rows.add_sales(tx, batch.sales)
        if batch.answers:
            await save_answers(tx, batch.answers)

    async def clear(self, tx: EngineTransaction, tenant_id: UUID) -> None:
        """Delete all rows of a tenant."""
        await tx.execute(sql.clear_sales_engine, tenant_id=tenant_id)


class _Batch:
    """What the events of a batch add up to."""

    def __init__(self, stores: dict[UUID, Store]) -> None:
        self._stores = stores
        self.sales: dict[UUID, StoreSales] = {}
        self.answers: dict[AnswerKey, Answered] = {}
        self.parameters: list[tuple[Store, int, SalesParametersSet | None]] = []

    def take(self, event: Event) -> None:
        """Add one event."""
        store, payload = self._stores[event.tenant_id], event.payload
        if store.parameters is None:
            store.parameters = "{}"
            self.parameters.append((store, 0, None))
        match payload:
            case SaleFigures():
                day = event.occurred_at.astimezone(store.zone).date()
                sales = self.sales.get(event.tenant_id)
                if sales is None:
                    sales = self.sales[event.tenant_id] = StoreSales(store.today or day)
                sales.add(payload, day)
            case SalesParametersSet():
                self.parameters.append((store, event.seq, payload))
                if payload.product_id is None and event.seq > store.parameters_seq:
                    store.parameters = parameters_json(payload.parameters)
                    store.parameters_seq = event.seq
            case SalesAdviceAnswered():
                self._answer(store, event, payload)

    def _answer(self, store: Store, event: Event, said: SalesAdviceAnswered) -> None:
        key = key_of(event.tenant_id, said)
        day = event.occurred_at.astimezone(store.zone).date()
        rests = rests_until(said, day, policy(store.parameters))
        answered = self.answers.get(key)
        if answered is None:
            answered = self.answers[key] = Answered(said, event.seq, event.occurred_at, rests)
        answered.said, answered.seq, answered.at, answered.rests_until = (
            said,
            event.seq,
            event.occurred_at,
            rests,
        )
        answered.counts[said.answer] += 1
