"""The states of deliveries and routes: which action leads from where to where, and who may ask for it."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import orjson

from handlers.states import Action, StateMachine
from runtime.errors import StateConflictError

DELIVERY: Final = StateMachine(
    (
        "planned",
        "assigned",
        "out",
        "arrived",
        "delivered",
        "delivered_with_issue",
        "failed",
        "cancelled",
    ),
    Action("update", frozenset({"planned", "assigned"}), None, "deliveries:update"),
    Action("assign", frozenset({"planned", "assigned"}), "assigned", "routes:plan"),
    Action("release", frozenset({"assigned"}), "planned", "routes:plan"),
    Action("depart", frozenset({"assigned"}), "out", "routes:drive"),
    Action("arrive", frozenset({"out"}), "arrived", "deliveries:drive"),
    Action("report", frozenset({"out", "arrived"}), None, "deliveries:drive"),
    # To delivered, or to delivered_with_issue when something was reported.
    Action("deliver", frozenset({"out", "arrived"}), None, "deliveries:drive"),
    Action("fail", frozenset({"out", "arrived"}), "failed", "deliveries:drive"),
    Action("cancel", frozenset({"planned", "assigned"}), "cancelled", "deliveries:update"),
)

ROUTE: Final = StateMachine(
    ("planned", "out", "finished", "cancelled"),
    Action("update", frozenset({"planned"}), "planned", "routes:plan"),
    Action("depart", frozenset({"planned"}), "out", "routes:drive"),
    Action("finish", frozenset({"out"}), "finished", "routes:drive"),
    Action("cancel", frozenset({"planned"}), "cancelled", "routes:plan"),
)

OPEN: Final = ("planned", "assigned", "out", "arrived")
"""A delivery in these states still goes to its customer."""

WITH_IMAGES: Final = ("out", "arrived", "delivered", "delivered_with_issue", "failed")
"""Images are taken at the customer's, and may come in late from where there is no network."""

_BY_ROUTE: Final = frozenset({"assign", "release", "depart"})
"""What happens to a delivery through its route and is not asked for by itself."""


def delivery_actions(state: str, permissions: frozenset[str]) -> list[str]:
    """What the caller may ask for in this state."""
    return [action for action in DELIVERY.allowed(state, permissions) if action not in _BY_ROUTE]


def delivery_conflict(state: str, action: str, permissions: frozenset[str]) -> StateConflictError:
    """The 409 for an action that is not possible in this state."""
    return StateConflictError(state, action, delivery_actions(state, permissions))


@lru_cache(maxsize=64)
def allowed_on_deliveries(permissions: frozenset[str]) -> str:
    """JSON: state -> the actions allowed in it."""
    return orjson.dumps({state: delivery_actions(state, permissions) for state in DELIVERY.states}).decode()


@lru_cache(maxsize=64)
def allowed_on_routes(permissions: frozenset[str]) -> str:
    """JSON: state -> the actions allowed in it."""
    return orjson.dumps({state: ROUTE.allowed(state, permissions) for state in ROUTE.states}).decode()
