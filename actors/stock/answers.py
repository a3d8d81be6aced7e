"""What people answer to suggestions: ordered, ordered otherwise, not wanted, not before a day."""

from __future__ import annotations

from typing import TypeAlias

from actors.stock.product import Product
from actors.stock.store import Answer, Store
from runtime.events.catalogue import SuggestionAccepted, SuggestionDismissed, SuggestionSnoozed
from runtime.events.event import Event

Answering: TypeAlias = SuggestionAccepted | SuggestionDismissed | SuggestionSnoozed
ANSWERS = (SuggestionAccepted, SuggestionDismissed, SuggestionSnoozed)


def fold_answer(store: Store, event: Event, payload: Answering) -> Product:
    """Heed the answer, and keep it for the record with what had been suggested when it came.

    What was accepted is on order whenever we hear of it; of the others only the newest answer counts.
    """
    product = store.products[payload.product_id.int]
    policy, today = store.policy_of(product), store.day
    product.assess(policy, today, event.occurred_at)
    product.conclude(policy, today)
    suggested, newest = product.suggested_quantity, event.seq > product.answered_seq
    product.answered_seq = max(product.answered_seq, event.seq)
    product.changed = True
    given = (event.seq, payload.product_id, event.occurred_at)
    match payload:
        case SuggestionAccepted():
            if payload.suggested is not None:
                suggested = float(payload.suggested)
            quantity = suggested if payload.quantity is None else float(payload.quantity)
            product.accept(today, quantity, policy)
            answer = Answer(*given, "accepted" if quantity == suggested else "changed", suggested, quantity)
        case SuggestionDismissed():
            if newest:
                product.dismiss(today, policy)
            answer = Answer(*given, "dismissed", suggested, reason=payload.reason)
        case SuggestionSnoozed():
            if newest:
                product.snooze(today, payload.until)
            answer = Answer(*given, "snoozed", suggested, until=payload.until)
    store.answers.append(answer)
    return product
