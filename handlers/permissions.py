"""Who may do what: one table, shown per operation in the API's documentation and tested for every pair."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a user is in a store; ``platform_admin`` belongs to no store and sees no store's data."""

    OWNER = "owner"
    SELLER = "seller"
    FINANCE = "finance"
    STOCK_KEEPER = "stock_keeper"
    DRIVER = "driver"
    PLATFORM_ADMIN = "platform_admin"


# What is sold, and to whom; not what it costs.
_READ_SALES = frozenset(
    {
        "prices:read",
        "products:read",
        "customers:read",
        "sites:read",
        "quotes:read",
        "orders:read",
        "stock:read",
        "insights:read",
        "dashboard:read",
        "deliveries:read",
        "routes:read",
        "vehicles:read",
    }
)

_SELLER = _READ_SALES | {
    "customers:create",
    "customers:update",
    "sites:create",
    "sites:update",
    "quotes:create",
    "quotes:update",
    "quotes:send",
    "quotes:cancel",
    "quotes:convert",
    "orders:create",
    "deliveries:share",
    "insights:answer",
}

_FINANCE = _READ_SALES | {
    "suppliers:read",
    "purchase_orders:read",
    "events:read",
    "quotes:approve",
    "quotes:reject",
    "quotes:approve_discount",
    "costs:read",
    "orders:cancel",
    "exports:create",
    "settings:read",
}

_STOCK_KEEPER = frozenset(
    {
        "products:read",
        "orders:read",
        "orders:prepare",
        "orders:ready",
        "orders:dispatch",
        "orders:deliver",
        "deliveries:read",
        "deliveries:create",
        "deliveries:update",
        "deliveries:share",
        "routes:read",
        "routes:plan",
        "vehicles:read",
        "costs:read",
        "stock:read",
        "stock:move",
        "locations:create",
        "insights:read",
        "insights:answer",
        "insights:configure",
        "dashboard:read",
        "suppliers:read",
        "suppliers:create",
        "suppliers:update",
        "purchase_orders:read",
        "purchase_orders:create",
        "purchase_orders:update",
        "purchase_orders:send",
        "purchase_orders:receive",
        "purchase_orders:cancel",
    }
)

# On the own routes only, which the handlers see to: an order as a whole is delivered by the office.
_DRIVER = frozenset({"deliveries:read", "deliveries:drive", "routes:read", "routes:drive", "vehicles:read"})

_OWNER = (
    _SELLER
    | _FINANCE
    | _STOCK_KEEPER
    | _DRIVER
    | {
        "vehicles:create",
        "vehicles:update",
        "webhooks:read",
        "webhooks:manage",
        "customers:personal_data",
        "prices:update",
        "products:create",
        "products:update",
        "users:read",
        "users:create",
        "users:update",
        "settings:update",
        "audit:read",
    }
)

_PLATFORM_ADMIN = frozenset(
    {
        "platform:tenants_read",
        "platform:tenants_create",
        "platform:tenants_update",
        "platform:events_read",
        "platform:events_manage",
    }
)

PERMISSIONS: Final[Mapping[str, frozenset[str]]] = {
    Role.OWNER: _OWNER,
    Role.SELLER: _SELLER,
    Role.FINANCE: _FINANCE,
    Role.STOCK_KEEPER: _STOCK_KEEPER,
    Role.DRIVER: _DRIVER,
    Role.PLATFORM_ADMIN: _PLATFORM_ADMIN,
}


HIDDEN_COST: Final = "Null for whoever may not see costs"


def sees_costs(permissions: frozenset[str]) -> bool:
    """Whether purchase prices, costs and margins are shown; they are nobody's business who sells."""
    return "costs:read" in permissions
