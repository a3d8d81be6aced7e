"""Quotes as customers meet them: a link to look at and answer, a PDF, a text for WhatsApp, a PIX code to pay."""

from handlers.quote_links.endpoints import pages, routes

__all__ = ["pages", "routes"]
