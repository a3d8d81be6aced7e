"""From the log to a receiver: signed, once per event, repeated until it arrives, and never into our own networks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import anyio
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from runtime.data.ids import new_id
from runtime.events.retention import delete_old_deliveries
from runtime.events.webhooks.client import WebhookClient
from runtime.events.webhooks.sender import (
    GIVEN_UP_AFTER,
    MAX_ATTEMPTS,
    PER_WEBHOOK,
    WebhookSender,
    pause_after,
)
from runtime.events.webhooks.signing import Signer
from tests.support.events import emit_events

SIGNER = Signer([b"k" * 64])
LOOPBACK = ("127.0.0.0/8",)


@dataclass(slots=True)
class Receiver:
    """A server of somebody else's; ``answers`` are the statuses it gives, the last one for ever."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.got.append(
            ({name.lower(): value for name, value in request.headers.items()}, await request.read())
        )
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, headers={"Location": f"{self.url}elsewhere"})

    @property
    def events(self) -> list[dict[str, Any]]:
        return [orjson.loads(body) for _, body in self.got]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", made.take)
    async with TestServer(application) as server:
        made.url = str(server.make_url("/"))
        yield made


@pytest.fixture
async def sender(scheduler_database, engine_database) -> AsyncIterator[WebhookSender]:
    async with WebhookClient(LOOPBACK, timeout_s=2) as client:
        yield WebhookSender(scheduler_database, engine_database, SIGNER, client)


async def webhook(owner, tenant_id: UUID, url: str, *event_types: str) -> UUID:
    webhook_id = new_id()
    await owner.execute(
        "insert into webhooks (tenant_id, id, url, event_types, last_seq, created_at, updated_at) "
        "select $1, $2, $3, $4, head, now(), now() from tenant_event_head where tenant_id = $1",
        tenant_id,
        webhook_id,
        url,
        list(event_types),
    )
    return webhook_id


async def hurry(owner) -> None:
    await owner.execute("update webhook_deliveries set next_attempt_at = now()")


async def turn(sender: WebhookSender) -> int:
    await sender.write_deliveries()
    return await sender.send_due()


async def test_each_event_is_delivered_once_signed_and_in_the_stores_own_words(
    database, owner, new_tenant, receiver, sender
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1)
    webhook_id = await webhook(owner, tenant_id, receiver.url)
    await emit_events(database, tenant_id, 2, 3, others=1)
    assert await turn(sender) == 3
    assert await turn(sender) == 0
    events = sorted(receiver.events, key=lambda event: event["seq"])
    assert [(event["seq"], event["type"]) for event in events] == [
        (2, "stock_updated"), (3, "stock_updated"), (4, "quote_sent"),
    ]  # fmt: skip
    assert events[0]["data"]["delta"] == "2"
    secret = base64.b64decode(SIGNER.secret(webhook_id, 1).removeprefix("whsec_"))
    for headers, body in receiver.got:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"


async def test_only_what_a_webhook_asked_for_is_sent(database, owner, new_tenant, receiver, sender) -> None:
    tenant_id, other = await new_tenant(), await new_tenant()
    await webhook(owner, tenant_id, receiver.url, "quote_sent")
    await emit_events(database, tenant_id, 1, others=1)
    await emit_events(database, other, 7, others=3)
    await turn(sender)
    assert [event["type"] for event in receiver.events] == ["quote_sent"]


async def test_what_does_not_arrive_is_sent_again_under_the_same_id(
    database, owner, new_tenant, receiver, sender
) -> None:
    tenant_id = await new_tenant()
    await webhook(owner, tenant_id, receiver.url)
    await emit_events(database, tenant_id, 1)
    receiver.answers = [503, 302, 200]
    await turn(sender)
    assert await turn(sender) == 0  # it waits
    for _ in range(3):
        await hurry(owner)
        await turn(sender)
    assert len(receiver.got) == 3
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    row = await owner.fetchrow("select state, attempts, status from webhook_deliveries")
    assert tuple(row) == ("delivered", 3, 200)


