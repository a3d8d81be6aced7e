"""The negative control: the usual design, in which the stream is the truth and no cursor guards the effects.

Each entry is applied as it comes and acknowledged; groups begin at ``$``; nothing is reconciled. Under the same
faults the oracles must go red, or they could not be trusted when they are silent.
"""

from __future__ import annotations

from uuid import UUID

from redis.exceptions import ResponseError

from runtime.errors import RetryLaterError
from runtime.events import engine_actor
from runtime.events.event import read_event
from runtime.events.streams import stream_key

READ_EVENT = (
    "select tenant_id, tenant_seq, event_id, event_type, version, occurred_at, payload::text as payload "
    "from event_outbox where tenant_id = $1 and tenant_seq = $2"
)


async def deliver(actor: engine_actor.EngineActor, entries, *, suspicious: bool = False) -> None:
    """Apply what the entries say, one transaction each, then acknowledge."""
    cursors = actor._consumer.cursors
    subscribed = {model.event_type for model in cursors.engine.subscribes}
    for entry_id, fields in entries:
        tenant_id, seq = UUID(fields[b"tenant_id"].decode()), int(fields[b"tenant_seq"])
        if fields[b"event_type"].decode() in subscribed:
            try:
                async with cursors.transaction([tenant_id]) as tx:
                    row = await tx._connection.fetchrow(READ_EVENT, tenant_id, seq)
                    if row is not None:
                        await cursors.engine.apply(tx, [read_event(row)])
            except RetryLaterError:
                continue  # it stays pending, and will be claimed
        await actor._redis.xack(stream_key(actor._partition), actor._group, entry_id)


async def begin_group_now(client, partition: int, group: str) -> None:
    """Read what comes from now on."""
    try:
        await client.xgroup_create(stream_key(partition), group, id="$", mkstream=True)
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


async def reconcile_nothing(_reconciler: engine_actor.Reconciler) -> int:
    return 0


def take_protections_off() -> None:
    """Of this process, for good."""
    engine_actor.EngineActor._deliver = deliver
    engine_actor.ensure_group = begin_group_now
    engine_actor.Reconciler.step = reconcile_nothing
