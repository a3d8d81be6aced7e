"""The judges: what was lost, done twice, done out of order, leaked or miscounted, during the run and after it."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import anyio

from handlers.events import CONSUMERS
from runtime.data.oracles import run_oracles
from tests.faults.load import Shop
from tests.faults.site import Site

ALL = (*CONSUMERS, "effects")
QUIET_DEADLINE_S = 120.0

LOST = """
select t.slug || ' event ' || o.tenant_seq || ' ' || o.event_type as problem
from event_outbox as o
join tenants as t on t.id = o.tenant_id
where t.slug = any ($1::text[])
  and not exists (
    select 1 from effect_ledger as e where (e.tenant_id, e.tenant_seq) = (o.tenant_id, o.tenant_seq)
  )
  and not exists (
    select 1 from dead_letters as d
    where (d.tenant_id, d.tenant_seq, d.consumer, d.state) = (o.tenant_id, o.tenant_seq, 'effects', 'discarded')
  )
"""
DUPLICATED = """
select t.slug || ' event ' || e.tenant_seq || ' took effect ' || count(*) || ' times' as problem
from effect_ledger as e
join tenants as t on t.id = e.tenant_id
where t.slug = any ($1::text[])
group by t.slug, e.tenant_seq
having count(*) > 1
"""
# A dead letter that is replayed comes late on purpose.
OUT_OF_ORDER = """
select slug || ' event ' || tenant_seq || ' after ' || before as problem
from (
  select t.slug, e.tenant_seq, lag(e.tenant_seq) over (partition by e.tenant_id order by e.position) as before
  from effect_ledger as e
  join tenants as t on t.id = e.tenant_id
  where t.slug = any ($1::text[])
    and not exists (
      select 1 from dead_letters as d
      where (d.tenant_id, d.tenant_seq, d.consumer) = (e.tenant_id, e.tenant_seq, 'effects')
    )
) as steps
where tenant_seq < before
"""
# Longer than any role is allowed to.
IDLE_IN_TRANSACTION = """
select 'session ' || pid || ' of ' || application_name || ' is idle in its transaction' as problem
from pg_stat_activity
where state like 'idle in transaction%'
  and state_change < now() - interval '65 s'
  and application_name like 'basecommerce-%'
"""
BEHIND = """
select count(*)
from tenant_event_head as h
join tenants as t on t.id = h.tenant_id
cross join unnest($1::text[]) as consumers (name)
left join consumer_cursor as c on c.consumer = consumers.name and c.tenant_id = h.tenant_id
where t.slug = any ($2::text[])
  and coalesce(c.last_seq, 0) < h.head
"""


async def quiet(site: Site, slugs: list[str], deadline_s: float = QUIET_DEADLINE_S) -> bool:
    """Wait until every consumer stands at the head of every store's log; whether they got there."""
    with anyio.move_on_after(deadline_s):
        while (await site.postgres.run(BEHIND, list(ALL), slugs))[0][0]:
            await anyio.sleep(0.1)
        return True
    return False


async def effects_judged(site: Site, slugs: list[str], *, at_rest: bool) -> dict[str, list[str]]:
    """What the ledger of effects says; what is lost can be told only when all is at rest."""
    queries = {"duplicated": DUPLICATED, "out of order": OUT_OF_ORDER}
    if at_rest:
        queries["lost"] = LOST
    return {
        name: [row["problem"] for row in await site.postgres.run(query, slugs)]
        for name, query in queries.items()
    }


async def all_judged(site: Site, shops: list[Shop], slugs: list[str]) -> dict[str, list[str]]:
    """Every oracle, once all is at rest: each list must be empty."""
    said = await effects_judged(site, slugs, at_rest=True)
    said["not at the head"] = [] if await quiet(site, slugs, 1) else ["some consumer never got there"]
    said["oracles"] = [
        f"{v.slug} {v.oracle}: {v.problem}" for v in await run_oracles(site.database, ALL, slugs=slugs)
    ]
    said["sessions"] = [row["problem"] for row in await site.postgres.run(IDLE_IN_TRANSACTION)]
    said["leaked"] = [leak for shop in shops for leak in shop.ledger.leaked]
    said["unexpected answers"] = [f"{shop.slug} {text}" for shop in shops for text in shop.ledger.unexpected]
    said["acknowledged"] = [problem for shop in shops for problem in await _acknowledged(site, shop)]
    said["balances"] = [problem for shop in shops for problem in await _balances(site, shop)]
    return said


async def _acknowledged(site: Site, shop: Shop) -> list[str]:
    """The orders that the clients were told of are the orders there are, and each quote has what it was told."""
    rows = await site.postgres.run(
        "select o.id::text from orders o join tenants t on t.id = o.tenant_id where t.slug = $1", shop.slug
    )
    told = Counter([*shop.ledger.sold, *shop.ledger.orders_of_quotes])
    there = Counter(row["id"] for row in rows)
    quotes = await site.postgres.run(
        "select q.id::text, q.status from quotes q join tenants t on t.id = q.tenant_id where t.slug = $1",
        shop.slug,
    )
    found = {row["id"]: row["status"] for row in quotes}
    return [
        *(f"{shop.slug} was told of order {order}, which is not there" for order in told - there),
        *(f"{shop.slug} has order {order}, of which nobody was told" for order in there - told),
        *(
            f"{shop.slug} was told that quote {quote} is {status}, and it is {found.get(quote)}"
            for quote, status in shop.ledger.quotes.items()
            if found.get(quote) != status
        ),
    ]


async def _balances(site: Site, shop: Shop) -> list[str]:
    """Shelf and demand as the clients can add them up themselves, without looking at the log."""
    shelf = await site.postgres.run(
        "select l.product_id::text as product, sum(l.on_hand) as quantity from stock_levels l "
        "join tenants t on t.id = l.tenant_id where t.slug = $1 group by 1",
        shop.slug,
    )
    demand = await site.postgres.run(
        "select p.product_id::text as product, p.day_quantity::numeric(20,3) + coalesce((select sum(quantity) "
        "from engine_daily_demand d where (d.tenant_id, d.product_id) = (p.tenant_id, p.product_id)), 0) "
        "as quantity from engine_stock_products p join tenants t on t.id = p.tenant_id where t.slug = $1",
        shop.slug,
    )
    on_hand = {row["product"]: row["quantity"] for row in shelf}
    sold = {row["product"]: row["quantity"] for row in demand}
    ledger = shop.ledger
    return [
        *(
            f"{shop.slug} has {on_hand.get(product)} of {product}, the clients count {ledger.on_hand(product)}"
            for product in shop.products
            if on_hand.get(product, Decimal(0)) != ledger.on_hand(product)
        ),
        *(
            f"{shop.slug}: sold {ledger.sold_of(product)} of {product}, the engine knows {sold.get(product)}"
            for product in shop.products
            if sold.get(product, Decimal(0)) != ledger.sold_of(product)
        ),
    ]
