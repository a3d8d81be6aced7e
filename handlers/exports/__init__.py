"""A store's own lists as files for spreadsheets."""

from handlers.exports.endpoints import routes_of

__all__ = ["routes_of"]