async def test_a_redirect_is_not_followed(database, owner, new_tenant, receiver, sender) -> None:
    tenant_id = await new_tenant()
    await webhook(owner, tenant_id, receiver.url)
    await emit_events(database, tenant_id, 1)
    receiver.answers = [307]
    await turn(sender)
    assert len(receiver.got) == 1
    assert await owner.fetchval("select problem from webhook_deliveries") == "answered 307"


async def test_what_never_arrives_is_given_up_and_a_dead_receiver_is_switched_off(
    database, owner, new_tenant, receiver, sender
) -> None:
    tenant_id = await new_tenant()
    await webhook(owner, tenant_id, receiver.url)
    await emit_events(database, tenant_id, *range(1, GIVEN_UP_AFTER + 2))
    receiver.answers = [500]
    await sender.write_deliveries()
    await owner.execute("update webhook_deliveries set attempts = $1", MAX_ATTEMPTS - 1)
    while await sender.send_due():
        pass
    states = await owner.fetch("select state, count(*) from webhook_deliveries group by state")
    assert [tuple(row) for row in states] == [("dead", GIVEN_UP_AFTER + 1)]
    assert tuple(await owner.fetchrow("select active, failures from webhooks")) == (False, GIVEN_UP_AFTER)
    assert len(receiver.got) == GIVEN_UP_AFTER
    await emit_events(database, tenant_id, 99)
    assert await turn(sender) == 0


async def test_one_that_arrives_makes_the_failures_before_it_forgotten(
    database, owner, new_tenant, receiver, sender
) -> None:
    tenant_id = await new_tenant()
    await webhook(owner, tenant_id, receiver.url)
    await owner.execute("update webhooks set failures = $1", GIVEN_UP_AFTER - 1)
    await emit_events(database, tenant_id, 1)
    await turn(sender)
    assert tuple(await owner.fetchrow("select active, failures from webhooks")) == (True, 0)


async def test_a_receiver_with_a_long_queue_holds_up_no_other_store(
    database, owner, new_tenant, receiver, sender, monkeypatch
) -> None:
    busy, other = await new_tenant(), await new_tenant()
    await webhook(owner, busy, f"{receiver.url}busy")
    await webhook(owner, other, f"{receiver.url}other")
    await emit_events(database, busy, *range(1, 40))
    await sender.write_deliveries()
    await emit_events(database, other, 777)
    monkeypatch.setattr("runtime.events.webhooks.sender.SENT_AT_ONCE", PER_WEBHOOK + 1)
    assert await turn(sender) == PER_WEBHOOK + 1
    assert "777" in {event["data"]["delta"] for event in receiver.events}


async def test_deliveries_of_many_stores_are_leased_in_one_statement(
    database, engine_database, owner, new_tenant, receiver, sender, monkeypatch
) -> None:
    stores = [await new_tenant() for _ in range(4)]
    for number, tenant_id in enumerate(stores):
        await webhook(owner, tenant_id, f"{receiver.url}{number}")
        await emit_events(database, tenant_id, number)
    await sender.write_deliveries()
    opened: list[int] = []
    engine = engine_database.engine

    def count(tenant_ids, **options):
        opened.append(len(set(tenant_ids)))
        return engine(tenant_ids, **options)

    monkeypatch.setattr(engine_database, "engine", count)
    assert await sender.send_due() == len(stores)
    assert opened == [4, 1, 1, 1, 1], "one to lease them, then one for the outcome of each"


async def test_what_is_due_does_not_wait_for_what_is_to_be_written(
    database, scheduler_database, engine_database, owner, new_tenant, receiver, monkeypatch
) -> None:
    sender = WebhookSender(scheduler_database, engine_database, SIGNER, WebhookClient(LOOPBACK))
    tenant_id = await new_tenant()
    await webhook(owner, tenant_id, receiver.url)
    await emit_events(database, tenant_id, 1)
    await sender.write_deliveries()
    monkeypatch.setattr(sender, "write_deliveries", anyio.sleep_forever)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            await tasks.start(sender.run, anyio.Event())
            while not receiver.got:
                await anyio.sleep(0.005)
            tasks.cancel_scope.cancel()


