"""Differences between two contents of a quote, said in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from handlers.insights.explanations import Numbers
from handlers.quotes.comparison import Comparison, LineChange

_HEADER = {
    "customer": ("Cliente", "Customer"),
    "site": ("Obra", "Site"),
    "discount_percent": ("Desconto geral", "Overall discount"),
    "validity_days": ("Validade", "Validity"),
}


def say_header(name: str, before: Any, after: Any, numbers: Numbers) -> str:
    """What changed of the quote as a whole; notes are only said to have changed, for they may be pages."""
    if name == "notes":
        return "As observações mudaram." if numbers.portuguese else "The notes changed."
    title = _HEADER[name][0 if numbers.portuguese else 1]
    return f"{title}: {_header_value(name, before, numbers)} → {_header_value(name, after, numbers)}."


def say_line(line: LineChange, numbers: Numbers) -> str:
    """What happened to a line."""
    name, pt = line.shown["name"], numbers.portuguese
    if line.change == "added":
        return f"{'Entrou' if pt else 'Added'}: {_whole(line.shown, numbers)}."
    if line.change == "removed":
        return f"{'Saiu' if pt else 'Removed'}: {_whole(line.shown, numbers)}."
    before, after = line.before or {}, line.after or {}
    parts = []
    if {"quantity", "unit"} & set(line.fields):
        word = "quantidade" if pt else "quantity"
        parts.append(f"{word} {_quantity(before, numbers)} → {_quantity(after, numbers)}")
    if {"unit_price", "price_unit"} & set(line.fields):
        word = "preço" if pt else "price"
        parts.append(f"{word} {_price(before, numbers)} → {_price(after, numbers)}")
    if "discount_percent" in line.fields:
        word = "desconto" if pt else "discount"
        old, new = (_percent(item["discount_percent"], numbers) for item in (before, after))
        parts.append(f"{word} {old} → {new}")
    if "note" in line.fields:
        parts.append("observação alterada" if pt else "note changed")
    return f"{name}: {', '.join(parts)}."


def say_total(comparison: Comparison, numbers: Numbers) -> str:
    """How the total moved, and by how much."""
    before, after = comparison.totals["total"]
    if before == after:
        same = numbers.money(after)
        return f"Total sem mudança: {same}." if numbers.portuguese else f"Total unchanged: {same}."
    moved = f"{'+' if comparison.difference > 0 else ''}{numbers.money(comparison.difference)}"
    return f"Total: {numbers.money(before)} → {numbers.money(after)} ({moved})."


def _header_value(name: str, value: Any, numbers: Numbers) -> str:
    if name == "discount_percent":
        return _percent(value, numbers)
    if name == "validity_days":
        return numbers.days(value)
    if value is None:
        return "nenhuma" if numbers.portuguese else "none"
    return str(value)


def _whole(item: Mapping[str, Any], numbers: Numbers) -> str:
    discount = Decimal(item["discount_percent"])
    less = f" (-{_percent(discount, numbers)})" if discount else ""
    return f"{_quantity(item, numbers)} {item['name']} × {_price(item, numbers)}{less}"


def _quantity(item: Mapping[str, Any], numbers: Numbers) -> str:
    return f"{numbers.number(Decimal(item['quantity']), 3)} {item['unit']}"


def _price(item: Mapping[str, Any], numbers: Numbers) -> str:
    return f"{numbers.money(Decimal(item['unit_price']))}/{item['price_unit']}"


def _percent(value: str | Decimal, numbers: Numbers) -> str:
    return f"{numbers.number(Decimal(value), 2)} %"
