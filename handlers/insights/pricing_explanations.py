"""The sentences that explain the pricing engine's advice, with its numbers, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handlers.insights.explanations import Numbers

_STABILITY = {
    True: {"stable": "preço estável", "variable": "preço variável", "volatile": "preço instável"},
    False: {"stable": "a stable price", "variable": "a variable price", "volatile": "a volatile price"},
}


def explain_offer(offer: Mapping[str, Any], cheapest: Mapping[str, Any], unit: str, numbers: Numbers) -> str:
    """What an offer costs and how it compares with the cheapest."""
    pt, name = numbers.portuguese, offer["supplier_name"]
    price, landed = numbers.money(offer["price"]), numbers.money(offer["landed"])
    days = numbers.days(offer["payment_days"])
    over = dearer(offer, cheapest)
    if pt:
        place = f"{numbers.percent(over)} acima do menor preço" if over else "o menor preço"
        sentence = f"{name} pede {price} por {unit}, {place}; com {days} para pagar, custa {landed}"
    else:
        place = f"{numbers.percent(over)} above the lowest price" if over else "the lowest price"
        sentence = f"{name} asks {price} per {unit}, {place}; with {days} to pay it costs {landed}"
    if offer["stability"] is not None:
        known = numbers.counted(offer["prices"], "preço", "preços") if pt else f"{offer['prices']} prices"
        sentence += f"; {_STABILITY[pt][offer['stability']]} ({known})"
    return f"{sentence}."


def dearer(offer: Mapping[str, Any], cheapest: Mapping[str, Any]) -> float:
    """How much dearer than the cheapest price, as a fraction; 0 when that is for free."""
    return float(offer["price"] / cheapest["price"]) - 1 if cheapest["price"] else 0.0


def explain_comparison(offers: Sequence[Mapping[str, Any]], numbers: Numbers) -> str:
    """What the comparison says in one sentence; the offers by landed cost."""
    if not offers:
        return _no_offer(numbers)
    best, worst = offers[0], offers[-1]
    cost, most = numbers.money(best["landed"]), numbers.money(worst["landed"])
    if numbers.portuguese:
        count = numbers.counted(len(offers), "fornecedor", "fornecedores")
        rest = f", até {most} de {worst['supplier_name']}" if len(offers) > 1 else ""
        return f"{count} com preço vigente: de {cost} de {best['supplier_name']}{rest}, já no valor de hoje."
    count = numbers.counted(len(offers), "supplier", "suppliers")
    rest = f" to {most} of {worst['supplier_name']}" if len(offers) > 1 else ""
    return (
        f"{count} with a price that counts: from {cost} of {best['supplier_name']}{rest}, at today's value."
    )


def reasons(offers: Sequence[Mapping[str, Any]], numbers: Numbers) -> list[tuple[str, str]]:
    """(code, sentence) for buying from the first of the offers, which has the lowest landed cost."""
    best, others, pt = offers[0], offers[1:], numbers.portuguese
    cost, price = numbers.money(best["landed"]), numbers.money(best["price"])
    if not others:
        only = "É o único com preço vigente." if pt else "It is the only one with a price that counts."
        return [("only_supplier", only)]
    less = numbers.money(others[0]["landed"] - best["landed"])
    found = [
        (
            "lowest_landed_cost",
            f"Menor custo no valor de hoje: {cost}, {less} abaixo do seguinte ({others[0]['supplier_name']})."
            if pt
            else f"Lowest cost at today's value: {cost}, {less} below the next ({others[0]['supplier_name']}).",
        )
    ]
    if all(best["price"] < other["price"] for other in others):
        found.append(("lowest_price", f"Menor preço: {price}." if pt else f"Lowest price: {price}."))
    if all(best["payment_days"] > other["payment_days"] for other in others):
        days = numbers.days(best["payment_days"])
        found.append(
            ("longest_payment", f"Maior prazo para pagar: {days}." if pt else f"Longest time to pay: {days}.")
        )
    times = [other["lead_time_days"] for other in others]
    if best["lead_time_days"] is not None and all(
        t is not None and t > best["lead_time_days"] for t in times
    ):
        days = numbers.days(best["lead_time_days"])
        found.append(("fastest", f"Entrega mais rápida: {days}." if pt else f"Fastest delivery: {days}."))
    if best["stability"] == "stable":
        found.append(("stable_price", "Preço estável." if pt else "Stable price."))
    return found


def explain_suggestion(
    offers: Sequence[Mapping[str, Any]], alternatives: int, unit: str, numbers: Numbers
) -> str:
    """Whom to buy from, in one sentence with the first reason."""
    if not offers:
        return _no_offer(numbers)
    best = offers[0]
    price, why = numbers.money(best["price"]), reasons(offers, numbers)[0][1]
    if numbers.portuguese:
        near = numbers.counted(alternatives, "alternativa fica", "alternativas ficam")
        rest = f" {near} a até 5% disso." if alternatives else ""
        return f"Compre de {best['supplier_name']} a {price} por {unit}. {why}{rest}"
    near = numbers.counted(alternatives, "alternative is", "alternatives are")
    rest = f" {near} within 5% of it." if alternatives else ""
    return f"Buy from {best['supplier_name']} at {price} per {unit}. {why}{rest}"


def explain_base_cost(row: Mapping[str, Any], margin: float | None, numbers: Numbers) -> str:
    """Where the base cost comes from and what it leaves."""
    pt = numbers.portuguese
    if row["base_cost"] is None:
        return (
            "Ainda não há preço, compra nem custo deste produto."
            if pt
            else "There is no price, purchase or cost of this product yet."
        )
    source = {
        "best": ("melhor preço vigente", "the best price that counts"),
        "average": ("média dos preços vigentes", "the mean of the prices that count"),
        "last": ("última compra", "the last purchase"),
        "product": ("cadastro do produto", "the product's own cost"),
    }[row["base_source"]][0 if pt else 1]
    cost = numbers.money(row["base_cost"])
    sentence = f"Custo base de {cost} pela {source}" if pt else f"Base cost of {cost} by {source}"
    if pt and row["base_source"] in ("best", "product"):
        sentence = f"Custo base de {cost} pelo {source}"
    if margin is None:
        return f"{sentence}."
    price, left = numbers.money(row["sale_price"]), numbers.percent(margin)
    floor = numbers.percent(float(row["effective"]["margin_floor_percent"]) / 100)
    return (
        f"{sentence}; vendido a {price}, a margem é de {left} (mínimo {floor})."
        if pt
        else f"{sentence}; sold at {price} it leaves a margin of {left} (floor {floor})."
    )


def explain_price_alert(row: Mapping[str, Any], numbers: Numbers) -> str:
    """Why there is this alert."""
    pt, effective = numbers.portuguese, row["effective"]
    old, new = numbers.money(row["reference"]), numbers.money(row["value"])
    if row["kind"] == "margin":
        left = numbers.percent(row["share"])
        floor = numbers.percent(float(effective["margin_floor_percent"]) / 100)
        return (
            f"{row['name']} custa {new} e é vendido a {old}: a margem de {left} está abaixo do mínimo de {floor}."
            if pt
            else f"{row['name']} costs {new} and is sold at {old}: the margin of {left} is below the floor of {floor}."
        )
    moved, days = numbers.percent(abs(row["share"])), numbers.days(effective["variation_days"])
    rise = row["kind"] == "price_rise"
    if pt:
        verb = "aumentou" if rise else "baixou"
        return f"{row['supplier_name']} {verb} {row['name']} em {moved} em até {days}: de {old} para {new}."
    verb = "raised" if rise else "lowered"
    return f"{row['supplier_name']} {verb} {row['name']} by {moved} within {days}: from {old} to {new}."


def explain_trend(figures: Mapping[str, Any], numbers: Numbers) -> str:
    """Where a price is going, and how sure that is."""
    pt, slope = numbers.portuguese, figures["slope_per_month"]
    if slope is None:
        return (
            "Há menos de três preços no período: ainda não se vê tendência."
            if pt
            else "There are fewer than three prices in the window: no trend can be seen yet."
        )
    sure, points = numbers.percent(figures["confidence"]), figures["points"]
    moved = numbers.money(abs(slope))
    if figures["direction"] == "steady":
        return (
            f"Sem tendência clara em {points} preços (confiança de {sure})."
            if pt
            else f"No clear trend in {points} prices (confidence {sure})."
        )
    if pt:
        verb = "Sobe" if figures["direction"] == "rising" else "Cai"
        return f"{verb} {moved} por mês em {points} preços (confiança de {sure})."
    verb = "Rises" if figures["direction"] == "rising" else "Falls"
    return f"{verb} by {moved} per month over {points} prices (confidence {sure})."


def _no_offer(numbers: Numbers) -> str:
    if numbers.portuguese:
        return "Nenhum fornecedor ativo tem preço vigente para este produto."
    return "No supplier in use has a price of this product that counts."
