"""The states of a purchase order: which action leads from where to where, and who may ask for it."""

from __future__ import annotations

from functools import lru_cache

import orjson

from handlers.states import Action, StateMachine

PURCHASE_ORDER = StateMachine(
    ("draft", "sent", "partially_received", "received", "cancelled"),
    Action("update", frozenset({"draft"}), "draft", "purchase_orders:update"),
    Action("send", frozenset({"draft"}), "sent", "purchase_orders:send"),
    # To partially_received or received, by what is still awaited afterwards.
    Action("receive", frozenset({"sent", "partially_received"}), None, "purchase_orders:receive"),
    Action(
        "cancel", frozenset({"draft", "sent", "partially_received"}), "cancelled", "purchase_orders:cancel"
    ),
)


@lru_cache(maxsize=64)
def allowed_on_purchase_orders(permissions: frozenset[str]) -> str:
    """JSON: state -> the actions allowed in it."""
    return orjson.dumps(
        {state: PURCHASE_ORDER.allowed(state, permissions) for state in PURCHASE_ORDER.states}
    ).decode()