async def test_two_senders_at_once_make_one_delivery_of_each_event(
    database, scheduler_database, engine_database, owner, new_tenant, receiver
) -> None:
    tenant_id = await new_tenant()
    await webhook(owner, tenant_id, receiver.url)
    await emit_events(database, tenant_id, *range(1, 11))
    async with WebhookClient(LOOPBACK) as client, anyio.create_task_group() as tasks:

        async def work() -> None:
            sender = WebhookSender(scheduler_database, engine_database, SIGNER, client)
            while await turn(sender):
                pass

        async with anyio.create_task_group() as both:
            for _ in range(2):
                both.start_soon(work)
        tasks.cancel_scope.cancel()
    assert sorted(event["seq"] for event in receiver.events) == list(range(1, 11))


async def test_old_deliveries_are_deleted_and_what_waits_stays(
    database, scheduler_database, owner, new_tenant, receiver, sender
) -> None:
    tenant_id = await new_tenant()
    await webhook(owner, tenant_id, receiver.url)
    await emit_events(database, tenant_id, 1, 2, 3)
    await sender.write_deliveries()
    for seq, state, age in ((1, "delivered", 8), (2, "dead", 8)):
        await owner.execute(
            "update webhook_deliveries set state = $2, ended_at = now() - $3 * interval '1 day' "
            "where tenant_seq = $1",
            seq,
            state,
            age,
        )
    assert await delete_old_deliveries(scheduler_database) == 1
    assert await owner.fetchval("select count(*) from webhook_deliveries") == 2


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",  # where clouds keep their credentials
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
    ],
)
async def test_no_connection_is_made_to_an_address_that_is_not_public(address: str, monkeypatch) -> None:
    """Whatever the name was: the address that is connected to decides."""

    async def resolved(*_: Any, **__: Any) -> list[Any]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [
            {
                "hostname": "hook.example",
                "host": address,
                "port": 80,
                "family": family,
                "proto": 0,
                "flags": 0,
            }
        ]

    def opened(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr("aiohttp.TCPConnector._resolve_host", resolved)
    async with WebhookClient(timeout_s=2) as client:
        monkeypatch.setattr("runtime.events.webhooks.client.socket.socket", opened)
        outcome = await client.post("http://hook.example/", b"{}", {})
    assert outcome == (None, "the address is not public")


async def test_a_receiver_at_home_is_not_reached_by_number_or_name(receiver) -> None:
    async with WebhookClient(timeout_s=2) as client:
        for url in (receiver.url, receiver.url.replace("127.0.0.1", "localhost")):
            assert await client.post(url, b"{}", {}) == (None, "the address is not public")
    assert receiver.got == []


async def test_a_receiver_that_never_answers_is_left_after_a_while() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        async with WebhookClient(LOOPBACK, timeout_s=0.2) as client:
            outcome = await client.post(f"http://127.0.0.1:{listener.getsockname()[1]}/", b"{}", {})
    assert outcome == (None, "no answer within 0.2 s")


def test_pauses_grow_up_to_an_hour() -> None:
    assert 5 <= pause_after(1) <= 6
    assert 40 <= pause_after(4) <= 48
    assert 2560 * 1.0 <= pause_after(10) <= 3_600 * 1.2


def test_a_rotated_key_signs_beside_the_former_one() -> None:
    old, both = Signer([b"o" * 64]), Signer([b"n" * 64, b"o" * 64])
    given = (new_id(), 1, new_id(), 1_700_000_000, b"{}")
    [former] = old.headers(*given)["webhook-signature"].split()
    assert former in both.headers(*given)["webhook-signature"].split()
    assert old.secret(given[0], 1) != old.secret(given[0], 2)
