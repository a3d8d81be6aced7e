"""Stock: levels per product and location, the movement ledger, reservations."""

from handlers.stock.endpoints import routes
from handlers.stock.models import MovementNew
from handlers.stock.rules import InsufficientStockError, ensure_default_location, move

__all__ = ["InsufficientStockError", "MovementNew", "ensure_default_location", "move", "routes"]
