"""Quotes: drafts, their way to an order, and their end."""

from handlers.quotes.buying_again import duplicate
from handlers.quotes.discount_approvals import decide
from handlers.quotes.discount_endpoints import routes as discount_routes
from handlers.quotes.drafts import change, create
from handlers.quotes.endpoints import routes
from handlers.quotes.models import QuoteChange, QuoteNew
from handlers.quotes.rules import approve, cancel, convert, expire_due, get, reject, send
from handlers.quotes.versions import routes as version_routes

__all__ = [
    "QuoteChange",
    "QuoteNew",
    "approve",
    "cancel",
    "change",
    "convert",
    "create",
    "decide",
    "discount_routes",
    "duplicate",
    "expire_due",
    "get",
    "reject",
    "routes",
    "send",
    "version_routes",
]
