"""Webhooks of a store: where its events are sent, and what became of each delivery."""

from __future__ import annotations

import ipaddress
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from pydantic import AfterValidator, Field, StrictBool, StringConstraints

from handlers.changes import asked_changes, lock, unchanged
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.errors import ConflictError, NotFoundError
from runtime.events.catalogue import CATALOGUE
from runtime.events.webhooks.signing import Signer
from runtime.web.fields import Body, Version, View
from runtime.web.keys import KeyRing
from runtime.web.pagination import Page, PageQuery, page_reply
from runtime.web.problems import field_refused
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="webhooks")

MOST = 20


def _event_type(name: str) -> str:
    if name not in CATALOGUE:
        raise ValueError(
            "There is no such event type; see /api/v1/events/schemas.|"
            "Não há esse tipo de evento; veja /api/v1/events/schemas."
        )
    return name


Url = Annotated[
    str,
    StringConstraints(min_length=8, max_length=500, pattern=r"^https?://[\x21-\x7e]+$"),
    Field(examples=["https://example.com/hooks/basecommerce"]),
]
EventTypes = Annotated[
    list[Annotated[str, StringConstraints(max_length=100), AfterValidator(_event_type)]],
    Field(max_length=100, description="Which events; none means all", examples=[["sale_recorded"]]),
]


class WebhookNew(Body):
    """An address that the store's events shall be sent to from now on."""

    url: Url
    event_types: EventTypes = Field(default_factory=list)
    active: StrictBool = True


class WebhookChange(Body):
    """What to change; switched on again, it goes on with what happens from then on."""

    url: Url = unchanged()
    event_types: EventTypes = unchanged()
    active: StrictBool = unchanged()


class WebhookView(View):
    """An address with what waits for it; ``failures`` are the deliveries given up since the last that arrived."""

    id: UUID
    url: str
    event_types: list[str]
    active: bool
    failures: int
    waiting: int
    version: Version
    created_at: datetime
    updated_at: datetime


class WebhookSecretView(WebhookView):
    """With the secret that the receiver verifies signatures with, shown this once."""

    secret: str


class WebhookDeliveryView(View):
    """One event on its way to a webhook; ``id`` is the ``webhook-id`` of every attempt."""

    id: UUID
    event_type: str
    seq: int | None
    state: Literal["pending", "delivered", "dead"]
    attempts: int
    status: int | None
    problem: str | None
    created_at: datetime
    ended_at: datetime | None
    next_attempt_at: datetime | None


class DeliveryList(PageQuery):
    """Filters of a webhook's deliveries; the newest first."""

    state: Literal["pending", "delivered", "dead"] | None = None


@routes.get(
    "/webhooks",
    may="webhooks:read",
    stale=True,
    summary="List webhooks",
    query=PageQuery,
    answers=Page[WebhookView],
)
async def list_webhooks(call: Call[PageQuery]) -> Reply:
    """All addresses that the store's events are sent to."""
    after = call.cursor()
    rows = await call.tx.fetch_all(
        sql.list_webhooks, id=None, after=UUID(after[0]) if after else None, limit=call.query.limit + 1
    )
    return page_reply(call, rows, call.query.limit, lambda row: [row["id"]])


@routes.post(
    "/webhooks",
    may="webhooks:manage",
    summary="Add a webhook",
    body=WebhookNew,
    answers=WebhookSecretView,
    status=201,
    errors=(409,),
)
async def create_webhook(call: Call, body: WebhookNew) -> Reply:
    """Every event from now on is POSTed to the address, signed as Standard Webhooks say (``webhook-id``,
    ``webhook-timestamp``, ``webhook-signature``), and again with growing pauses until it is answered by a 2xx."""
    _check_url(call, body.url)
    webhook_id = new_id()
    if not await call.tx.execute(sql.insert_webhook, id=webhook_id, most=MOST, **body.model_dump()):
        raise ConflictError(
            "webhook_limit", f"A store has up to {MOST} webhooks.", f"Uma loja tem até {MOST} webhooks."
        )
    call.audit("webhook.created", "webhook", webhook_id, after=body.model_dump(mode="json"))
    return await _with_secret(call, webhook_id, 1)


@routes.get("/webhooks/{webhook_id}", may="webhooks:read", summary="Show a webhook", answers=WebhookView)
async def get_webhook(call: Call, webhook_id: UUID) -> Reply:
    """One webhook, with its version as ETag."""
    row = await _row(call, webhook_id)
    return Reply(row["body"], version=row["version"])


@routes.patch(
    "/webhooks/{webhook_id}",
    may="webhooks:manage",
    summary="Change a webhook",
    body=WebhookChange,
    answers=WebhookView,
)
async def change_webhook(call: Call, webhook_id: UUID, body: WebhookChange) -> Reply:
    """One that was switched off, by hand or after too many failures, is switched on by ``"active": true``."""
    current = await lock(call.tx, sql.lock_webhook, call.if_match, id=webhook_id)
    changes = asked_changes(current, body)
    if "url" in changes:
        _check_url(call, body.url)
    if changes:
        await call.tx.execute(sql.update_webhook, **{**current, **changes})
    call.audit("webhook.updated", "webhook", webhook_id, after={"changed": sorted(changes)})
    row = await _row(call, webhook_id)
    return Reply(row["body"], version=row["version"])


