"""One step of the plan, written as the person at the counter, in the office or on the lorry would."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from handlers import orders, quotes
from handlers.demo.goods import BY_SKU, Good
from handlers.demo.plan import Case, Step
from handlers.demo.registers import Registers
from handlers.settings import TenantSettings
from runtime.data.transactions import TenantTransaction


async def take_step(
    tx: TenantTransaction, settings: TenantSettings, step: Step, document: UUID | None, registers: Registers
) -> UUID:
    """Write the step and return the case's quote or order after it; ``document`` is the one before."""
    match step.action:
        case "order":
            return (await orders.create(tx, settings, _order(step.case, registers))).id
        case "quote":
            return (await quotes.create(tx, settings, _quote(step.case, registers))).id
    if document is None:
        raise LookupError(f"{step.action} of a case that has not begun")
    match step.action:
        case "send":
            await quotes.send(tx, document)
        case "approve":
            await quotes.approve(tx, document)
        case "reject":
            await quotes.reject(tx, document, step.reason)
        case "cancel_quote":
            await quotes.cancel(tx, document, step.reason)
        case "convert":
            order, _ = await quotes.convert(tx, settings, document, orders.Fulfilment(step.case.fulfilment))
            return order.id
        case "prepare":
            await orders.prepare(tx, document)
        case "dispatch":
            await orders.dispatch(tx, document)
        case "ready":
            await orders.ready(tx, document)
        case "deliver":
            await orders.deliver(tx, settings, document)
        case "cancel_order":
            await orders.cancel(tx, document, step.reason)
        case _:
            raise LookupError(f"there is no step {step.action}")
    return document


def _order(case: Case, registers: Registers) -> orders.OrderNew:
    return orders.OrderNew.model_validate({**_content(case, registers), "fulfilment": case.fulfilment})


def _quote(case: Case, registers: Registers) -> quotes.QuoteNew:
    return quotes.QuoteNew.model_validate({**_content(case, registers), "validity_days": case.validity_days})


def _amount(good: Good, quantity: Decimal) -> dict[str, Any]:
    """Whole packs are sold as such."""
    if good.pack is not None and quantity % good.pack[1] == 0:
        return {"quantity": quantity / good.pack[1], "unit": good.pack[0]}
    return {"quantity": quantity}


def _content(case: Case, registers: Registers) -> dict[str, Any]:
    customer, place = case.customer, case.place
    return {
        "customer_id": None if customer is None else registers.customers[customer],
        "site_id": None if customer is None or place is None else registers.sites[customer][place],
        "discount_percent": case.discount_percent,
        "items": [
            {"product_id": registers.products[sku], **_amount(BY_SKU[sku], quantity)}
            for sku, quantity in case.basket.items()
        ],
    }
