"""Suppliers: who the store buys from, what they ask for their goods, and what they call our products."""

from handlers.suppliers.endpoints import routes
from handlers.suppliers.models import PriceNew, SupplierNew
from handlers.suppliers.price_endpoints import routes as price_routes
from handlers.suppliers.prices import register
from handlers.suppliers.rules import create

__all__ = ["PriceNew", "SupplierNew", "create", "price_routes", "register", "routes"]
