"""A store's own settings, branding and audit log."""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    ValidationError,
    model_validator,
)

from handlers import pages
from handlers.changes import unchanged
from handlers.sites import Latitude, Longitude
from runtime.data.queries import sql
from runtime.data.transactions import Record
from runtime.errors import NotFoundError
from runtime.events.catalogue import ReplenishmentDefaultsSet
from runtime.events.log import emit
from runtime.web.call import Call, Reply
from runtime.web.fields import Body, Fraction, Money, Percent, ShortText, Version, View, decimal_field
from runtime.web.pagination import Page, PageQuery, page_reply
from runtime.web.problems import field_refused, invalid
from runtime.web.routing import Routes

routes = Routes(tag="settings")

LEAST_SERVICE_LEVEL, MOST_SERVICE_LEVEL = Decimal("0.5"), Decimal("0.9999")
Prefix = Annotated[str, StringConstraints(min_length=1, max_length=10, pattern=r"^[A-Z][A-Z0-9-]*$")]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class TenantSettings(BaseModel):
    """What a store decides for itself; stored as JSON, missing values are the defaults below."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    seller_discount_limit_percent: Percent = Field(
        Decimal(5), description="Largest discount a seller may give; more takes finance or the owner"
    )
    finance_discount_limit_percent: Percent = Field(
        Decimal(100), description="Largest discount finance may approve; more takes the owner"
    )
    show_availability: StrictBool = Field(
        False, description="Tell customers on pages and PDFs of quotes from when each line can be had"
    )
    price_floor_percent: Percent = Field(
        Decimal(0),
        description="A line of a quote is marked when it sells under its cost plus this percentage",
    )
    quote_validity_days: int = Field(7, ge=1, le=365, description="Days a sent quote stays open")
    quote_prefix: Prefix = Field("COT-", description="Before the number of quotes")
    order_prefix: Prefix = Field("PED-", description="Before the number of orders")
    purchase_order_prefix: Prefix = Field("OC-", description="Before the number of purchase orders")
    delivery_prefix: Prefix = Field("ENT-", description="Before the number of deliveries")
    allow_negative_stock: StrictBool = Field(False, description="Let goods go out that the books do not have")
    default_lead_time_days: Annotated[Decimal, *decimal_field("0", "365", 3)] = Field(
        Decimal(7), description="Days from ordering to receiving, where a product says nothing else"
    )
    pix_key: Annotated[str, StringConstraints(max_length=77, pattern=r"^[\x21-\x7e]*$")] = Field(
        "", description="PIX key; with one, quotes carry a payment code"
    )
    pix_city: Annotated[str, StringConstraints(min_length=1, max_length=15)] = Field(
        "SAO PAULO", description="City of the store as PIX payments name it"
    )
    default_service_level: Fraction = Field(
        Decimal("0.95"), description="Wanted chance of not running out while waiting for a supplier"
    )
    default_review_period_days: Annotated[Decimal, *decimal_field("0", "365", 3)] = Field(
        Decimal(7), description="Days between two looks at what is to be bought"
    )
    latitude: Latitude | None = Field(None, description="Of the store, where its routes begin and end")
    longitude: Longitude | None = Field(None, description="Goes together with the latitude")
    delivery_day_starts: TimeOfDay = Field(
        "08:00", description="When vehicles may leave, in the store's time"
    )
    delivery_day_ends: TimeOfDay = Field("18:00", description="When vehicles have to be back")
    delivery_stop_minutes: int = Field(15, ge=0, le=240, description="Time to unload at a customer's")
    delivery_loading_minutes: int = Field(20, ge=0, le=240, description="Time to load before each trip")
    delivery_speed_kmh: int = Field(30, ge=5, le=120, description="Mean speed on the road")
    delivery_cost_per_km: Money = Field(Decimal("3.50"), description="What a kilometre costs, BRL")
    delivery_cost_per_hour: Money = Field(
        Decimal("45.00"), description="What an hour of a vehicle and its people costs, BRL"
    )


Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]


class Branding(Body):
    """What the store looks like; shown before sign-in."""

    logo_url: (
        Annotated[str, StringConstraints(max_length=500, pattern=r"^https://[^\s\x00-\x1f]+$")] | None
    ) = Field(
        None,
        examples=["https://example.com/logo.svg"],
        description="For the front end's sign-in page alone; documents show the image of PUT /settings/logo",
    )
    primary_colour: Colour | None = None
    secondary_colour: Colour | None = None
    features: dict[Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")], StrictBool] = Field(
        default_factory=dict, max_length=50
    )


class SettingsChange(Body):
    """What to change; fields left out stay as they are, inside ``settings`` too."""

    name: ShortText = unchanged()
    locale: Literal["pt-BR", "en"] = unchanged()
    time_zone: Annotated[str, StringConstraints(max_length=64), Field(examples=["America/Sao_Paulo"])] = (
        unchanged()
    )
    branding: Branding = unchanged()
    settings: dict[str, Any] = unchanged()


class SettingsView(View):
    """The store's own settings, with defaults where it has chosen nothing."""

    name: str
    document: str | None
    locale: str
    time_zone: str
    branding: dict[str, Any]
    settings: TenantSettings
    version: Version


class AuditView(View):
    """Who did what to which thing, when, and from where."""

    id: UUID
    at: datetime
    user_id: UUID | None
    user_name: str | None
    action: str
    thing: str
    thing_id: UUID | None
    before: Any
    after: Any
    address: str | None
    request_id: str | None


