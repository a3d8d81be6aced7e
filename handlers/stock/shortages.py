"""The refusal of what is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from handlers.settings import TenantSettings
from runtime.errors import ConflictError


@dataclass(frozen=True, slots=True)
class Shortage:
    """A product of which more was asked for than is available."""

    product_id: UUID
    requested: Decimal
    available: Decimal


class InsufficientStockError(ConflictError):
    """409: not enough stock; ``products`` says of what, how much was asked for and how much there is."""

    def __init__(self, shortages: Sequence[Shortage]) -> None:
        super().__init__(
            "insufficient_stock",
            "There is not enough stock.",
            "Não há estoque suficiente.",
            products=[
                {
                    "product_id": str(short.product_id),
                    "requested": f"{short.requested:.3f}",
                    "available": f"{short.available:.3f}",
                }
                for short in shortages
            ],
        )


def refuse_shortages(settings: TenantSettings, rows: Sequence[Any]) -> None:
    """Refuse what came back short (product, requested, available), unless the store allows negative stock."""
    if rows and not settings.allow_negative_stock:
        raise InsufficientStockError([Shortage(row[0], row[1], row[2]) for row in rows])
