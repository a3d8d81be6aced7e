"""Prices: lists, agreements with customers and sites, and the answer to what somebody would pay."""

from handlers.prices.endpoints import agree, routes
from handlers.prices.models import AgreedPriceNew

__all__ = ["AgreedPriceNew", "agree", "routes"]
