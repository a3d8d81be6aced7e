"""The vehicles that goods go out on, with what each may carry."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StrictBool, StringConstraints

from handlers.changes import CheckVersion, any_version, asked_changes, lock, unchanged
from runtime.data.errors import UniqueViolationError
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import ConflictError, NotFoundError
from runtime.web.fields import Body, ShortText, Version, View, decimal_field
from runtime.web.pagination import ListQuery, Page, SearchText, page_reply
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="vehicles")

Kilograms = Annotated[Decimal, *decimal_field("0.001", "99999999.999", 3)]
CubicMetres = Annotated[Decimal, *decimal_field("0.000001", "99999.999999", 6)]

_PLATE_FORM = re.compile(r"[A-Z]{3}[0-9][A-Z0-9][0-9]{2}")


def _plate(given: str) -> str:
    plate = given.replace("-", "", 1).replace(" ", "", 1).upper()
    if _PLATE_FORM.fullmatch(plate) is None:
        raise ValueError("A plate reads ABC1D23 or ABC-1234.|Uma placa tem a forma ABC1D23 ou ABC-1234.")
    return plate


Plate = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=10),
    AfterValidator(_plate),
    Field(examples=["BRA2E19"], json_schema_extra={"pattern": "^[A-Za-z]{3}-?[0-9][A-Za-z0-9][0-9]{2}$"}),
]


class VehicleNew(Body):
    """A vehicle to be added; a trip carries at most both of its capacities."""

    plate: Plate
    name: ShortText
    capacity_kg: Kilograms
    capacity_m3: CubicMetres
    active: StrictBool = True


class VehicleChange(Body):
    """What to change of a vehicle; fields left out stay as they are."""

    plate: Plate = unchanged()
    name: ShortText = unchanged()
    capacity_kg: Kilograms = unchanged()
    capacity_m3: CubicMetres = unchanged()
    active: StrictBool = unchanged()


class VehicleView(View):
    """A vehicle as the store sees it."""

    id: UUID
    plate: str
    name: str
    capacity_kg: Kilograms
    capacity_m3: CubicMetres
    active: bool
    version: Version
    created_at: datetime
    updated_at: datetime


class VehicleList(ListQuery):
    """Filters of the vehicle list, ordered by name; ``q`` finds by name or plate."""

    q: SearchText = None
    sort: Literal["name"] | None = None
    active: bool | None = None


@routes.get(
    "/vehicles",
    may="vehicles:read",
    stale=True,
    summary="List vehicles",
    query=VehicleList,
    answers=Page[VehicleView],
)
async def list_vehicles(call: Call[VehicleList]) -> Reply:
    """``q`` finds vehicles by a part of their name or plate."""
    name, vehicle_id = call.cursor() or (None, None)
    rows = await call.tx.fetch_all(
        sql.list_vehicles,
        after_name=name,
        after_id=vehicle_id,
        active=call.query.active,
        q=_literal(call.query.q),
        limit=call.query.limit + 1,
    )
    return page_reply(call, rows, call.query.limit, lambda row: [row["name_key"], row["id"]])


@routes.post(
    "/vehicles",
    may="vehicles:create",
    summary="Add a vehicle",
    body=VehicleNew,
    answers=VehicleView,
    status=201,
    errors=(409,),
)
async def create_vehicle(call: Call, body: VehicleNew) -> Reply:
    """409 when the store has a vehicle with this plate."""
    vehicle_id = await create(call.tx, body)
    call.audit("vehicle.created", "vehicle", vehicle_id, after=body.model_dump(mode="json"))
    return await _reply(call.tx, vehicle_id)


@routes.get("/vehicles/{vehicle_id}", may="vehicles:read", summary="Show a vehicle", answers=VehicleView)
async def get_vehicle(call: Call, vehicle_id: UUID) -> Reply:
    """One vehicle, with its version as ETag."""
    return await _reply(call.tx, vehicle_id)


@routes.patch(
    "/vehicles/{vehicle_id}",
    may="vehicles:update",
    summary="Change a vehicle",
    body=VehicleChange,
    answers=VehicleView,
)
async def change_vehicle(call: Call, vehicle_id: UUID, body: VehicleChange) -> Reply:
    """Vehicles are never deleted: ``"active": false`` takes one out of use."""
    changed = await change(call.tx, vehicle_id, body, call.if_match)
    call.audit("vehicle.updated", "vehicle", vehicle_id, after={"changed": changed})
    return await _reply(call.tx, vehicle_id)


async def create(tx: TenantTransaction, body: VehicleNew) -> UUID:
    """Add a vehicle; 409 when its plate is taken."""
    vehicle_id = new_id()
    try:
        await tx.execute(sql.insert_vehicle, id=vehicle_id, **body.model_dump())
    except UniqueViolationError:
        raise _plate_taken() from None
    return vehicle_id


async def change(
    tx: TenantTransaction, vehicle_id: UUID, body: VehicleChange, check_version: CheckVersion = any_version
) -> list[str]:
    """Change a vehicle and return the names of the columns that changed."""
    current = await lock(tx, sql.lock_vehicle, check_version, id=vehicle_id)
    changes = asked_changes(current, body)
    if changes:
        try:
            await tx.execute(sql.update_vehicle, id=vehicle_id, **{**current, **changes})
        except UniqueViolationError:
            raise _plate_taken() from None
    return sorted(changes)


def _literal(question: str | None) -> str | None:
    """A search text in which LIKE finds nothing special."""
    if not question:
        return None
    return question.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def _reply(tx: TenantTransaction, vehicle_id: UUID) -> Reply:
    row: Any = await tx.fetch_one(sql.get_vehicle, id=vehicle_id)
    if row is None:
        raise NotFoundError
    return Reply(row["body"], version=row["version"])


def _plate_taken() -> ConflictError:
    return ConflictError(
        "plate_taken", "A vehicle has this plate already.", "Já existe um veículo com esta placa."
    )
