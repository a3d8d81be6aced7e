"""What a quote said before, and what differs between two of its versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from anyio import to_thread
from pydantic import BaseModel, ConfigDict, Field

from handlers.insights.explanations import Numbers
from handlers.own_transactions import transaction
from handlers.quotes.comparison import TOTALS, Comparison, LineChange, compare
from handlers.quotes.comparison_sentences import say_header, say_line, say_total
from runtime.data.queries import sql
from runtime.errors import NotFoundError
from runtime.web.call import Call, Reply
from runtime.web.fields import Money, Percent, Quantity, SignedMoney, Version, View
from runtime.web.pagination import Page
from runtime.web.routing import Routes

routes = Routes(tag="quotes")


class FormerVersionView(View):
    """What a draft said before it was changed."""

    version: Version
    replaced_by: UUID | None
    replaced_at: datetime
    content: dict[str, Any]


class ChangesQuery(BaseModel):
    """The version to compare with; without one, the present."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: Version | None = None


class HeaderChangeView(View):
    """One thing that changed of the quote as a whole."""

    field: Literal["customer", "site", "discount_percent", "validity_days", "notes"]
    before: str | int | None
    after: str | int | None
    sentence: str


class LineSideView(View):
    """A line on one side of the comparison."""

    quantity: Quantity
    unit: str
    unit_price: Money
    price_unit: str
    discount_percent: Percent
    line_total: Money
    note: str | None


class LineChangeView(View):
    """A line that one side does not have (``before`` or ``after`` is null), or that differs in ``fields``."""

    change: Literal["added", "removed", "changed"]
    product_id: UUID
    sku: str
    name: str
    fields: list[str]
    before: LineSideView | None
    after: LineSideView | None
    sentence: str


class TotalChangeView(View):
    """An amount on both sides."""

    before: Money
    after: Money


class TotalsChangeView(View):
    """The amounts on both sides, changed or not."""

    subtotal: TotalChangeView
    discount_amount: TotalChangeView
    total: TotalChangeView


class ChangesView(View):
    """All that differs; ``difference`` is by how much the total rose, negative when it fell."""

    header: list[HeaderChangeView]
    lines: list[LineChangeView]
    totals: TotalsChangeView
    difference: SignedMoney
    sentence: str = Field(examples=["Total: R$ 100,00 → R$ 95,00 (-R$ 5,00)."])


@routes.get(
    "/quotes/{quote_id}/versions",
    may="quotes:read",
    stale=True,
    summary="Show a quote's former versions",
    answers=Page[FormerVersionView],
)
async def list_quote_versions(call: Call, quote_id: UUID) -> Reply:
    """What the draft said before each change, oldest first."""
    body = await call.tx.fetch_value(sql.list_quote_versions, id=quote_id)
    if body is None:
        raise NotFoundError
    return Reply(body)


@routes.get(
    "/quotes/{quote_id}/versions/{version}/changes",
    may="quotes:read",
    transaction=False,
    summary="What changed of a quote since a version",
    query=ChangesQuery,
    answers=ChangesView,
)
async def compare_quote_versions(call: Call[ChangesQuery], quote_id: UUID, version: int) -> Reply:
    """Lines added, removed and changed, header and totals, as fields and as sentences. 404 for a version that was not
    kept: those are the ones before each change of the draft, and the present one."""
    async with transaction(call) as tx:
        before = await tx.fetch_value(sql.get_quote_content, id=quote_id, version=version)
        after = await tx.fetch_value(sql.get_quote_content, id=quote_id, version=call.query.to)
    if before is None or after is None:
        raise NotFoundError
    numbers = Numbers(call.locale)
    return Reply(await to_thread.run_sync(describe, orjson.loads(before), orjson.loads(after), numbers))


def describe(before: Mapping[str, Any], after: Mapping[str, Any], numbers: Numbers) -> dict[str, Any]:
    """The JSON of ``ChangesView``; some milliseconds of CPU when much has changed."""
    found: Comparison = compare(before, after)
    return {
        "header": [
            {"field": name, "before": old, "after": new, "sentence": say_header(name, old, new, numbers)}
            for name, (old, new) in found.header.items()
        ],
        "lines": [_line(line, numbers) for line in found.lines],
        "totals": {
            name: dict(zip(("before", "after"), map(str, found.totals[name]), strict=True)) for name in TOTALS
        },
        "difference": str(found.difference),
        "sentence": say_total(found, numbers),
    }


def _line(line: LineChange, numbers: Numbers) -> dict[str, Any]:
    return {
        "change": line.change,
        **{name: line.shown[name] for name in ("product_id", "sku", "name")},
        "fields": line.fields,
        "before": _side(line.before),
        "after": _side(line.after),
        "sentence": say_line(line, numbers),
    }


def _side(item: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if item is None else {name: item[name] for name in LineSideView.model_fields}
