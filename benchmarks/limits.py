"""What the machine allows the pipeline: the same events with nothing of ours in between.

A consumer that keeps daily sums only, each batch one statement of PostgreSQL alone, stands for an engine without
advice; stream entries written as one block of bytes stand for a relay without a log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlparse
from uuid import uuid4

import asyncpg
import hiredis

_TABLES = """
create table bench_cursor (consumer text, tenant_id uuid, last_seq bigint, primary key (consumer, tenant_id));
create table bench_daily (
  consumer text, tenant_id uuid, product_id uuid, day date, quantity numeric, revenue numeric,
  primary key (consumer, tenant_id, product_id, day)
) with (fillfactor = 50);
"""
_BATCH = """
with taken as materialized (
  select tenant_id, last_seq
  from bench_cursor
  where consumer = $1
    and tenant_id = any ($2::uuid[])
  for update
),
batch as materialized (
  select e.*
  from taken
  cross join lateral (
    select o.tenant_id, o.tenant_seq, o.occurred_at, o.payload
    from event_outbox as o
    where o.tenant_id = taken.tenant_id
      and o.tenant_seq > taken.last_seq
    order by o.tenant_seq
    limit $3
  ) as e
),
added as (
  insert into bench_daily as known (consumer, tenant_id, product_id, day, quantity, revenue)
  select $1, tenant_id, item.product_id, occurred_at::date, sum(item.quantity), sum(item.line_total)
  from batch
  cross join lateral json_to_recordset(payload -> 'items')
    as item (product_id uuid, quantity numeric, line_total numeric)
  group by tenant_id, item.product_id, occurred_at::date
  on conflict (consumer, tenant_id, product_id, day) do update set
    quantity = known.quantity + excluded.quantity,
    revenue = known.revenue + excluded.revenue
),
moved as (
  update bench_cursor as c
  set last_seq = reached.last_seq
  from (select tenant_id, max(tenant_seq) as last_seq from batch group by tenant_id) as reached
  where c.consumer = $1
    and c.tenant_id = reached.tenant_id
)
select count(*) from batch
"""
_EVENTS = 2_000
_TENANTS = 20


async def keep_daily_sums(url: str, tenants: Sequence[object]) -> float:
    """Seconds in which two consumers at once, on a connection each, have added the whole log to daily sums."""
    owner = await asyncpg.connect(url)
    await owner.execute(_TABLES)
    await owner.execute(
        "insert into bench_cursor select name, id, 0 from unnest($1::uuid[]) as id, unnest($2::text[]) as name",
        tenants,
        ["one", "other"],
    )
    await owner.execute("analyze")

    async def consume(name: str) -> None:
        connection = await asyncpg.connect(url)
        at_a_time = _EVENTS // min(_TENANTS, len(tenants))
        for start in range(0, len(tenants), _TENANTS):
            while await connection.fetchval(_BATCH, name, tenants[start : start + _TENANTS], at_a_time):
                pass
        await connection.close()

    started = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for name in ("one", "other"):
            tasks.create_task(consume(name))
    seconds = time.perf_counter() - started
    await owner.execute("drop table bench_cursor, bench_daily")
    await owner.close()
    return seconds


async def add_entries(url: str, count: int, streams: int) -> float:
    """Seconds in which ``count`` entries as large as the relay's are packed, written and answered, 2,000 at once."""
    address = urlparse(url)
    if address.scheme == "unix":
        reader, writer = await asyncio.open_unix_connection(address.path)
    else:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
    replies = hiredis.Reader()
    if address.password:
        writer.write(hiredis.pack_command(("AUTH", address.username or "default", address.password)))
        await reader.read(100)
    event_id, tenant_id, now = (
        str(uuid4()).encode(),
        str(uuid4()).encode(),
        datetime.now(UTC).isoformat().encode(),
    )
    fields = (
        b"event_id", event_id, b"event_type", b"sale_recorded", b"tenant_id", tenant_id, b"tenant_seq", b"12345",
        b"version", b"1", b"vertical", b"construction", b"occurred_at", now, b"correlation_id", b"",
    )  # fmt: skip
    keys = [b"bench:{%d}" % number for number in range(streams)]
    started = time.perf_counter()
    for start in range(0, count, _EVENTS):
        numbers = range(start, min(start + _EVENTS, count))
        writer.write(
            b"".join(
                hiredis.pack_command((b"XADD", keys[number % streams], b"*", *fields)) for number in numbers
            )
        )
        waiting = len(numbers)
        while waiting:
            replies.feed(await reader.read(1 << 20))
            while (reply := replies.gets()) is not False:
                if isinstance(reply, Exception):
                    raise reply
                waiting -= 1
    seconds = time.perf_counter() - started
    writer.write(b"".join(hiredis.pack_command((b"DEL", key)) for key in keys))
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    return seconds
