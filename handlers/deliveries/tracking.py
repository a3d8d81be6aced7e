"""The link with which a customer follows a delivery, and the page behind it: no script, nothing from elsewhere."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from handlers.deliveries.models import (
    TrackedDeliveryView,
    TrackedItemView,
    TrackingLinkView,
    TrackingNew,
)
from handlers.insights.explanations import Numbers
from handlers.link_tokens import hash_of, new_token
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.errors import NotFoundError, StateConflictError
from runtime.web.call import Tenant
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="deliveries")
pages = Routes(tag="public pages", prefix="")

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:1.5rem auto;padding:0 1rem;color:#1c2430}
.state{padding:.2rem .6rem;border-radius:4px;background:#eef}li{margin:.2rem 0}
"""

_STATES = {
    "planned": ("sendo programada", "being planned"),
    "assigned": ("programada", "planned"),
    "out": ("a caminho", "on its way"),
    "arrived": ("chegou ao local", "at your place"),
    "delivered": ("entregue", "delivered"),
    "delivered_with_issue": ("entregue com ocorrência", "delivered with an issue"),
    "failed": ("não foi possível entregar", "could not be delivered"),
    "cancelled": ("cancelada", "cancelled"),
}


@routes.post(
    "/deliveries/{delivery_id}/share",
    may="deliveries:share",
    summary="Make a tracking link",
    body=TrackingNew,
    answers=TrackingLinkView,
    status=201,
    errors=(404, 409),
)
async def share_delivery(call: Call, delivery_id: UUID, body: TrackingNew) -> Reply:
    """A link with which the customer follows the delivery without signing in."""
    found = await call.tx.fetch_one(sql.find_delivery, id=delivery_id)
    if found is None:
        raise NotFoundError
    if found["status"] == "cancelled":
        raise StateConflictError("cancelled", "share", [])
    token, link_id = new_token(), new_id()
    expires_at = call.tx.now + timedelta(days=body.days)
    await call.tx.execute(
        sql.create_delivery_link,
        id=link_id,
        delivery_id=delivery_id,
        token_hash=hash_of(token),
        expires_at=expires_at,
    )
    call.audit("delivery.shared", "delivery", delivery_id, after={"link": str(link_id)})
    return Reply(
        {
            "id": str(link_id),
            "url": call.public_url(f"/d/{token}"),
            "token": token,
            "expires_at": expires_at.isoformat(),
        }
    )


@routes.get(
    "/public/deliveries/{token}", public=True, summary="A shared delivery", answers=TrackedDeliveryView
)
async def get_tracked_delivery(call: Call, token: str) -> Reply:
    """Where the delivery is. 404 for a link that is unknown or past its time."""
    return Reply(_shown(call.tenant, await _find(call, token)))


@pages.get("/d/{token}", public=True, summary="The page of a shared delivery", media="text/html")
async def show_delivery_page(call: Call, token: str) -> Reply:
    """HTML, in the store's language."""
    return Reply(render_page(call.tenant, await _find(call, token)), headers=_HEADERS)


def render_page(tenant: Tenant, delivery: Mapping[str, Any]) -> str:
    """What the customer reads: where the goods are and when they come."""
    english = tenant.locale == "en"
    zone = ZoneInfo(tenant.time_zone)
    numbers = Numbers(tenant.locale)

    def say(portuguese: str, other: str) -> str:
        return other if english else portuguese

    def moment(value: datetime) -> str:
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M" if english else "%d/%m/%Y %H:%M")

    times = [
        (say("Previsão de chegada", "Expected"), delivery["planned_arrival"]),
        (say("Saiu para entrega", "Left the store"), delivery["departed_at"]),
        (say("Chegou", "Arrived"), delivery["arrived_at"]),
        (say("Concluída", "Finished"), delivery["finished_at"]),
    ]
    lines = "".join(f"<p>{label}: {moment(value)}</p>" for label, value in times if value is not None)
    items = "".join(
        f"<li>{html.escape(item['name'])}: {numbers.number(Decimal(item['quantity']), 3)} {html.escape(item['unit'])}"
        for item in orjson.loads(delivery["items"])
    )
    return (
        f"<!doctype html><html lang={'en' if english else 'pt-BR'}><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width,initial-scale=1'><meta name=robots content=noindex>"
        f"<title>{html.escape(delivery['number'])} · {html.escape(tenant.name)}</title><style>{_STYLE}</style>"
        f"<h1>{html.escape(tenant.name)}</h1><p>{say('Entrega', 'Delivery')} <b>{html.escape(delivery['number'])}</b> "
        f"({say('pedido', 'order')} {html.escape(delivery['order_number'])}) "
        f"<span class=state>{say(*_STATES[delivery['status']])}</span></p>{lines}<ul>{items}</ul>"
    )


async def _find(call: Call, token: str) -> Mapping[str, Any]:
    row = await call.tx.fetch_one(sql.get_tracked_delivery, token_hash=hash_of(token))
    if row is None:
        raise NotFoundError
    found: Mapping[str, Any] = row
    return found


def _shown(tenant: Tenant, delivery: Mapping[str, Any]) -> TrackedDeliveryView:
    items = [
        TrackedItemView(name=item["name"], unit=item["unit"], quantity=item["quantity"])
        for item in orjson.loads(delivery["items"])
    ]
    columns = {
        name: delivery[name] for name in TrackedDeliveryView.model_fields if name not in ("store", "items")
    }
    return TrackedDeliveryView(store=tenant.name, items=items, **columns)
