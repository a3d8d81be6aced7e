"""The scheduler's jobs: one process at a time, nothing held meanwhile, one store's trouble not another's."""

from __future__ import annotations

from datetime import date, timedelta

import anyio
import pytest

from runtime.data.errors import LockTimeoutError
from runtime.data.ids import new_id
from runtime.errors import RetryLaterError
from runtime.events.consumer import Consumer
from runtime.events.jobs import AWAY_AFTER, Job, JobActor, each_tenant
from runtime.events.maintenance import Rolls
from runtime.events.retention import delete_ended_sessions, delete_old_idempotency_keys
from tests.support.events import LedgerEngine, emit_events
from tests.support.stores import ApiClient


class Work:
    """A job that waits at a gate."""

    def __init__(self) -> None:
        self.begun = anyio.Event()
        self.gate = anyio.Event()
        self.times = 0

    async def run(self) -> int:
        self.times += 1
        self.begun.set()
        await self.gate.wait()
        return 7


async def test_one_process_at_a_time_does_a_job_and_not_before_it_is_due(scheduler_database) -> None:
    work = Work()
    job = Job("count", 30, work.run)
    first, second = JobActor(job, scheduler_database), JobActor(job, scheduler_database)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(first.step)
        await work.begun.wait()
        assert await second.step() == 0
        work.gate.set()
    assert await second.step() == 0
    assert work.times == 1


async def test_what_keeps_each_process_up_to_date_is_done_in_each(scheduler_database) -> None:
    work = Work()
    work.gate.set()
    for _ in range(2):
        assert await JobActor(Job("gauges", 30, work.run, everywhere=True), scheduler_database).step() == 7
    assert work.times == 2


async def test_a_job_holds_no_connection_while_it_works(scheduler_database, owner) -> None:
    work = Work()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(JobActor(Job("slow", 30, work.run), scheduler_database).step)
        await work.begun.wait()
        busy, _ = scheduler_database.connections
        idle = await owner.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() "
            "and state = 'idle in transaction'"
        )
        work.gate.set()
    assert (busy, idle) == (0, 0)


async def test_a_lease_is_renewed_while_the_work_lasts(scheduler_database, owner) -> None:
    work = Work()
    actor = JobActor(Job("slow", 30, work.run), scheduler_database, lease=timedelta(milliseconds=60))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(actor.step)
        await work.begun.wait()
        until = await owner.fetchval("select leased_until from scheduler_jobs")
        with anyio.fail_after(5):
            while await owner.fetchval("select leased_until from scheduler_jobs") <= until:
                await anyio.sleep(0.01)
        work.gate.set()


async def test_the_lease_of_a_process_that_died_runs_out(scheduler_database, owner) -> None:
    work = Work()
    work.gate.set()
    await owner.execute(
        "insert into scheduler_jobs (name, holder, leased_until) values ('count', 'dead', now() - interval '1 s')"
    )
    assert await JobActor(Job("count", 30, work.run), scheduler_database).step() == 7


async def test_a_job_that_fails_is_written_down_and_tried_again(scheduler_database, owner) -> None:
    async def fail() -> int:
        raise ZeroDivisionError("of ours")

    with pytest.raises(ZeroDivisionError):
        await JobActor(Job("count", 30, fail), scheduler_database).step()
    row = await owner.fetchrow("select problem, leased_until from scheduler_jobs")
    assert row["problem"] == "ZeroDivisionError('of ours')"
    assert row["leased_until"] is None


async def test_a_failing_job_does_not_end_its_actor(scheduler_database) -> None:
    stop, failures = anyio.Event(), 0

    async def fail() -> int:
        nonlocal failures
        failures += 1
        if failures == 3:
            stop.set()
        raise ZeroDivisionError

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            await tasks.start(JobActor(Job("count", 0.001, fail), scheduler_database).run, stop)
    assert failures == 3


async def test_one_store_that_fails_does_not_stop_the_rest() -> None:
    tenants = [new_id() for _ in range(5)]

    async def work(tenant_id) -> int:
        if tenant_id == tenants[0]:
            raise ZeroDivisionError
        if tenant_id == tenants[2]:
            raise LockTimeoutError("database: lock timeout")
        return 2

    assert await each_tenant("count", tenants, work) == 6


async def test_stores_that_all_find_the_server_away_end_the_turn() -> None:
    asked = 0

    async def work(_tenant_id) -> int:
        nonlocal asked
        asked += 1
        raise RetryLaterError("database: connection refused")

    with pytest.raises(RetryLaterError):
        await each_tenant("count", [new_id() for _ in range(50)], work)
    assert asked == AWAY_AFTER


async def test_engines_are_rolled_store_by_store_whatever_one_store_says(
    database, engine_database, ledger, new_tenant
) -> None:
    tenants = sorted([await new_tenant() for _ in range(3)])
    rolled = []

    class Rolling(LedgerEngine):
        async def roll(self, _tx, tenant_id, _today: date) -> bool:
            if tenant_id == tenants[0] and len(rolled) < 2:
                raise ZeroDivisionError
            rolled.append(tenant_id)
            return True

    consumer = Consumer(Rolling(), engine_database)
    for tenant_id in tenants:
        await emit_events(database, tenant_id, 1)
    await consumer.step(tenants)
    rolls = Rolls(consumer.cursors)
    # A day on which nothing was rolled yet.
    rolls._done = dict.fromkeys(tenants, (date(2026, 1, 1), -1))
    assert await rolls.step() == 2
    assert await rolls.step() == 1
    assert sorted(rolled) == tenants
    assert await rolls.step() == 0


async def test_sessions_go_when_they_are_over_and_their_tokens_with_them(
    client: ApiClient, scheduler_database, owner
) -> None:
    await client.login("owner")
    await client.at("yard").login("seller")
    assert await delete_ended_sessions(scheduler_database) == 0
    await owner.execute(
        "update sessions set expires_at = now() - interval '2 days' "
        "where user_id = (select id from users where role = 'seller')"
    )
    assert await delete_ended_sessions(scheduler_database) == 1
    assert await owner.fetchval("select count(*) from sessions") == 1
    assert await owner.fetchval("select count(*) from refresh_tokens") == 1
    assert (await client.get("auth/me")).status == 200


async def test_answers_under_keys_go_after_a_day_in_batches(
    owner, scheduler_database, new_tenant, monkeypatch
) -> None:
    tenant_id = await new_tenant()
    await owner.execute(
        "insert into idempotency_keys (tenant_id, key, route, request_hash, created_at) "
        "select $1, n::text, 'POST /x', decode(repeat('00', 32), 'hex'), now() - n * interval '9 hours' "
        "from generate_series(1, 7) n",
        tenant_id,
    )
    monkeypatch.setattr("runtime.events.retention.DELETE_BATCH", 2)
    assert await delete_old_idempotency_keys(scheduler_database) == 5
    assert await owner.fetchval("select count(*) from idempotency_keys") == 2
