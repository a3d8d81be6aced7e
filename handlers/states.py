"""State machines of quotes and orders: which action leads from where to where, and who may ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import orjson

from handlers.permissions import PERMISSIONS, Role
from runtime.errors import StateConflictError

ALL_PERMISSIONS = PERMISSIONS[Role.OWNER]
"""What callers inside the program (demo data, the scheduler) may do."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action: the states it may start from, the one it leads to (None: it stays) and its permission."""

    name: str
    sources: frozenset[str]
    target: str | None
    permission: str


class StateMachine:
    """The only table that says what is possible; SQL gets its guards from here."""

    def __init__(self, states: tuple[str, ...], *actions: Action) -> None:
        self.states = states
        self.actions: Mapping[str, Action] = {action.name: action for action in actions}
        for action in actions:
            unknown = ({action.target} - {None} | action.sources) - set(states)
            if unknown:
                raise ValueError(f"{action.name}: unknown states {sorted(map(str, unknown))}")

    def sources(self, action: str) -> list[str]:
        """The states in which the action is possible, in the order of the table."""
        possible = self.actions[action].sources
        return [state for state in self.states if state in possible]

    def allowed(self, state: str, permissions: frozenset[str]) -> list[str]:
        """The actions that somebody with these permissions may take in this state."""
        return [
            action.name
            for action in self.actions.values()
            if state in action.sources and action.permission in permissions
        ]

    def conflict(self, state: str, action: str, permissions: frozenset[str]) -> StateConflictError:
        """The 409 for an action that is not possible in this state."""
        return StateConflictError(state, action, self.allowed(state, permissions))


_EVERY_QUOTE = ("draft", "sent", "approved", "converted", "rejected", "cancelled", "expired")

QUOTE = StateMachine(
    _EVERY_QUOTE,
    Action("update", frozenset({"draft"}), "draft", "quotes:update"),
    Action("send", frozenset({"draft"}), "sent", "quotes:send"),
    Action("approve", frozenset({"sent"}), "approved", "quotes:approve"),
    Action("reject", frozenset({"sent"}), "rejected", "quotes:reject"),
    Action("convert", frozenset({"approved"}), "converted", "quotes:convert"),
    Action("cancel", frozenset({"draft", "sent", "approved"}), "cancelled", "quotes:cancel"),
    Action("duplicate", frozenset(_EVERY_QUOTE), None, "quotes:create"),
)

_DUPLICATE_ORDER = "quotes:create"

ORDER: Mapping[str, StateMachine] = {
    "delivery": StateMachine(
        ("pending", "preparing", "out_for_delivery", "delivered", "cancelled"),
        Action("prepare", frozenset({"pending"}), "preparing", "orders:prepare"),
        Action("dispatch", frozenset({"preparing"}), "out_for_delivery", "orders:dispatch"),
        Action("deliver", frozenset({"out_for_delivery"}), "delivered", "orders:deliver"),
        Action(
            "cancel", frozenset({"pending", "preparing", "out_for_delivery"}), "cancelled", "orders:cancel"
        ),
        Action(
            "duplicate",
            frozenset({"pending", "preparing", "out_for_delivery", "delivered", "cancelled"}),
            None,
            _DUPLICATE_ORDER,
        ),
    ),
    "pickup": StateMachine(
        ("pending", "preparing", "ready_for_pickup", "delivered", "cancelled"),
        Action("prepare", frozenset({"pending"}), "preparing", "orders:prepare"),
        Action("ready", frozenset({"preparing"}), "ready_for_pickup", "orders:ready"),
        Action("deliver", frozenset({"ready_for_pickup"}), "delivered", "orders:deliver"),
        Action("cancel", frozenset({"pending", "preparing"}), "cancelled", "orders:cancel"),
        Action(
            "duplicate",
            frozenset({"pending", "preparing", "ready_for_pickup", "delivered", "cancelled"}),
            None,
            _DUPLICATE_ORDER,
        ),
    ),
    "counter": StateMachine(
        ("delivered",),
        Action("duplicate", frozenset({"delivered"}), None, _DUPLICATE_ORDER),
    ),
}
"""By fulfilment; a counter sale is created in its final state."""


def order_sources(action: str) -> list[str]:
    """Where an order's action may start, as 'fulfilment/status' pairs."""
    return [
        f"{fulfilment}/{state}"
        for fulfilment, machine in ORDER.items()
        if action in machine.actions
        for state in machine.sources(action)
    ]


def order_target(action: str) -> str:
    """The state an order's action leads to; the same for every fulfilment that has the action."""
    targets = {machine.actions[action].target for machine in ORDER.values() if action in machine.actions}
    (target,) = targets
    if target is None:
        raise ValueError(f"{action} leads nowhere")
    return target


DISCOUNT_DECISIONS = ("approve_discount", "deny_discount")
"""What is decided about a draft whose discounts wait for approval; the quote stays a draft."""

DECIDE_DISCOUNT = "quotes:approve_discount"


def allowed_on_draft(approval: str | None, permissions: frozenset[str]) -> list[str]:
    """The actions on a draft by what became of its discounts: it is not sent while they wait or are denied."""
    allowed = QUOTE.allowed("draft", permissions)
    if approval not in ("pending", "denied"):
        return allowed
    decisions = DISCOUNT_DECISIONS if approval == "pending" and DECIDE_DISCOUNT in permissions else ()
    return [*(action for action in allowed if action != "send"), *decisions]


@lru_cache(maxsize=64)
def allowed_on_quotes(permissions: frozenset[str]) -> str:
    """JSON: state -> the actions allowed in it; the database puts the right list into each quote it shows."""
    allowed = {state: QUOTE.allowed(state, permissions) for state in QUOTE.states}
    waiting = {
        f"draft/{approval}": allowed_on_draft(approval, permissions) for approval in ("pending", "denied")
    }
    return orjson.dumps(allowed | waiting).decode()


@lru_cache(maxsize=64)
def allowed_on_orders(permissions: frozenset[str]) -> str:
    """JSON: fulfilment -> state -> the actions allowed in it."""
    return orjson.dumps(
        {
            fulfilment: {state: machine.allowed(state, permissions) for state in machine.states}
            for fulfilment, machine in ORDER.items()
        }
    ).decode()
