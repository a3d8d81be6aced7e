"""Orders: placed from quotes or directly, prepared, delivered or picked up, or sold over the counter."""

from handlers.orders.endpoints import routes
from handlers.orders.leaving import deliver, leave
from handlers.orders.models import Fulfilment, OrderNew
from handlers.orders.parts import hold
from handlers.orders.rules import Written, cancel, create, dispatch, get, prepare, ready

__all__ = [
    "Fulfilment",
    "OrderNew",
    "Written",
    "cancel",
    "create",
    "deliver",
    "dispatch",
    "get",
    "hold",
    "leave",
    "prepare",
    "ready",
    "routes",
]
