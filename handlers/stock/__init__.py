"""Stock: levels per product and location, the movement ledger, reservations."""

from handlers.stock.endpoints import routes
from handlers.stock.lot_endpoints import routes as lot_routes
from handlers.stock.models import MovementNew
from handlers.stock.rules import ensure_default_location, move
from handlers.stock.shortages import InsufficientStockError

__all__ = ["InsufficientStockError", "MovementNew", "ensure_default_location", "lot_routes", "move", "routes"]
