"""From the log to the receivers: new events become deliveries, and deliveries that are due are sent.

A webhook's place in the log moves in the transaction that writes its deliveries, so each event becomes one delivery.
Sending is repeated until the receiver has said that it has it: it may come twice, under the same ``webhook-id``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import anyio
from anyio.abc import TaskStatus

from runtime.data.database import Database
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import Record
from runtime.errors import RetryLaterError
from runtime.events.jobs import each_tenant
from runtime.events.webhooks.client import WebhookClient
from runtime.events.webhooks.signing import Signer
from runtime.host import metrics
from runtime.host.logs import get_logger
from runtime.host.pauses import pause

INTERVAL_S = 1.0
EVENTS_AT_ONCE = 500
STORES_AT_ONCE = 1_000
SENT_AT_ONCE = 100
PER_WEBHOOK = 5
"""Deliveries of one webhook at a time: a slow receiver holds up its own, and no other store's."""

LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 10
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 3_600.0
GIVEN_UP_AFTER = 20
"""So many dead letters in a row switch a webhook off: nobody is there any more."""

log = get_logger(__name__)


class WebhookSender:
    """Any number may run: places in the log are locked while they move, deliveries are leased while they are sent."""

    def __init__(self, scheduler: Database, engine: Database, signer: Signer, client: WebhookClient) -> None:
        self._scheduler = scheduler
        self._engine = engine
        self._signer = signer
        self._client = client

    async def run(self, stop: anyio.Event, *, task_status: TaskStatus[None]) -> None:
        """Look every second until ``stop``; what is being sent then is finished.

        Writing and sending go on side by side: what is due is not kept waiting by stores with much to be written.
        """
        async with self._client, anyio.create_task_group() as tasks:
            task_status.started()
            tasks.start_soon(self._repeat, stop, self.write_deliveries, 1)
            tasks.start_soon(self._repeat, stop, self.send_due, SENT_AT_ONCE)

    @staticmethod
    async def _repeat(stop: anyio.Event, turn: Callable[[], Awaitable[int]], busy: int) -> None:
        """Take turns until ``stop``; after one that did less than ``busy`` there is a pause."""
        while not stop.is_set():
            done = 0
            try:
                done = await turn()
            except RetryLaterError as error:
                log.warning("webhooks wait", reason=error.reason)
            if done < busy:
                await pause(stop, INTERVAL_S)

    async def write_deliveries(self) -> int:
        """Write the deliveries of what is new in the logs of stores with webhooks; returns how many."""
        async with self._scheduler.transaction() as tx:
            rows = await tx.fetch_all(sql.find_webhook_tenants, limit=STORES_AT_ONCE)
        return await each_tenant("webhooks", [row["tenant_id"] for row in rows], self._write_for)

    async def _write_for(self, tenant_id: UUID) -> int:
        async with self._engine.engine([tenant_id]) as tx:
            webhooks = await tx.fetch_all(sql.lock_webhooks, tenant_id=tenant_id)
            if not webhooks:
                return 0
            events = await tx.fetch_all(
                sql.read_webhook_events,
                tenant_id=tenant_id,
                after=min(webhook["last_seq"] for webhook in webhooks),
                limit=EVENTS_AT_ONCE,
            )
            if not events:
                return 0
            wanted = [(webhook, event) for event in events for webhook in webhooks if _wants(webhook, event)]
            await tx.execute(
                sql.insert_webhook_deliveries,
                tenant_id=tenant_id,
                ids=[new_id() for _ in wanted],
                webhook_ids=[webhook["id"] for webhook, _ in wanted],
                seqs=[event["tenant_seq"] for _, event in wanted],
                event_types=[event["event_type"] for _, event in wanted],
                bodies=[event["body"] for _, event in wanted],
            )
            await tx.execute(sql.move_webhooks, tenant_id=tenant_id, last_seq=events[-1]["tenant_seq"])
        return len(wanted)

    async def send_due(self) -> int:
        """Send what is due, many at a time; returns how many attempts were made."""
        async with self._scheduler.transaction() as tx:
            rows = await tx.fetch_all(sql.find_due_deliveries, per_webhook=PER_WEBHOOK, limit=SENT_AT_ONCE)
        if not rows:
            return 0
        tenant_ids = [row["tenant_id"] for row in rows]
        async with self._engine.engine(tenant_ids) as tx:
            leased = await tx.fetch_all(
                sql.lease_deliveries, tenant_ids=tenant_ids, ids=[row["id"] for row in rows], lease=LEASE
            )
        async with anyio.create_task_group() as tasks:
            for delivery in leased:
                tasks.start_soon(self._send, delivery["tenant_id"], delivery)
        return len(leased)

    async def _send(self, tenant_id: UUID, delivery: Record) -> None:
        if delivery["active"]:
            body = delivery["body"].encode()
            headers = self._signer.headers(
                delivery["webhook_id"], delivery["secret_version"], delivery["id"], int(time.time()), body
            )
            status, problem = await self._client.post(delivery["url"], body, headers)
        else:
            status, problem = None, "the webhook is switched off"
        final = not delivery["active"] or delivery["attempts"] >= MAX_ATTEMPTS
        state = "delivered" if problem is None else "dead" if final else "pending"
        metrics.WEBHOOK_ATTEMPTS.labels("delivered" if problem is None else "failed").inc()
        try:
            async with self._engine.engine([tenant_id]) as tx:
                await tx.execute(
                    sql.record_delivery,
                    tenant_id=tenant_id,
                    id=delivery["id"],
                    attempts=delivery["attempts"],
                    state=state,
                    status=status,
                    problem=problem,
                    pause=timedelta(seconds=pause_after(delivery["attempts"])),
                )
                if state != "pending" and delivery["active"]:
                    await tx.execute(
                        sql.judge_webhook,
                        tenant_id=tenant_id,
                        id=delivery["webhook_id"],
                        delivered=state == "delivered",
                        most=GIVEN_UP_AFTER,
                    )
        except RetryLaterError as error:  # the lease runs out, and it is sent again under the same id
            log.warning("outcome of a delivery not written", reason=error.reason)
        if state == "dead":
            log.warning(
                "webhook delivery given up",
                tenant_id=str(tenant_id),
                webhook_id=str(delivery["webhook_id"]),
                delivery_id=str(delivery["id"]),
                problem=problem,
            )


def pause_after(attempts: int) -> float:
    """Seconds until the next attempt: 5, 10, 20 ... up to an hour, with up to a fifth of it added at random."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (attempts - 1)) * random.uniform(1.0, 1.2)


def _wants(webhook: Record, event: Record) -> bool:
    if event["tenant_seq"] <= webhook["last_seq"]:
        return False
    return not webhook["event_types"] or event["event_type"] in webhook["event_types"]
