"""The sentences that explain the sales engine's advice, with its numbers, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handlers.insights.explanations import Numbers


def explain_substitute(row: Mapping[str, Any], numbers: Numbers) -> str:
    """Why a product can stand in for another."""
    pt, price = numbers.portuguese, numbers.money(row["base_price"])
    difference = row["base_price"] - row["first_price"]
    share = numbers.percent(abs(float(difference / row["first_price"]))) if row["first_price"] else None
    if not difference or share is None:
        compared = "o mesmo preço" if pt and not difference else "the same price" if not difference else ""
    elif pt:
        compared = f"{share} mais {'caro' if difference > 0 else 'barato'}"
    else:
        compared = f"{share} {'dearer' if difference > 0 else 'cheaper'}"
    shown = f"{price} ({compared})" if compared else price
    shared, customers = row["shared_customers"], row["first_customers"]
    if pt:
        sentence = f"{row['name']} é da mesma categoria e unidade e custa {shown}"
        if shared:
            verb = "comprou" if shared == 1 else "compraram"
            sentence += f"; {shared} de {customers} clientes de {row['first_name']} já {verb} os dois"
        return f"{sentence}."
    sentence = f"{row['name']} is of the same category and unit and costs {shown}"
    if shared:
        verb = "has" if shared == 1 else "have"
        sentence += f"; {shared} of {customers} customers of {row['first_name']} {verb} bought both"
    return f"{sentence}."


def explain_bundle(row: Mapping[str, Any], numbers: Numbers) -> str:
    """Why these products make a bundle."""
    names, share = _listed(row["names"], numbers), numbers.percent(row["support"])
    if numbers.portuguese:
        times = numbers.counted(row["lift"], "vez", "vezes", 1)
        return (
            f"{names} saíram juntos em {row['orders']} das {row['baskets']} últimas vendas ({share}), "
            f"{times} o esperado por acaso."
        )
    times = numbers.counted(row["lift"], "time", "times", 1)
    return (
        f"{names} were sold together in {row['orders']} of the latest {row['baskets']} sales ({share}), "
        f"{times} what chance would have it."
    )


def explain_habit(row: Mapping[str, Any], numbers: Numbers) -> str:
    """Why the customer may have forgotten this product."""
    times, purchases, last = row["times"], row["purchases"], numbers.day(row["last_on"])
    usual = f"{numbers.number(row['usual_quantity'], 3)} {row['unit']}"
    if numbers.portuguese:
        return (
            f"Comprou {row['name']} em {times} das últimas {purchases} compras (a última em {last}), "
            f"em geral {usual}; falta agora."
        )
    return (
        f"Bought {row['name']} in {times} of the last {purchases} purchases (the last on {last}), "
        f"usually {usual}; missing now."
    )


def explain_rebuy(row: Mapping[str, Any], overdue_days: int, numbers: Numbers) -> str:
    """Why the customer is about to need this product."""
    every, last = numbers.days(row["mean"]), numbers.day(row["last_on"])
    due, usual = numbers.day(row["due_on"]), f"{numbers.number(row['usual_quantity'], 3)} {row['unit']}"
    if numbers.portuguese:
        when = f"está há {numbers.days(overdue_days)} atrasado" if overdue_days > 0 else f"espera-se em {due}"
        return (
            f"{row['customer_name']} compra {row['name']} a cada {every} em média ({row['days']} compras, "
            f"em geral {usual}); a última foi em {last} e a próxima {when}."
        )
    when = f"is {numbers.days(overdue_days)} overdue" if overdue_days > 0 else f"is expected on {due}"
    return (
        f"{row['customer_name']} buys {row['name']} every {every} on average ({row['days']} purchases, "
        f"usually {usual}); the last was on {last} and the next {when}."
    )


def _listed(names: Sequence[str], numbers: Numbers) -> str:
    return f"{', '.join(names[:-1])} {'e' if numbers.portuguese else 'and'} {names[-1]}"