class AuditList(PageQuery):
    """Filters of the audit log; the newest first."""

    thing_id: UUID | None = None
    action: str | None = Field(None, max_length=100)
    user_id: UUID | None = None


@routes.get("/settings", may="settings:read", summary="The store's settings", answers=SettingsView)
async def get_settings(call: Call) -> Reply:
    """Settings and branding."""
    row = await call.tx.fetch_one(sql.get_store_settings)
    return _shown(row)


@routes.patch(
    "/settings",
    may="settings:update",
    summary="Change the store's settings",
    body=SettingsChange,
    answers=SettingsView,
)
async def change_settings(call: Call, body: SettingsChange) -> Reply:
    """Takes effect within seconds, in every process."""
    row = await call.tx.fetch_one(sql.lock_store_settings)
    if row is None:
        raise NotFoundError
    call.if_match(row["version"])
    given = body.model_fields_set
    settings = dict(row["settings"])
    if "settings" in given:
        settings |= _checked(settings, body.settings)
    if "time_zone" in given:
        check_time_zone(body.time_zone)
    await call.tx.execute(
        sql.update_store_settings,
        name=body.name if "name" in given else row["name"],
        locale=body.locale if "locale" in given else row["locale"],
        time_zone=body.time_zone if "time_zone" in given else row["time_zone"],
        branding=body.branding.model_dump(mode="json") if "branding" in given else row["branding"],
        settings=settings,
    )
    _announce(call, row["settings"], settings)
    after = await call.tx.fetch_one(sql.get_store_settings)
    call.audit(
        "settings.changed", "settings", None, before=_audited(row, given), after=_audited(after, given)
    )
    call.tx.after_commit(lambda: call.context.directory.forget(call.tenant))
    return _shown(after)


@routes.get(
    "/audit", may="audit:read", stale=True, summary="The audit log", query=AuditList, answers=Page[AuditView]
)
async def list_audit(call: Call[AuditList]) -> Reply:
    """Every write of the store, the newest first. Filtered by action or user, a page may hold less than `limit`, even
    nothing, and go on all the same: it looks through ten thousand entries at a time."""
    query, tx = call.query, call.tx
    after = call.cursor()
    given = {
        "before_id": UUID(after[0]) if after else pages.LAST_ID,
        "action": query.action,
        "by_user": query.user_id,
        "limit": query.limit + 1,
    }
    beyond = None
    if query.thing_id is not None:
        rows = await tx.fetch_all(sql.select_audit_of_thing, thing_id=query.thing_id, **given)
    elif query.action is None and query.user_id is None:
        rows = await tx.fetch_all(sql.select_audit, window=query.limit + 1, **given)
    else:
        rows = await tx.fetch_all(sql.select_audit, window=pages.LOOKED_THROUGH, **given)
        if len(rows) <= query.limit:
            last = await tx.fetch_value(
                sql.skip_audit, before_id=given["before_id"], window=pages.LOOKED_THROUGH
            )
            beyond = None if last is None else [last]
    return page_reply(call, rows, query.limit, key=lambda row: [row["id"]], beyond=beyond)


class _StrictSettings(TenantSettings):
    """The same settings as they are taken from clients: an unknown name is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("Latitude and longitude go together.|Latitude e longitude andam juntas.")
        if self.delivery_day_starts >= self.delivery_day_ends:
            raise ValueError("The day ends before it starts.|O dia termina antes de começar.")
        return self


def _checked(current: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The given settings as they are stored; 422 with pointers into ``/settings``."""
    try:
        known = {name: value for name, value in current.items() if name in TenantSettings.model_fields}
        merged = _StrictSettings.model_validate({**known, **given})
    except ValidationError as error:
        raise invalid(error, at="/settings") from None
    if (
        "default_service_level" in given
        and not LEAST_SERVICE_LEVEL <= merged.default_service_level <= MOST_SERVICE_LEVEL
    ):
        raise field_refused(
            "/settings/default_service_level",
            "service_level",
            f"A service level from {LEAST_SERVICE_LEVEL} to {MOST_SERVICE_LEVEL} is expected.",
            f"Informe um nível de serviço de {LEAST_SERVICE_LEVEL} a {MOST_SERVICE_LEVEL}.",
        )
    return merged.model_dump(mode="json", include=set(given))


def _announce(call: Call, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Tell the engines when what they compute with has changed."""
    former, current = (_replenishment(TenantSettings.model_validate(given)) for given in (before, after))
    if former != current:
        emit(call.tx, current)


def _replenishment(settings: TenantSettings) -> ReplenishmentDefaultsSet:
    return ReplenishmentDefaultsSet(
        lead_time_days=settings.default_lead_time_days,
        service_level=min(max(settings.default_service_level, LEAST_SERVICE_LEVEL), MOST_SERVICE_LEVEL),
        review_period_days=settings.default_review_period_days,
    )


def _audited(row: Record | None, given: Set[str]) -> dict[str, Any]:
    return {} if row is None else {name: row[name] for name in sorted(given)}


def _shown(row: Record | None) -> Reply:
    if row is None:
        raise NotFoundError
    settings = TenantSettings.model_validate(row["settings"]).model_dump(mode="json")
    return Reply({**dict(row), "settings": settings}, version=row["version"])


def check_time_zone(name: str) -> None:
    """Refuse (422) what is not the name of a time zone."""
    if name not in available_timezones():
        raise field_refused(
            "/time_zone",
            "time_zone",
            "A time zone such as America/Sao_Paulo is expected.",
            "Informe um fuso horário, como America/Sao_Paulo.",
        )