@routes.delete("/webhooks/{webhook_id}", may="webhooks:manage", summary="Delete a webhook", status=204)
async def delete_webhook(call: Call, webhook_id: UUID) -> Reply:
    """With all that waits for it."""
    if not await call.tx.execute(sql.delete_webhook, id=webhook_id):
        raise NotFoundError
    call.audit("webhook.deleted", "webhook", webhook_id)
    return Reply(None)


@routes.post(
    "/webhooks/{webhook_id}/rotate-secret",
    may="webhooks:manage",
    summary="Give a webhook another secret",
    answers=WebhookSecretView,
)
async def rotate_webhook_secret(call: Call, webhook_id: UUID) -> Reply:
    """Everything sent from now on is signed with the new one."""
    current = await lock(call.tx, sql.lock_webhook, call.if_match, id=webhook_id)
    version = current["secret_version"] + 1
    await call.tx.execute(sql.update_webhook, **{**current, "secret_version": version})
    call.audit("webhook.secret_rotated", "webhook", webhook_id)
    return await _with_secret(call, webhook_id, version)


@routes.post(
    "/webhooks/{webhook_id}/test",
    may="webhooks:manage",
    summary="Send a test delivery",
    answers=WebhookDeliveryView,
    status=202,
)
async def test_webhook(call: Call, webhook_id: UUID) -> Reply:
    """A delivery of type ``webhook_test``, sent like any other, usually within a second."""
    delivery_id = new_id()
    body = orjson.dumps({"type": "webhook_test", "timestamp": call.tx.now, "data": {}}).decode()
    await _row(call, webhook_id)
    await call.tx.execute(sql.insert_test_delivery, id=delivery_id, webhook_id=webhook_id, body=body)
    call.audit("webhook.tested", "webhook", webhook_id)
    return await _delivery(call, webhook_id, delivery_id)


@routes.get(
    "/webhooks/{webhook_id}/deliveries",
    may="webhooks:read",
    stale=True,
    summary="Deliveries of a webhook",
    query=DeliveryList,
    answers=Page[WebhookDeliveryView],
)
async def list_webhook_deliveries(call: Call[DeliveryList], webhook_id: UUID) -> Reply:
    """The newest first; those delivered are kept for a week, those given up for a month."""
    await _row(call, webhook_id)
    after = call.cursor()
    rows = await call.tx.fetch_all(
        sql.list_deliveries_of_webhook,
        webhook_id=webhook_id,
        id=None,
        state=call.query.state,
        after=UUID(after[0]) if after else None,
        limit=call.query.limit + 1,
    )
    return page_reply(call, rows, call.query.limit, lambda row: [row["id"]])


@routes.post(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
    may="webhooks:manage",
    summary="Send a delivery again",
    answers=WebhookDeliveryView,
    status=202,
)
async def replay_webhook_delivery(call: Call, webhook_id: UUID, delivery_id: UUID) -> Reply:
    """One that was given up, or that arrived and got lost there; it keeps its ``webhook-id``."""
    await call.tx.execute(sql.replay_delivery, webhook_id=webhook_id, id=delivery_id)
    shown = await _delivery(call, webhook_id, delivery_id)
    call.audit("webhook.replayed", "webhook", webhook_id, after={"delivery_id": str(delivery_id)})
    return shown


async def _row(call: Call[Any], webhook_id: UUID) -> Any:
    row = await call.tx.fetch_one(sql.list_webhooks, id=webhook_id, after=None, limit=1)
    if row is None:
        raise NotFoundError
    return row


async def _delivery(call: Call[Any], webhook_id: UUID, delivery_id: UUID) -> Reply:
    row = await call.tx.fetch_one(
        sql.list_deliveries_of_webhook, webhook_id=webhook_id, id=delivery_id, state=None, after=None, limit=1
    )
    if row is None:
        raise NotFoundError
    return Reply(row["body"])


async def _with_secret(call: Call[Any], webhook_id: UUID, secret_version: int) -> Reply:
    settings = call.context.settings
    keys = KeyRing(
        "webhooks", settings.secret_key.get_secret_value(), settings.secret_key_previous.get_secret_value()
    )
    row = await _row(call, webhook_id)
    secret = Signer(keys.verifying).secret(webhook_id, secret_version)
    return Reply(f'{row["body"][:-1]}, "secret": "{secret}"}}', version=row["version"])


def _check_url(call: Call[Any], url: str) -> None:
    """What can be seen of an address at once; whether it is public is judged at every connection."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    plain = parts.scheme == "http" and call.context.settings.environment != "development"
    if plain or not host or parts.username is not None or parts.fragment or not _is_public(call, host):
        raise field_refused(
            "/url",
            "webhook_url",
            "An https address of a public host, without user, password or fragment, is expected.",
            "Informe um endereço https de um host público, sem usuário, senha ou fragmento.",
        )


def _is_public(call: Call[Any], host: str) -> bool:
    if call.context.settings.webhook_allowed_networks:
        return True
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".localhost", ".local", ".internal"))
