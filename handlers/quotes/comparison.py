"""What differs between two contents of a quote: lines, header and totals, structured and in sentences. Pure.

A content is a quote's or an order's JSON as clients read it. Lines have no identity of their own (a change replaces
them all), so they are matched by product: equal ones first, then in their order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

Item = Mapping[str, Any]

LINE_FIELDS = ("quantity", "unit", "unit_price", "price_unit", "discount_percent", "note")
HEADER_FIELDS = ("customer", "site", "discount_percent", "validity_days", "notes")
TOTALS = ("subtotal", "discount_amount", "total")


@dataclass(frozen=True, slots=True)
class LineChange:
    """A line that was added, removed or changed; ``fields`` names what changed of it."""

    change: Literal["added", "removed", "changed"]
    before: Item | None
    after: Item | None
    fields: tuple[str, ...] = ()

    @property
    def shown(self) -> Item:
        """The line as it is now, or was when it is gone."""
        shown = self.after if self.after is not None else self.before
        if shown is None:
            raise ValueError("a change has a side")
        return shown


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences; ``header`` maps a field to before and after, ``totals`` every total."""

    header: Mapping[str, tuple[Any, Any]]
    lines: Sequence[LineChange]
    totals: Mapping[str, tuple[Decimal, Decimal]]

    @property
    def difference(self) -> Decimal:
        """By how much the total rose; negative when it fell."""
        before, after = self.totals["total"]
        return after - before


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> Comparison:
    """The differences of two contents, changed and added lines in the order of ``after``, then the removed ones."""
    differing = [name for name in HEADER_FIELDS if _header(before, name) != _header(after, name)]
    return Comparison(
        {name: (_shown(before, name), _shown(after, name)) for name in differing},
        compare_lines(before["items"], after["items"]),
        {name: (Decimal(before[name]), Decimal(after[name])) for name in TOTALS},
    )


def compare_lines(before: Sequence[Item], after: Sequence[Item]) -> list[LineChange]:
    """The lines that differ."""
    partners = _partners(before, after)
    changes = []
    for item in after:
        old = partners.get(id(item))
        if old is None:
            changes.append(LineChange("added", None, item))
        elif fields := tuple(name for name in LINE_FIELDS if _value(old, name) != _value(item, name)):
            changes.append(LineChange("changed", old, item, fields))
    kept = {id(old) for old in partners.values()}
    return changes + [LineChange("removed", item, None) for item in before if id(item) not in kept]


def _partners(before: Sequence[Item], after: Sequence[Item]) -> dict[int, Item]:
    """By the identity of each line of ``after`` that has one: its line of ``before``."""
    waiting: dict[str, list[Item]] = defaultdict(list)
    for item in before:
        waiting[item["product_id"]].append(item)
    partners: dict[int, Item] = {}
    for item, old in _pairs(after, waiting, equal=True):
        partners[id(item)] = old
    for item, old in _pairs([item for item in after if id(item) not in partners], waiting, equal=False):
        partners[id(item)] = old
    return partners


def _pairs(
    after: Sequence[Item], waiting: dict[str, list[Item]], *, equal: bool
) -> Iterator[tuple[Item, Item]]:
    for item in after:
        candidates = waiting[item["product_id"]]
        for place, old in enumerate(candidates):
            if not equal or all(_value(old, name) == _value(item, name) for name in LINE_FIELDS):
                del candidates[place]
                yield item, old
                break


def _value(item: Item, name: str) -> Any:
    value = item[name]
    return Decimal(value) if name in ("quantity", "unit_price", "discount_percent") else value or None


def _header(content: Mapping[str, Any], name: str) -> Any:
    if name in ("customer", "site"):
        return content[f"{name}_id"]
    return Decimal(content[name]) if name == "discount_percent" else content[name]


def _shown(content: Mapping[str, Any], name: str) -> Any:
    return content[f"{name}_name"] if name in ("customer", "site") else content[name]
