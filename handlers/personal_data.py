"""What a store holds about a person, and forgetting it (LGPD, Lei 13.709/2018, articles 18 and 16)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from handlers import kept_files
from handlers.changes import any_version, lock
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import ConflictError, NotFoundError
from runtime.web.call import Call, Reply
from runtime.web.fields import View
from runtime.web.routing import Routes

routes = Routes(tag="customers")

ANONYMOUS = "Anonimizado"


class PersonalDataView(View):
    """Everything held about a customer, in the store's own terms."""

    customer: dict[str, Any]
    sites: list[dict[str, Any]]
    quotes: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    links: list[dict[str, Any]]
    deliveries: list[dict[str, Any]]


@routes.get(
    "/customers/{customer_id}/personal-data",
    may="customers:personal_data",
    audited=True,
    summary="Everything held about a customer",
    answers=PersonalDataView,
)
async def get_personal_data(call: Call, customer_id: UUID) -> Reply:
    """To hand over when the person asks. Events and engines hold ids and amounts only."""
    body = await call.tx.fetch_value(sql.get_personal_data, id=customer_id)
    if body is None:
        raise NotFoundError
    call.audit("customer.personal_data_read", "customer", customer_id)
    return Reply(body)


@routes.post(
    "/customers/{customer_id}/anonymise",
    may="customers:personal_data",
    summary="Forget a customer",
    status=204,
    errors=(409,),
)
async def anonymise_customer(call: Call, customer_id: UUID) -> Reply:
    """Name, document, contacts, addresses and notes go, for good; numbers, goods and amounts stay.

    409 while an order is still on its way. The customer is inactive afterwards; asking again changes nothing.
    """
    await forget(call.tx, customer_id)
    call.audit("customer.anonymised", "customer", customer_id)
    return Reply(None, status=204)


async def forget(tx: TenantTransaction, customer_id: UUID) -> None:
    """Forget the customer.

    Whatever is being written about the customer is waited for, and seen: quotes and orders that there are by their own
    rows, new ones and sites by the customer's. Quotes and orders come first, as for everybody who changes them.
    """
    await tx.fetch_all(sql.lock_quotes_of_customer, customer_id=customer_id)
    await tx.fetch_all(sql.lock_orders_of_customer, customer_id=customer_id)
    await lock(tx, sql.lock_customer, any_version, id=customer_id)
    if await tx.fetch_value(sql.count_open_orders, customer_id=customer_id):
        raise ConflictError(
            "open_orders",
            "The customer has orders that are not finished.",
            "O cliente tem pedidos em andamento.",
        )
    await tx.execute(sql.anonymise_customer, id=customer_id, name=ANONYMOUS)
    await tx.execute(sql.anonymise_sites, customer_id=customer_id, name=ANONYMOUS)
    await tx.execute(sql.anonymise_quotes, customer_id=customer_id)
    await tx.execute(sql.anonymise_quote_versions, customer_id=customer_id, name=ANONYMOUS)
    await tx.execute(sql.anonymise_discount_approvals, customer_id=customer_id)
    await tx.execute(sql.anonymise_orders, customer_id=customer_id)
    await tx.execute(sql.anonymise_order_items, customer_id=customer_id)
    await tx.execute(sql.anonymise_returns, customer_id=customer_id, name=ANONYMOUS)
    await tx.execute(sql.revoke_customer_links, customer_id=customer_id)
    await tx.execute(sql.forget_answers, customer_id=customer_id)
    await tx.execute(sql.anonymise_deliveries, customer_id=customer_id)
    images = await tx.fetch_all(sql.delete_customer_images, customer_id=customer_id)
    await kept_files.give_up(tx, [image["file_name"] for image in images])
