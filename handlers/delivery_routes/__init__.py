"""Routes: a day's deliveries on its vehicles, planned by a solver, driven and accounted for."""

from handlers.delivery_routes.endpoints import routes

__all__ = ["routes"]
