"""Purchase orders: written by hand or from the stock engine's suggestions, sent, received, cancelled."""

from handlers.purchase_orders.endpoints import routes
from handlers.purchase_orders.models import PurchaseItemNew, PurchaseOrderNew, ReceiptItem, ReceiptNew
from handlers.purchase_orders.receipts import receive
from handlers.purchase_orders.rules import cancel, create, get, send
from handlers.purchase_orders.suggested import draft_suggested

__all__ = [
    "PurchaseItemNew",
    "PurchaseOrderNew",
    "ReceiptItem",
    "ReceiptNew",
    "cancel",
    "create",
    "draft_suggested",
    "get",
    "receive",
    "routes",
    "send",
]
