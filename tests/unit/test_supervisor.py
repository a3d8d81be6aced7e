"""What happens to actors that crash, return, hang or are drained."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from runtime.errors import StartupError
from runtime.host import metrics
from runtime.host.supervisor import ActorsGaveUpError, ActorSpec, RestartPolicy, Supervisor

EAGER = RestartPolicy(first_s=0, most_s=0.001, crashes=3, window_s=60)


def restarts(actor: str) -> float:
    return metrics.REGISTRY.get_sample_value("basecommerce_actor_restarts_total", {"actor": actor}) or 0


async def test_actors_start_in_order_each_when_the_one_before_is_ready() -> None:
    seen: list[str] = []

    def actor(name: str) -> ActorSpec:
        async def run(stop, *, task_status):
            await anyio.lowlevel.checkpoint()
            seen.append(name)
            task_status.started()
            await stop.wait()

        return ActorSpec(name, run)

    supervisor = Supervisor([actor("first"), actor("second"), actor("third")])
    async with anyio.create_task_group() as tasks:
        await tasks.start(supervisor.run)
        assert seen == ["first", "second", "third"]
        supervisor.drain()


async def test_a_crashed_actor_is_started_again_and_counted() -> None:
    starts = 0
    healthy = anyio.Event()

    async def run(stop, *, task_status):
        nonlocal starts
        starts += 1
        task_status.started()
        if starts < 3:
            raise ValueError("boom")
        healthy.set()
        await stop.wait()

    before = restarts("flaky")
    supervisor = Supervisor([ActorSpec("flaky", run)], policy=EAGER)
    async with anyio.create_task_group() as tasks:
        await tasks.start(supervisor.run)
        await healthy.wait()
        assert await supervisor.problem() is None
        supervisor.drain()
    assert restarts("flaky") - before == 2


async def test_an_actor_that_crashes_too_often_ends_the_process_after_draining_the_others() -> None:
    finished = []

    async def broken(_stop, *, task_status):
        task_status.started()
        raise ValueError("boom")

    async def steady(stop, *, task_status):
        task_status.started()
        await stop.wait()
        finished.append("steady")

    supervisor = Supervisor([ActorSpec("steady", steady), ActorSpec("broken", broken)], policy=EAGER)
    with pytest.raises(ActorsGaveUpError, match="broken crashed 4 times"):
        await supervisor.run()
    assert finished == ["steady"]
    assert "broken" in str(await supervisor.problem())


async def test_an_actor_that_returns_without_being_asked_counts_as_crashed() -> None:
    async def run(_stop, *, task_status):
        task_status.started()

    with pytest.raises(ActorsGaveUpError):
        await Supervisor([ActorSpec("short", run)], policy=EAGER).run()


async def test_a_startup_error_is_never_retried() -> None:
    async def run(_stop, *, task_status):
        raise StartupError("API_PORT: in use")

    with pytest.raises(StartupError, match="API_PORT"):
        await Supervisor([ActorSpec("api", run)], policy=EAGER).run()


async def test_an_actor_finishes_its_batch_within_the_grace_time() -> None:
    done = []

    async def run(stop, *, task_status):
        task_status.started()
        await stop.wait()
        await anyio.sleep(0.02)
        done.append("batch")

    supervisor = Supervisor([ActorSpec("engine", run)], grace_s=5)
    async with anyio.create_task_group() as tasks:
        await tasks.start(supervisor.run)
        supervisor.drain()
        assert await supervisor.problem() == "draining"
    assert done == ["batch"]


async def test_an_actor_that_does_not_finish_is_cancelled_after_the_grace_time() -> None:
    cancelled = []

    async def run(_stop, *, task_status):
        task_status.started()
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.append("stuck")

    supervisor = Supervisor([ActorSpec("stuck", run)], grace_s=0.02)
    async with anyio.create_task_group() as tasks:
        await tasks.start(supervisor.run)
        supervisor.drain()
    assert cancelled == ["stuck"]


async def test_draining_does_not_wait_for_a_restart_that_is_due_later() -> None:
    async def run(_stop, *, task_status):
        raise ValueError("boom")

    supervisor = Supervisor([ActorSpec("down", run)], policy=RestartPolicy(first_s=600, most_s=600))
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            await tasks.start(supervisor.run)
            supervisor.drain()


async def test_draining_during_a_start_that_hangs_ends_it_after_the_grace_time() -> None:
    async def run(_stop, *, task_status):
        await anyio.sleep_forever()

    supervisor = Supervisor([ActorSpec("hanging", run)], grace_s=0.02)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(supervisor.run)
            await anyio.sleep(0.01)
            supervisor.drain()
