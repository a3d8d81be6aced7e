"""Keeping the books true: goods that change their place, and goods that are counted."""

from handlers.stock_keeping.endpoints import routes

__all__ = ["routes"]
