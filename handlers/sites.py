"""Sites (obras): the places of a customer to which goods are delivered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, StrictBool, model_validator

from handlers.changes import CheckVersion, any_version, asked_changes, lock, unchanged
from handlers.customers import Address
from handlers.documents import PostalCode
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import NotFoundError
from runtime.web.fields import Body, ShortText, Version, View
from runtime.web.pagination import ListQuery, Page, SearchText, page_reply
from runtime.web.problems import field_refused
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="sites")

Latitude = Annotated[
    float, Field(ge=-90, le=90, allow_inf_nan=False, description="Degrees, WGS 84", examples=[-22.9056])
]
Longitude = Annotated[
    float, Field(ge=-180, le=180, allow_inf_nan=False, description="Degrees, WGS 84", examples=[-47.0608])
]

_HALF_A_PLACE = "Latitude and longitude go together.|Latitude e longitude andam juntas."


class SiteNew(Body):
    """A site to be added; coordinates are optional, but go together."""

    name: ShortText
    address: Address | None = None
    postal_code: PostalCode | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    active: StrictBool = True

    @model_validator(mode="after")
    def _whole_place(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError(_HALF_A_PLACE)
        return self


class SiteChange(Body):
    """What to change of a site; fields left out stay as they are."""

    name: ShortText = unchanged()
    address: Address | None = None
    postal_code: PostalCode | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    active: StrictBool = unchanged()


class SiteView(View):
    """A site as the store sees it."""

    id: UUID
    customer_id: UUID
    name: str
    address: str | None
    postal_code: str | None
    latitude: float | None
    longitude: float | None
    active: bool
    version: Version
    created_at: datetime
    updated_at: datetime


class SiteList(ListQuery):
    """Filters of the site lists; ordered by name."""

    q: SearchText = None
    sort: Literal["name"] | None = None
    active: bool | None = None


class AllSitesList(SiteList):
    """Filters of the list of all sites."""

    customer_id: UUID | None = None


@routes.get(
    "/sites",
    may="sites:read",
    stale=True,
    summary="List or search sites",
    query=AllSitesList,
    answers=Page[SiteView],
)
async def list_sites(call: Call[AllSitesList]) -> Reply:
    """``q`` finds sites by the words of their name and address."""
    if call.query.customer_id is not None:
        return await _of_customer(call, call.query.customer_id)
    rows = await call.tx.fetch_all(
        sql.search_sites if call.query.q else sql.list_sites,
        **({"question": call.query.q} if call.query.q else {}),
        **_page(call),
    )
    return page_reply(call, rows, call.query.limit, _key)


@routes.get(
    "/customers/{customer_id}/sites",
    may="sites:read",
    stale=True,
    summary="List a customer's sites",
    query=SiteList,
    answers=Page[SiteView],
)
async def list_customer_sites(call: Call[SiteList], customer_id: UUID) -> Reply:
    """``q`` finds sites by the words of their name and address."""
    if await call.tx.fetch_one(sql.get_customer, id=customer_id) is None:
        raise NotFoundError
    return await _of_customer(call, customer_id)


@routes.post(
    "/customers/{customer_id}/sites",
    may="sites:create",
    summary="Add a site to a customer",
    body=SiteNew,
    answers=SiteView,
    status=201,
)
async def create_site(call: Call, customer_id: UUID, body: SiteNew) -> Reply:
    """A site belongs to one customer for good."""
    site_id = await create(call.tx, customer_id, body)
    call.audit("site.created", "site", site_id, after={"customer_id": str(customer_id)})
    return await _reply(call.tx, site_id)


@routes.get("/sites/{site_id}", may="sites:read", summary="Show a site", answers=SiteView)
async def get_site(call: Call, site_id: UUID) -> Reply:
    """One site, with its version as ETag."""
    return await _reply(call.tx, site_id)


@routes.patch(
    "/sites/{site_id}", may="sites:update", summary="Change a site", body=SiteChange, answers=SiteView
)
async def change_site(call: Call, site_id: UUID, body: SiteChange) -> Reply:
    """Sites are never deleted: ``"active": false`` takes one out of use."""
    changed = await change(call.tx, site_id, body, call.if_match)
    # Names of fields only: an address is personal data, and the audit log outlives an erasure request.
    call.audit("site.updated", "site", site_id, after={"changed": changed})
    return await _reply(call.tx, site_id)


async def create(tx: TenantTransaction, customer_id: UUID, body: SiteNew) -> UUID:
    """Add a site to a customer; 404 when the store has no such customer."""
    site_id = new_id()
    if not await tx.execute(sql.insert_site, id=site_id, customer_id=customer_id, **body.model_dump()):
        raise NotFoundError
    return site_id


async def change(
    tx: TenantTransaction, site_id: UUID, body: SiteChange, check_version: CheckVersion = any_version
) -> list[str]:
    """Change a site and return the names of the columns that changed."""
    current = await lock(tx, sql.lock_site, check_version, id=site_id)
    changes = asked_changes(current, body)
    changed = {**current, **changes}
    if (changed["latitude"] is None) != (changed["longitude"] is None):
        english, _, portuguese = _HALF_A_PLACE.partition("|")
        raise field_refused("/latitude", "invalid", english, portuguese)
    if changes:
        await tx.execute(sql.update_site, id=site_id, **changed)
    return sorted(changes)


async def _of_customer(call: Call[Any], customer_id: UUID) -> Reply:
    rows = await call.tx.fetch_all(
        sql.list_customer_sites, customer_id=customer_id, question=call.query.q or None, **_page(call)
    )
    return page_reply(call, rows, call.query.limit, _key)


def _page(call: Call[Any]) -> dict[str, Any]:
    name, site_id = call.cursor() or (None, None)
    return {
        "after_name": name,
        "after_id": site_id,
        "active": call.query.active,
        "limit": call.query.limit + 1,
    }


def _key(row: Any) -> list[object]:
    return [row["name_key"], row["id"]]


async def _reply(tx: TenantTransaction, site_id: UUID) -> Reply:
    row = await tx.fetch_one(sql.get_site, id=site_id)
    if row is None:
        raise NotFoundError
    return Reply(row["body"], version=row["version"])
