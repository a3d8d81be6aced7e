"""The closed catalogue of events: what can happen in a store, version by version.

A payload holds ids, quantities and amounts, never names, documents, phone numbers or addresses. Adding an optional
field keeps the version; anything else raises it, and the older form is up-cast on reading.
"""

from __future__ import annotations

from typing import Any

from runtime.events.catalogue.advice import (
    AdviceReason,
    PricingAlertAnswered,
    PricingParameters,
    PricingParametersSet,
    ReplenishmentDefaultsSet,
    ReplenishmentParameters,
    ReplenishmentParametersSet,
    SalesAdviceAnswered,
    SalesParameters,
    SalesParametersSet,
    SuggestionAccepted,
    SuggestionDismissed,
    SuggestionSnoozed,
)
from runtime.events.catalogue.delivery import (
    DeliveryOccurrenceReported,
    DeliveryProofRegistered,
    DeliveryRouteFinished,
    DeliveryStatusChanged,
)
from runtime.events.catalogue.goods import (
    ProductCreated,
    ProductPriceUpdated,
    ProductUpdated,
    PurchaseItem,
    PurchaseOrderCancelled,
    PurchaseOrderReceived,
    PurchaseOrderSent,
    StockUpdated,
    SupplierDeactivated,
    SupplierPriceRegistered,
    SupplierReactivated,
)
from runtime.events.catalogue.payload import (
    Payload,
)
from runtime.events.catalogue.selling import (
    CustomerCreated,
    OrderCancelled,
    OrderCreated,
    OrderItem,
    OrderReturned,
    OrderStatusChanged,
    QuoteApproved,
    QuoteCancelled,
    QuoteConverted,
    QuoteCreated,
    QuoteDiscountApproved,
    QuoteDiscountDenied,
    QuoteDiscountRequested,
    QuoteExpired,
    QuoteItem,
    QuoteRejected,
    QuoteSent,
    SaleFigures,
    SaleRecorded,
    SoldFigures,
    SoldItem,
)

__all__ = [
    "CATALOGUE",
    "AdviceReason",
    "CustomerCreated",
    "DeliveryOccurrenceReported",
    "DeliveryProofRegistered",
    "DeliveryRouteFinished",
    "DeliveryStatusChanged",
    "OrderCancelled",
    "OrderCreated",
    "OrderItem",
    "OrderReturned",
    "OrderStatusChanged",
    "Payload",
    "PricingAlertAnswered",
    "PricingParameters",
    "PricingParametersSet",
    "ProductCreated",
    "ProductPriceUpdated",
    "ProductUpdated",
    "PurchaseItem",
    "PurchaseOrderCancelled",
    "PurchaseOrderReceived",
    "PurchaseOrderSent",
    "QuoteApproved",
    "QuoteCancelled",
    "QuoteConverted",
    "QuoteCreated",
    "QuoteDiscountApproved",
    "QuoteDiscountDenied",
    "QuoteDiscountRequested",
    "QuoteExpired",
    "QuoteItem",
    "QuoteRejected",
    "QuoteSent",
    "ReplenishmentDefaultsSet",
    "ReplenishmentParameters",
    "ReplenishmentParametersSet",
    "SaleFigures",
    "SaleRecorded",
    "SalesAdviceAnswered",
    "SalesParameters",
    "SalesParametersSet",
    "SoldFigures",
    "SoldItem",
    "StockUpdated",
    "SuggestionAccepted",
    "SuggestionDismissed",
    "SuggestionSnoozed",
    "SupplierDeactivated",
    "SupplierPriceRegistered",
    "SupplierReactivated",
    "json_schemas",
]

CATALOGUE: dict[str, type[Payload]] = {
    model.event_type: model
    for model in (
        QuoteCreated,
        QuoteSent,
        QuoteApproved,
        QuoteRejected,
        QuoteConverted,
        QuoteCancelled,
        QuoteExpired,
        QuoteDiscountRequested,
        QuoteDiscountApproved,
        QuoteDiscountDenied,
        OrderCreated,
        OrderStatusChanged,
        OrderCancelled,
        OrderReturned,
        SaleRecorded,
        StockUpdated,
        ProductCreated,
        ProductUpdated,
        ProductPriceUpdated,
        CustomerCreated,
        SupplierPriceRegistered,
        SupplierDeactivated,
        SupplierReactivated,
        PurchaseOrderSent,
        PurchaseOrderReceived,
        PurchaseOrderCancelled,
        ReplenishmentParametersSet,
        ReplenishmentDefaultsSet,
        PricingParametersSet,
        PricingAlertAnswered,
        SalesParametersSet,
        SalesAdviceAnswered,
        SuggestionAccepted,
        SuggestionDismissed,
        SuggestionSnoozed,
        DeliveryStatusChanged,
        DeliveryProofRegistered,
        DeliveryOccurrenceReported,
        DeliveryRouteFinished,
    )
}


def json_schemas() -> dict[str, Any]:
    """JSON schema of every payload by event type, as served at ``/api/v1/events/schemas``."""
    return {
        name: {"version": model.version, "schema": model.model_json_schema(mode="serialization")}
        for name, model in CATALOGUE.items()
    }
