"""The sentences that explain an engine's advice, with its numbers, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

_BABEL = {"pt-BR": "pt_BR", "en": "en"}


class Numbers:
    """Formats numbers as readers of one locale (``pt-BR`` or ``en``) write them; money is BRL."""

    def __init__(self, locale: str) -> None:
        self.portuguese = locale == "pt-BR"
        self._locale = _BABEL[locale]

    def number(self, value: float | Decimal, places: int = 1) -> str:
        """With at most ``places`` decimals."""
        pattern = "#,##0." + "#" * places if places else "#,##0"
        return format_decimal(value, format=pattern, locale=self._locale)

    def counted(self, value: float | Decimal, one: str, many: str, places: int = 1) -> str:
        """A number with the word for what it counts: Portuguese says "1,5 dia", English "1.5 days"."""
        shown = round(float(value), places)
        single = shown < 2 if self.portuguese else shown == 1
        return f"{self.number(shown, places)} {one if single else many}"

    def days(self, value: float | Decimal) -> str:
        """A number of days."""
        return self.counted(value, "dia", "dias") if self.portuguese else self.counted(value, "day", "days")

    def percent(self, share: float) -> str:
        """A fraction as per cent, with at most one decimal."""
        return format_percent(share, format="#,##0.#%", locale=self._locale)

    def money(self, value: float | Decimal) -> str:
        """An amount of BRL."""
        return format_currency(value, "BRL", locale=self._locale)

    def day(self, value: date) -> str:
        """A day, short."""
        return format_date(value, format="short" if self.portuguese else "medium", locale=self._locale)


def explain_alert(row: Mapping[str, Any], numbers: Numbers) -> str:
    """Why there is this alert about a product's stock."""
    if row["kind"] == "stock_out":
        return _stock_out(row, numbers)
    if row["kind"] == "excess":
        return _excess(row, numbers)
    return _dead_stock(row, numbers)


def _stock_out(row: Mapping[str, Any], numbers: Numbers) -> str:
    unit, available = row["unit"], numbers.number(row["available"], 3)
    reorder, mean = numbers.number(row["reorder_point"]), numbers.number(row["mean"])
    lead_time = numbers.days(row["lead_time_days"] or 0)
    if row["days_left"] is None:
        if numbers.portuguese:
            return f"Há {available} {unit} disponíveis, abaixo do mínimo definido de {reorder} {unit}."
        return f"{available} {unit} are available, below the set minimum of {reorder} {unit}."
    days = numbers.days(row["days_left"])
    if numbers.portuguese:
        return (
            f"Há {available} {unit} disponíveis e saem em média {mean} por dia: o estoque dura {days}. "
            f"A reposição leva {lead_time} e o ponto de pedido é {reorder} {unit}."
        )
    return (
        f"{available} {unit} are available and {mean} are sold per day on average: the stock lasts {days}. "
        f"Replenishment takes {lead_time} and the reorder point is {reorder} {unit}."
    )


def _excess(row: Mapping[str, Any], numbers: Numbers) -> str:
    unit, available = row["unit"], numbers.number(row["available"], 3)
    maximum = numbers.number(row["maximum"])
    over = float(row["available"]) - row["maximum"]
    tied = None if row["cost"] is None else numbers.money(float(row["cost"]) * over)
    if numbers.portuguese:
        sentence = (
            f"Há {available} {unit} disponíveis, {numbers.number(over)} acima do máximo de {maximum} {unit}"
        )
        return f"{sentence}; capital parado: {tied}." if tied else f"{sentence}."
    sentence = (
        f"{available} {unit} are available, {numbers.number(over)} above the maximum of {maximum} {unit}"
    )
    return f"{sentence}; capital tied up: {tied}." if tied else f"{sentence}."


def _dead_stock(row: Mapping[str, Any], numbers: Numbers) -> str:
    unit, on_hand = row["unit"], numbers.number(row["on_hand"], 3)
    since = max(day for day in (row["last_sale_day"], row["stocked_since"]) if day is not None)
    days = numbers.number((row["today"] - since).days, 0)
    tied = None if row["cost"] is None else numbers.money(float(row["cost"]) * float(row["on_hand"]))
    if numbers.portuguese:
        sentence = (
            f"Há {on_hand} {unit} em estoque e nenhuma venda há {days} dias (desde {numbers.day(since)})"
        )
        return f"{sentence}; capital parado: {tied}." if tied else f"{sentence}."
    sentence = f"{on_hand} {unit} are in stock and none was sold for {days} days (since {numbers.day(since)})"
    return f"{sentence}; capital tied up: {tied}." if tied else f"{sentence}."


def explain_suggestion(row: Mapping[str, Any], numbers: Numbers) -> str:
    """Why to buy this much of a product now."""
    quantity, unit = numbers.number(row["suggested_quantity"], 3), row["unit"]
    maximum, abc = numbers.number(row["maximum"]), row["abc_class"]
    ordered = numbers.number(row["on_order"], 3) if row["on_order"] else None
    if numbers.portuguese:
        already = f", descontados {ordered} já pedidos" if ordered else ""
        return (
            f"Compre {quantity} {unit} para chegar ao máximo de {maximum} {unit}{already}. "
            f"{_stock_out(row, numbers)} Classe {abc}."
        )
    already = f", less {ordered} already on order" if ordered else ""
    return (
        f"Buy {quantity} {unit} to reach the maximum of {maximum} {unit}{already}. "
        f"{_stock_out(row, numbers)} Class {abc}."
    )


def explain_class(row: Mapping[str, Any], numbers: Numbers) -> str:
    """Why a product is of its ABC class."""
    revenue, share = numbers.money(row["window_revenue"]), numbers.percent(row["share"])
    cumulative, days = numbers.percent(row["cumulative_share"]), row["window_days"]
    if numbers.portuguese:
        return (
            f"Vendeu {revenue} nos últimos {days} dias, {share} do total; "
            f"com os produtos que vendem mais, {cumulative}: classe {row['abc_class']}."
        )
    return (
        f"Sold {revenue} in the last {days} days, {share} of the total; "
        f"{cumulative} together with the products that sell more: class {row['abc_class']}."
    )


def explain_rule(row: Mapping[str, Any], numbers: Numbers) -> str:
    """Why a product goes with another."""
    together, first = numbers.number(row["together"], 0), numbers.number(row["first_orders"], 0)
    confidence = numbers.percent(row["confidence"])
    if numbers.portuguese:
        lift = numbers.counted(row["lift"], "vez", "vezes", 2)
        return (
            f"{row['name']} foi junto em {together} das {first} vendas com {row['first_name']} ({confidence}), "
            f"{lift} o esperado por acaso."
        )
    lift = numbers.counted(row["lift"], "time", "times", 2)
    return (
        f"{row['name']} was sold in {together} of the {first} sales with {row['first_name']} ({confidence}), "
        f"{lift} what chance would have it."
    )
