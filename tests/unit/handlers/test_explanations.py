"""The sentences that explain advice, in both languages."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from handlers.insights.explanations import (
    Numbers,
    explain_alert,
    explain_class,
    explain_rule,
    explain_suggestion,
)
from handlers.insights.forecast import forecast_of

PORTUGUESE, ENGLISH = Numbers("pt-BR"), Numbers("en")
CEMENT: dict[str, Any] = {
    "kind": "stock_out",
    "unit": "SC",
    "on_hand": Decimal("1250.000"),
    "available": Decimal("1234.500"),
    "on_order": Decimal(0),
    "mean": 205.75,
    "reorder_point": 2041.349,
    "maximum": 3500.0,
    "days_left": 6.0,
    "lead_time_days": 7.0,
    "suggested_quantity": 2300.0,
    "abc_class": "A",
    "cost": Decimal("31.50"),
    "last_sale_day": date(2026, 3, 2),
    "stocked_since": date(2026, 1, 5),
    "today": date(2026, 5, 4),
}


def test_a_stock_out_says_how_long_the_stock_lasts_and_when_to_order() -> None:
    assert explain_alert(CEMENT, PORTUGUESE) == (
        "Há 1.234,5 SC disponíveis e saem em média 205,8 por dia: o estoque dura 6 dias. "
        "A reposição leva 7 dias e o ponto de pedido é 2.041,3 SC."
    )
    assert explain_alert(CEMENT, ENGLISH) == (
        "1,234.5 SC are available and 205.8 are sold per day on average: the stock lasts 6 days. "
        "Replenishment takes 7 days and the reorder point is 2,041.3 SC."
    )


def test_without_demand_the_minimum_is_the_reason() -> None:
    row = {**CEMENT, "days_left": None, "mean": 0.0, "reorder_point": 2000.0}
    assert "abaixo do mínimo definido de 2.000 SC" in explain_alert(row, PORTUGUESE)
    assert "below the set minimum of 2,000 SC" in explain_alert(row, ENGLISH)


def test_excess_says_what_it_costs_when_that_is_known() -> None:
    row = {**CEMENT, "kind": "excess", "maximum": 1000.0}
    assert explain_alert(row, PORTUGUESE) == (
        "Há 1.234,5 SC disponíveis, 234,5 acima do máximo de 1.000 SC; capital parado: R$\xa07.386,75."
    )
    assert explain_alert({**row, "cost": None}, ENGLISH) == (
        "1,234.5 SC are available, 234.5 above the maximum of 1,000 SC."
    )


def test_dead_stock_says_since_when() -> None:
    row = {**CEMENT, "kind": "dead_stock"}
    assert explain_alert(row, PORTUGUESE).startswith(
        "Há 1.250 SC em estoque e nenhuma venda há 63 dias (desde 02/03/2026)"
    )
    assert "none was sold for 63 days (since Mar 2, 2026)" in explain_alert(row, ENGLISH)


def test_a_suggestion_says_what_is_already_on_order() -> None:
    assert explain_suggestion(CEMENT, PORTUGUESE).startswith(
        "Compre 2.300 SC para chegar ao máximo de 3.500 SC. Há 1.234,5 SC"
    )
    on_order = explain_suggestion({**CEMENT, "on_order": Decimal(100)}, ENGLISH)
    assert on_order.startswith("Buy 2,300 SC to reach the maximum of 3,500 SC, less 100 already on order.")
    assert on_order.endswith("Class A.")


def test_a_class_says_what_share_the_product_has() -> None:
    row = {
        "window_revenue": 1500.0,
        "share": 0.125,
        "cumulative_share": 0.8,
        "window_days": 90,
        "abc_class": "A",
    }
    assert explain_class(row, PORTUGUESE) == (
        "Vendeu R$\xa01.500,00 nos últimos 90 dias, 12,5% do total; "
        "com os produtos que vendem mais, 80%: classe A."
    )
    assert "12.5% of the total" in explain_class(row, ENGLISH)


def test_a_rule_says_how_often_and_how_much_more_than_by_chance() -> None:
    row = {
        "name": "Areia", "first_name": "Cimento", "together": 1200, "first_orders": 2400, "confidence": 0.5,
        "lift": 1.2345,
    }  # fmt: skip
    assert explain_rule(row, PORTUGUESE) == (
        "Areia foi junto em 1.200 das 2.400 vendas com Cimento (50%), 1,23 vez o esperado por acaso."
    )
    assert explain_rule(row, ENGLISH) == (
        "Areia was sold in 1,200 of the 2,400 sales with Cimento (50%), 1.23 times what chance would have it."
    )


FORECAST: dict[str, Any] = {
    "unit": "SC", "mean": 10.0, "lift": 0.9, "lead_time_days": 14.0, "window_days": 90, "method": "seasonal",
    "pattern": "smooth", "xyz_class": "X", "wape": 0.183, "mase": 0.72, "week_error": 9.0,
}  # fmt: skip


def test_a_forecast_says_its_method_its_interval_and_its_error() -> None:
    shown = forecast_of(FORECAST, PORTUGUESE)
    assert shown["explanation"] == (
        "Demanda esperada em 14 dias: 126 SC, por sazonalidade do ano; em 4 de cada 5 vezes, de 109,7 a 142,3 SC. "
        "Erro médio das semanas passadas: 18,3%."
    )
    assert forecast_of(FORECAST, ENGLISH)["explanation"] == (
        "Demand expected in 14 days: 126 SC, by the season of the year; 4 times in 5 it is 109.7 to 142.3 SC. "
        "Mean error of past weeks: 18.3%."
    )
    assert (shown["expected"], shown["low"], shown["wape"], shown["mase"]) == (
        "126.000",
        "109.688",
        0.183,
        0.72,
    )


def test_every_method_has_a_name_in_both_languages() -> None:
    for method in ("mean", "recent", "croston", "tsb", "seasonal"):
        row = {**FORECAST, "method": method, "wape": None, "week_error": None}
        shown = [forecast_of(row, numbers) for numbers in (PORTUGUESE, ENGLISH)]
        assert shown[0]["explanation"] != shown[1]["explanation"]
        assert "ainda sem semanas suficientes" in shown[0]["explanation"]
        assert shown[1]["low"] is None
