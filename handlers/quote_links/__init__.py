"""Quotes as customers meet them: a link to look at and answer, a PDF, a text for WhatsApp, a PIX code to pay."""

from handlers.quote_links.public import pages
from handlers.quote_links.public import routes as public_routes
from handlers.quote_links.sharing import routes

__all__ = ["pages", "public_routes", "routes"]
