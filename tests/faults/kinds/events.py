"""Faults in the events and requests themselves: poison of every kind, bursts, clients that go away at the commit."""

from __future__ import annotations

from uuid import UUID

import anyio

from runtime.data.ids import NIL
from runtime.events.catalogue import QuoteSent
from runtime.events.dead_letters import resolve
from runtime.events.log import emit
from tests.faults.build import Poison
from tests.faults.kinds import fault
from tests.faults.site import Site

PARK_DEADLINE_S = 120.0
BURST_EVENTS = 100_000
BURST_TRANSACTION = 2_000


class NewerQuoteSent(QuoteSent):
    """The event as the next release writes it."""

    version = 2


NewerQuoteSent.event_type = QuoteSent.event_type


async def say(site: Site, quote: int, event: type[QuoteSent] = QuoteSent) -> int:
    """Have the poisoned store send this quote, with a harmless one behind it; returns the event's number."""
    async with site.database.tenant(site.poisoned.id) as tx:
        emit(tx, event(quote_id=UUID(int=quote)))
        emit(tx, QuoteSent(quote_id=UUID(int=site.rng.getrandbits(100))))
    [[head]] = await site.postgres.run(
        "select head from tenant_event_head where tenant_id = $1", site.poisoned.id
    )
    return int(head) - 1


@fault("poison that raises")
async def raises(site: Site) -> str:
    return await _poisoned(site, Poison.RAISES)


@fault("poison that kills its process", quick=False)
async def kills(site: Site) -> str:
    return await _poisoned(site, Poison.KILLS)


@fault("poison that never ends", quick=False)
async def hangs(site: Site) -> str:
    return await _poisoned(site, Poison.HANGS)


@fault("event loop blocked", quick=False)
async def blocks_loop(site: Site) -> None:
    await say(site, Poison.BLOCKS_LOOP)
    await anyio.sleep(0.5)


async def _poisoned(site: Site, poison: Poison) -> str:
    """It is parked, the store goes on; a new release comes that can read it, and the letter is replayed."""
    site.cured.unlink(missing_ok=True)
    seq = await say(site, poison)
    await _letter(site, seq, "parked")
    site.cured.touch()
    async with site.database.tenant(NIL) as tx:
        letter = await _letter(site, seq, "parked")
        await resolve(tx, letter, "replay", "operator@platform.localhost")
    await _letter(site, seq, "replayed")
    return f"event {seq} was parked and replayed"


async def _letter(site: Site, seq: int, state: str) -> UUID:
    """Wait for the dead letter of the poisoned store's event to be in this state; returns its id."""
    with anyio.fail_after(PARK_DEADLINE_S):
        while not (
            rows := await site.postgres.run(
                "select id from dead_letters where (tenant_id, consumer, tenant_seq, state) = ($1, 'effects', $2, $3)",
                site.poisoned.id,
                seq,
                state,
            )
        ):
            await anyio.sleep(0.1)
    letter: UUID = rows[0]["id"]
    return letter


@fault("burst of events", quick=False)
async def burst(site: Site) -> str:
    """As many as a large import makes, from one store, while the others go on."""
    count = int(site.scale * BURST_EVENTS)
    for _ in range(0, count, BURST_TRANSACTION):
        async with site.database.tenant(site.poisoned.id) as tx:
            for _ in range(BURST_TRANSACTION):
                emit(tx, QuoteSent(quote_id=UUID(int=site.rng.getrandbits(100))))
    return f"{count} events"


@fault("clients gone around the commit")
async def cut_requests(site: Site) -> None:
    """Most requests are broken off within milliseconds, then asked for again under the same key."""
    for shop in site.shops:
        shop.cut_short = 0.7
    try:
        await site.pause(2, 4)
    finally:
        for shop in site.shops:
            shop.cut_short = 0.0
