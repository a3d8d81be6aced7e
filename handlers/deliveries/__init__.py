"""Deliveries: an order's goods on their way, with proofs, images, occurrences and a link for the customer."""

from handlers.deliveries.endpoints import routes
from handlers.deliveries.image_endpoints import routes as image_routes
from handlers.deliveries.models import DeliveryNew
from handlers.deliveries.tracking import pages
from handlers.deliveries.tracking import routes as tracking_routes

__all__ = ["DeliveryNew", "image_routes", "pages", "routes", "tracking_routes"]
