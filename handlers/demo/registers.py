"""The demo store's registers: products, customers and sites; those it already has are taken as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from handlers import customers, products, sites
from handlers.demo.goods import BY_SKU, GOODS, Good
from handlers.demo.people import Person
from handlers.permissions import Role
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction


@dataclass(frozen=True, slots=True)
class Registers:
    """Ids by what the plan calls things: products by code, customers and their sites by position."""

    products: Mapping[str, UUID]
    customers: Sequence[UUID]
    sites: Sequence[Sequence[UUID]]
    users: Mapping[Role, UUID]


async def fill_registers(tx: TenantTransaction, people: Sequence[Person]) -> Registers:
    """Add what is missing and return the ids of everything."""
    known_products = {
        row["sku"].upper(): row["id"] for row in await tx.fetch_all(sql.find_demo_products, skus=[*BY_SKU])
    }
    for good in GOODS:
        if good.sku not in known_products:
            known_products[good.sku] = await products.create(tx, _product(good))
    documents = [person.document for person in people]
    known_people = {
        row["document"]: row["id"] for row in await tx.fetch_all(sql.find_demo_customers, documents=documents)
    }
    for person in people:
        if person.document not in known_people:
            known_people[person.document] = await customers.create(tx, _customer(person))
    customer_ids = [known_people[person.document] for person in people]
    known_sites = {
        (row["customer_id"], row["name"]): row["id"]
        for row in await tx.fetch_all(sql.find_sites_of_customers, customer_ids=customer_ids)
    }
    site_ids = []
    for person, customer_id in zip(people, customer_ids, strict=True):
        of_person = []
        for place in person.places:
            site_id = known_sites.get((customer_id, place.name))
            if site_id is None:
                site_id = await sites.create(
                    tx,
                    customer_id,
                    sites.SiteNew(
                        name=place.name,
                        address=place.address,
                        postal_code=place.postal_code,
                        latitude=place.latitude,
                        longitude=place.longitude,
                    ),
                )
            of_person.append(site_id)
        site_ids.append(of_person)
    users = {Role(row["role"]): row["id"] for row in await tx.fetch_all(sql.find_active_user_per_role)}
    return Registers(known_products, customer_ids, site_ids, users)


def _product(good: Good) -> products.ProductNew:
    pack, held = good.pack or (None, None)
    return products.ProductNew.model_validate(
        {
            "sku": good.sku,
            "name": good.name,
            "unit": good.unit,
            "base_price": good.price,
            "category": good.category,
            "cost": good.cost,
            "barcode": good.barcode,
            "weight_kg": good.weight_kg,
            "unit_conversions": [] if pack is None else [{"unit": pack, "quantity": held}],
            # Nobody opens a box of tiles; a pallet of cement is taken apart for a single sack.
            "sale_pack": pack if pack == "CX" else None,
            "purchase_pack": pack,
        }
    )


def _customer(person: Person) -> customers.CustomerNew:
    return customers.CustomerNew(
        kind=person.kind,
        name=person.name,
        document=person.document,
        email=person.email,
        phone=person.phone,
        address=person.address,
        postal_code=person.postal_code,
    )
