"""The construction vertical as one application: all its resources under one table of permissions."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from handlers import (
    customers,
    dashboard,
    deliveries,
    delivery_routes,
    event_stream,
    events,
    exports,
    imports,
    insights,
    orders,
    personal_data,
    platform_tenants,
    prices,
    products,
    purchase_orders,
    quote_links,
    quotes,
    returns,
    settings,
    sites,
    stock,
    stock_keeping,
    store_logo,
    suppliers,
    timeline,
    users,
    vehicles,
    webhooks,
)
from handlers.permissions import PERMISSIONS
from handlers.problem_codes import CODES
from handlers.settings import TenantSettings
from runtime.data.database import Database
from runtime.data.replica import Replica
from runtime.host.ops import Readiness
from runtime.settings import Settings
from runtime.web.application import create_application
from runtime.web.routing import Routes

RESOURCES: tuple[Routes, ...] = (
    platform_tenants.routes,
    users.routes,
    settings.routes,
    store_logo.routes,
    imports.routes,
    products.routes,
    prices.routes,
    customers.routes,
    personal_data.routes,
    sites.routes,
    quotes.routes,
    quotes.version_routes,
    quotes.discount_routes,
    quote_links.routes,
    quote_links.public_routes,
    quote_links.pages,
    orders.routes,
    returns.routes,
    timeline.routes,
    stock.routes,
    stock.lot_routes,
    stock_keeping.routes,
    dashboard.routes,
    suppliers.routes,
    suppliers.price_routes,
    purchase_orders.routes,
    vehicles.routes,
    deliveries.routes,
    deliveries.image_routes,
    deliveries.tracking_routes,
    deliveries.pages,
    delivery_routes.routes,
    *insights.routes,
    event_stream.routes,
    events.routes,
    webhooks.routes,
)
ROUTES: tuple[Routes, ...] = (*RESOURCES, exports.routes_of(RESOURCES))


def api_application(
    program: Settings,
    database: Database,
    redis: Any,
    readiness: Readiness,
    replica: Replica | None = None,
) -> web.Application:
    """The HTTP API of the vertical, ready to be served."""
    return create_application(
        program,
        database,
        redis,
        routes=ROUTES,
        permissions=PERMISSIONS,
        tenant_settings=TenantSettings,
        problem_codes=CODES,
        readiness=readiness,
        replica=replica,
    )
