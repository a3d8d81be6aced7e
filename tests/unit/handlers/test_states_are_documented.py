"""The tables of docs/states.md are those of the code: a step or a permission that changes makes its row wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from handlers.permissions import PERMISSIONS
from handlers.states import ORDER, QUOTE
from tests.support.stores import ROLES

DOCUMENT = (Path(__file__).parents[3] / "docs" / "states.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    section = DOCUMENT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def words(cell: str) -> list[str]:
    return [word.strip() for word in cell.split(",")]


def holders(permission: str) -> set[str]:
    return {role.value.replace("_", " ") for role in ROLES if permission in PERMISSIONS[role]}


def test_every_action_on_a_quote_has_its_row() -> None:
    shown = {}
    for actions, sources, targets, permissions, people in rows("Quotes"):
        for action, permission in zip(words(actions), words(permissions), strict=True):
            target = dict(zip(words(actions), words(targets), strict=False)).get(action)
            shown[action] = (sources, target, permission.strip("`"))
            assert set(words(people.split(";")[0])) == holders(permission.strip("`")), action
    assert set(shown) == set(QUOTE.actions)
    for name, action in QUOTE.actions.items():
        sources, target, permission = shown[name]
        expected = "any" if action.sources == set(QUOTE.states) else ", ".join(QUOTE.sources(name))
        assert (sources, permission) == (expected, action.permission)
        assert action.target is None or target == action.target


def test_every_action_on_an_order_has_its_row() -> None:
    shown = {}
    for actions, permissions, people, _ in rows("Orders"):
        for action, permission in zip(words(actions), words(permissions), strict=False):
            shown[action] = permission.strip("`")
            assert set(words(people)) == holders(permission.strip("`")), action
    assert shown.pop("(placed)") == "orders:create"
    assert shown == {
        name: action.permission for machine in ORDER.values() for name, action in machine.actions.items()
    }


@pytest.mark.parametrize(("label", "fulfilment"), [("delivery", "delivery"), ("pick-up", "pickup")])
def test_the_way_of_an_order_is_drawn_as_it_is(label: str, fulfilment: str) -> None:
    drawn = re.search(rf"^{label}: +(.*)$", DOCUMENT, re.MULTILINE)
    assert drawn is not None
    parts = re.split(r" ─+|─+▶ ", drawn[1])
    machine = ORDER[fulfilment]
    for source, action, target in zip(parts[::2], parts[1::2], parts[2::2], strict=False):
        assert source in machine.actions[action].sources
        assert machine.actions[action].target == target
    assert parts[::2] == [state for state in machine.states if state != "cancelled"]
