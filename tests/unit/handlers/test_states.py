"""The state tables say what the domain says, and no walk through them leads astray."""

from __future__ import annotations

import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.orders.models import OrderStatus
from handlers.permissions import PERMISSIONS, Role
from handlers.quotes.models import QuoteStatus
from handlers.states import (
    ALL_PERMISSIONS,
    ORDER,
    QUOTE,
    Action,
    StateMachine,
    allowed_on_draft,
    allowed_on_orders,
    allowed_on_quotes,
    order_sources,
    order_target,
)
from runtime.data.queries import SQL_DIRECTORY

FINAL = {
    "quote": {"converted", "rejected", "cancelled", "expired"},
    "delivery": {"delivered", "cancelled"},
    "pickup": {"delivered", "cancelled"},
    "counter": {"delivered"},
}
MACHINES = {"quote": QUOTE, **ORDER}
WALKS = st.lists(st.integers(0, 6), max_size=12)


def steps(machine: StateMachine) -> set[str]:
    """Every change of state the table has, written 'from action to'."""
    return {
        f"{source} {action.name} {action.target}"
        for action in machine.actions.values()
        for source in action.sources
        if action.target not in (None, source)
    }


def test_quotes_move_as_the_domain_says() -> None:
    assert steps(QUOTE) == {
        "draft send sent",
        "sent approve approved",
        "sent reject rejected",
        "approved convert converted",
        "draft cancel cancelled",
        "sent cancel cancelled",
        "approved cancel cancelled",
    }
    assert QUOTE.sources("update") == ["draft"]


def test_orders_move_as_the_domain_says() -> None:
    assert steps(ORDER["delivery"]) == {
        "pending prepare preparing",
        "preparing dispatch out_for_delivery",
        "out_for_delivery deliver delivered",
        "pending cancel cancelled",
        "preparing cancel cancelled",
        "out_for_delivery cancel cancelled",
    }
    assert steps(ORDER["pickup"]) == {
        "pending prepare preparing",
        "preparing ready ready_for_pickup",
        "ready_for_pickup deliver delivered",
        "pending cancel cancelled",
        "preparing cancel cancelled",
    }
    assert steps(ORDER["counter"]) == set()


@pytest.mark.parametrize("name", sorted(MACHINES))
@given(walk=WALKS)
def test_every_walk_ends_in_a_final_state_and_stays_there(name: str, walk: list[int]) -> None:
    machine = MACHINES[name]
    state = machine.states[0]
    for choice in walk:
        moves = [
            action
            for action in machine.allowed(state, ALL_PERMISSIONS)
            if machine.actions[action].target not in (None, state)
        ]
        assert (state in FINAL[name]) == (not moves)
        if not moves:
            break
        state = machine.actions[moves[choice % len(moves)]].target or state
        assert state in machine.states


@pytest.mark.parametrize("name", sorted(MACHINES))
@given(permissions=st.frozensets(st.sampled_from(sorted(ALL_PERMISSIONS))))
def test_an_action_is_offered_exactly_when_the_state_and_the_permission_are_there(
    name: str, permissions: frozenset[str]
) -> None:
    machine = MACHINES[name]
    for state in machine.states:
        offered = machine.allowed(state, permissions)
        for action in machine.actions.values():
            assert (action.name in offered) == (state in action.sources and action.permission in permissions)
        refused = machine.conflict(state, "nonsense", permissions)
        assert (refused.status, refused.extra) == (
            409,
            {"current_state": state, "allowed_actions": offered},
        )


@pytest.mark.parametrize(
    ("role", "offered"),
    [
        (Role.OWNER, ["approve", "reject", "cancel", "duplicate"]),
        (Role.SELLER, ["cancel", "duplicate"]),
        (Role.FINANCE, ["approve", "reject"]),
        (Role.STOCK_KEEPER, []),
        (Role.DRIVER, []),
    ],
)
def test_a_sent_quote_offers_each_role_its_own_actions(role: Role, offered: list[str]) -> None:
    assert orjson.loads(allowed_on_quotes(PERMISSIONS[role]))["sent"] == offered


@pytest.mark.parametrize(
    ("role", "approval", "offered"),
    [
        (Role.SELLER, "pending", ["update", "cancel", "duplicate"]),
        (Role.FINANCE, "pending", ["approve_discount", "deny_discount"]),
        (Role.OWNER, "pending", ["update", "cancel", "duplicate", "approve_discount", "deny_discount"]),
        (Role.OWNER, "denied", ["update", "cancel", "duplicate"]),
        (Role.SELLER, "approved", ["update", "send", "cancel", "duplicate"]),
        (Role.SELLER, None, ["update", "send", "cancel", "duplicate"]),
    ],
)
def test_a_draft_is_not_sent_while_its_discounts_wait_or_are_denied(
    role: Role, approval: str | None, offered: list[str]
) -> None:
    assert allowed_on_draft(approval, PERMISSIONS[role]) == offered


def test_only_finance_and_the_owner_cancel_orders() -> None:
    may = {
        role
        for role in Role
        if "cancel" in orjson.loads(allowed_on_orders(PERMISSIONS[role]))["delivery"]["pending"]
    }
    assert may == {Role.OWNER, Role.FINANCE}


def test_the_guards_of_the_statements_name_the_fulfilment_with_the_state() -> None:
    assert order_sources("deliver") == ["delivery/out_for_delivery", "pickup/ready_for_pickup"]
    assert order_sources("dispatch") == ["delivery/preparing"]
    assert order_target("ready") == "ready_for_pickup"
    with pytest.raises(ValueError, match="leads nowhere"):
        order_target("duplicate")


def test_the_tables_the_models_and_the_database_know_the_same_states() -> None:
    migration = (SQL_DIRECTORY / "migrations" / "0003_sales.sql").read_text()
    checked = [
        set(re.findall(r"'(\w+)'", found))
        for found in re.findall(r"check \(status in \(([^)]*)\)", migration)
    ]
    assert checked == [set(QUOTE.states), {state for machine in ORDER.values() for state in machine.states}]
    assert set(QuoteStatus) == set(QUOTE.states)
    assert set(OrderStatus) == checked[1]


def test_an_action_with_a_misspelt_state_is_refused_when_the_table_is_built() -> None:
    with pytest.raises(ValueError, match="unknown states"):
        StateMachine(("open", "shut"), Action("close", frozenset({"opne"}), "shut", "doors:close"))
