"""The columns of a list's file, found from the model that describes the list's items."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel

from runtime.data.queries import Query, sql

Kind = Literal["text", "word", "number", "moment", "day", "flag", "json", "name", "code"]

# Whose names stand for ids; where the list has the name itself, the id is left out.
_NAMES: Mapping[str, Query] = {
    "customer_id": sql.name_customers,
    "location_id": sql.name_locations,
    "order_id": sql.name_orders,
    "price_list_id": sql.name_price_lists,
    "product_id": sql.name_products,
    "purchase_order_id": sql.name_purchase_orders,
    "quote_id": sql.name_quotes,
    "site_id": sql.name_sites,
    "supplier_id": sql.name_suppliers,
    "user_id": sql.name_users,
}
_WITH_CODE = ("customer_id", "product_id")
_KNOWN_BY = {"product_id": "sku", "changed_by": "changed_by_name", "order_id": "order_number"}
# Decimals that some lists describe as plain text.
_NUMBERS = frozenset({"quantity", "minimum_quantity", "percent_off", "discount_percent"})
# By which a row of a list's items says whose it is.
_OF_THE_WHOLE = (
    "number", "sku", "name", "plate", "vehicle_plate", "day", "customer_name", "supplier_name", "status", "created_at",
)  # fmt: skip
_NOT_SHOWN = frozenset(
    {"id", "allowed_actions", "version", "movement_id", "order_item_id", "item_id", "route_id", "delivery_id"}
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the item's field, how its value is read, and whether it is the whole's and not the part's."""

    field: str
    kind: Kind
    of_whole: bool = False

    @property
    def name(self) -> str:
        """What the heading is found by."""
        return f"{self.field}_code" if self.kind == "code" else self.field


def columns_of(view: type[BaseModel]) -> tuple[Column, ...]:
    """One column per field, in the model's order; lists of parts have files of their own."""
    return tuple(column for name in view.model_fields for column in _columns(view, name))


def columns_of_part(view: type[BaseModel], part: type[BaseModel]) -> tuple[Column, ...]:
    """The part's columns after those by which the whole is known."""
    own = columns_of(part)
    taken = {column.field for column in own}
    whole = [column for column in columns_of(view) if column.field in _OF_THE_WHOLE]
    return (*(Column(one.field, one.kind, True) for one in whole if one.field not in taken), *own)


def names_of(field: str) -> Query | None:
    """The query that says what the ids in a field of this name are called."""
    return sql.name_users if field.endswith("_by") else _NAMES.get(field)


def parts_of(view: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """The fields that hold a list of parts, with the model of a part."""
    for name, field in view.model_fields.items():
        if get_origin(field.annotation) is list:
            [part] = get_args(field.annotation)
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield name, part


def _columns(view: type[BaseModel], name: str) -> Iterator[Column]:
    kind = _kind(view.model_fields[name].annotation)
    if kind is None or name in _NOT_SHOWN:
        return
    if name in _NUMBERS:
        yield Column(name, "number")
    elif kind == "name" and (
        names_of(name) is not None
        or name in _KNOWN_BY
        or f"{name.removesuffix('_id')}_name" in view.model_fields
    ):
        known_by = {
            _KNOWN_BY.get(name),
            f"{name.removesuffix('_id')}_name",
            f"{name.removesuffix('_id')}_plate",
        }
        if known_by & view.model_fields.keys():
            return
        if name in _WITH_CODE:
            yield Column(name, "code")
        yield Column(name, "name")
    else:
        yield Column(name, "text" if kind == "name" else kind)


def _kind(annotation: Any) -> Kind | None:
    """How values of the type are read; None for lists of parts. ``name`` for ids."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        [annotation] = [choice for choice in get_args(annotation) if choice is not type(None)]
        return _kind(annotation)
    if origin is Literal:
        return "word"
    if origin is list:
        [part] = get_args(annotation)
        return "text" if part is str else None
    if not isinstance(annotation, type):
        return "json"
    for base, kind in _KINDS:
        if issubclass(annotation, base):
            return kind
    return "json"


_KINDS: tuple[tuple[type, Kind], ...] = (
    (UUID, "name"),
    (bool, "flag"),
    (Decimal, "number"),
    (int, "number"),
    (float, "number"),
    (datetime, "moment"),
    (date, "day"),
    (Enum, "word"),
    (str, "text"),
)
