"""Products and customers taken in from files."""

from handlers.imports.endpoints import routes

__all__ = ["routes"]
