"""What the pricing engine's advice says, in both languages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from handlers.insights.explanations import Numbers
from handlers.insights.pricing_explanations import (
    explain_base_cost,
    explain_comparison,
    explain_offer,
    explain_price_alert,
    explain_suggestion,
    explain_trend,
    reasons,
)

PT, EN = Numbers("pt-BR"), Numbers("en")


def offer(name: str, price: str, **given: Any) -> dict[str, Any]:
    usual = {
        "payment_days": 0,
        "lead_time_days": None,
        "stability": None,
        "prices": 1,
        "landed": float(price),
    }
    return {"supplier_name": name, "price": Decimal(price), **usual, **given}


def plain(text: str) -> str:
    return text.replace("\xa0", " ")


def test_an_offer_says_what_it_costs_and_how_steady_it_is() -> None:
    dear = offer("Sul", "11", payment_days=28, stability="volatile", prices=4, landed=10.85)
    cheap = offer("Norte", "10")
    assert plain(explain_offer(dear, cheap, "SC", PT)) == (
        "Sul pede R$ 11,00 por SC, 10% acima do menor preço; com 28 dias para pagar, custa R$ 10,85; "
        "preço instável (4 preços)."
    )
    assert explain_offer(dear, cheap, "SC", EN) == (
        "Sul asks R$11.00 per SC, 10% above the lowest price; with 28 days to pay it costs R$10.85; "
        "a volatile price (4 prices)."
    )
    assert "o menor preço" in explain_offer(cheap, cheap, "SC", PT)
    free = offer("Grátis", "0")
    assert "the lowest price" in explain_offer(dear, free, "SC", EN)


def test_every_reason_has_its_sentence() -> None:
    best = offer("Sul", "10", payment_days=60, lead_time_days=2, stability="stable", landed=9.8)
    other = offer("Norte", "10.50", payment_days=30, lead_time_days=5, landed=10.3)
    assert [code for code, _ in reasons([best, other], PT)] == [
        "lowest_landed_cost",
        "lowest_price",
        "longest_payment",
        "fastest",
        "stable_price",
    ]
    assert [plain(text) for _, text in reasons([best, other], EN)] == [
        "Lowest cost at today's value: R$9.80, R$0.50 below the next (Norte).",
        "Lowest price: R$10.00.",
        "Longest time to pay: 60 days.",
        "Fastest delivery: 2 days.",
        "Stable price.",
    ]
    assert reasons([best], PT) == [("only_supplier", "É o único com preço vigente.")]
    even = offer("Norte", "10", payment_days=60, landed=9.8)
    assert [code for code, _ in reasons([even, even], PT)] == ["lowest_landed_cost"]


def test_one_supplier_or_none_is_said_as_such() -> None:
    alone = [offer("Sul", "10")]
    assert plain(explain_comparison(alone, PT)) == (
        "1 fornecedor com preço vigente: de R$ 10,00 de Sul, já no valor de hoje."
    )
    assert explain_suggestion(alone, 0, "SC", EN) == (
        "Buy from Sul at R$10.00 per SC. It is the only one with a price that counts."
    )
    assert explain_comparison([], EN) == explain_suggestion([], 0, "SC", EN)
    assert explain_comparison([], EN) == "No supplier in use has a price of this product that counts."


@pytest.mark.parametrize(
    ("source", "portuguese", "english"),
    [
        ("best", "pelo melhor preço vigente", "by the best price that counts"),
        ("average", "pela média dos preços vigentes", "by the mean of the prices that count"),
        ("last", "pela última compra", "by the last purchase"),
        ("product", "pelo cadastro do produto", "by the product's own cost"),
    ],
)
def test_a_base_cost_says_where_it_comes_from(source: str, portuguese: str, english: str) -> None:
    row = {"base_cost": Decimal("10"), "base_source": source}
    assert plain(explain_base_cost(row, None, PT)) == f"Custo base de R$ 10,00 {portuguese}."
    assert explain_base_cost(row, None, EN) == f"Base cost of R$10.00 {english}."
    assert "no price, purchase or cost" in explain_base_cost({"base_cost": None}, None, EN)


@pytest.mark.parametrize(
    ("kind", "share", "english"),
    [
        ("price_rise", 0.2, "Sul raised Areia by 20% within 30 days: from R$10.00 to R$12.00."),
        ("price_drop", -0.2, "Sul lowered Areia by 20% within 30 days: from R$10.00 to R$12.00."),
        (
            "margin",
            -0.2,
            "Areia costs R$12.00 and is sold at R$10.00: the margin of -20% is below the floor of 15%.",
        ),
    ],
)
def test_an_alert_says_what_happened(kind: str, share: float, english: str) -> None:
    row = {
        "kind": kind,
        "share": share,
        "name": "Areia",
        "supplier_name": "Sul",
        "reference": Decimal(10),
        "value": Decimal(12),
        "effective": {"variation_days": 30, "margin_floor_percent": "15.0"},
    }
    assert explain_price_alert(row, EN) == english


def test_a_trend_says_its_direction_or_that_there_is_none() -> None:
    figures = {"slope_per_month": -0.5, "confidence": 0.95, "points": 6, "direction": "falling"}
    assert plain(explain_trend(figures, PT)) == "Cai R$ 0,50 por mês em 6 preços (confiança de 95%)."
    assert explain_trend(figures, EN) == "Falls by R$0.50 per month over 6 prices (confidence 95%)."
    steady = {**figures, "direction": "steady", "confidence": 0.4}
    assert explain_trend(steady, PT) == "Sem tendência clara em 6 preços (confiança de 40%)."
    assert explain_trend(steady, EN) == "No clear trend in 6 prices (confidence 40%)."
    assert "fewer than three" in explain_trend({**figures, "slope_per_month": None}, EN)
