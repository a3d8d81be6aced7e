"""Every operation that a store's owner can call, with a good address and body made from its description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handlers.vertical import ROUTES
from runtime.web import auth
from runtime.web.examples import example_of
from runtime.web.routing import Operation
from tests.support.traded import Traded

OPERATIONS = [
    operation
    for group in (auth.routes, *ROUTES)
    for operation in group.operations
    if "/platform/" not in operation.path
    and not operation.path.endswith(("/login", "/refresh", "/logout", "/cookie"))
]
# Which of the own store's things a parameter or field of this name means.
TABLES = {
    "list_id": "price_lists",
    "price_list_id": "price_lists",
    "price_id": "agreed_prices",
    "count_id": "stock_counts",
    "code_id": "supplier_codes",
    "webhook_id": "webhooks",
    "from_location_id": "locations",
    "to_location_id": "locations",
}


@dataclass(frozen=True, slots=True)
class Things:
    """Addresses and bodies that name the things of one store."""

    own: Traded

    def own_id(self, name: str, path: str) -> str:
        """An id of the own store for a parameter or field of this name."""
        if name == "order_id" and "/purchase-orders" in path:
            return self.own.ids["purchase_orders"][0]
        if name == "delivery_id" and "/webhooks" in path:
            return self.own.ids["webhook_deliveries"][0]
        table = TABLES.get(name) or f"{name.removesuffix('s').removesuffix('_id')}s"
        # The first user is the one that calls: another password would be the end of the test.
        return self.own.ids.get(table, self.own.ids["products"])[-1 if table == "users" else 0]

    def path(self, operation: Operation, **given: str) -> str:
        values = {}
        shown = "deliveries" if "/deliveries/" in operation.path or "/d/" in operation.path else "quotes"
        for name, kind in operation.parameters.items():
            plain = {int: "1", str: self.own.tokens[shown]}.get(kind)
            values[name] = given.get(name) or plain or self.own_id(name, operation.path)
        return operation.path.format_map(values)

    def body(self, operation: Operation) -> Any:
        """A good body of the operation that names only the own store's things."""
        if operation.body is None:
            return None
        schema = operation.body.model_json_schema()
        return self._owned(example_of(schema, schema.get("$defs", {})), operation.path)

    def _owned(self, value: Any, path: str, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: self._owned(part, path, key) for key, part in value.items()}
        if isinstance(value, list):
            return [self._owned(part, path, name) for part in value]
        return self.own_id(name, path) if name.removesuffix("s").endswith("_id") else value
