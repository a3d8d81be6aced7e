"""Taking in a supplier's price list: rows to products, prices that differ registered, chunk by chunk.

Each chunk is a transaction of its own, and a row whose price counts already changes nothing. So a file that was cut
short, by a fault or by the time one request may take, is sent again and goes on where it ended.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from handlers.lines import round_half_up
from handlers.own_transactions import transaction
from handlers.suppliers.models import ImportChangeView, ImportQuery, ImportView
from handlers.suppliers.price_rows import PriceRow, read_rows
from handlers.suppliers.prices import Registration, Terms, add, current_terms, in_own_unit, local_day
from handlers.suppliers.rules import require
from handlers.tables.cells import Problem
from handlers.tables.uploads import read_table, shown
from handlers.units import ProductUnits
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import InvalidError
from runtime.web.call import Call
from runtime.web.writes import record_audit

CHUNK_ROWS = 500
TIME_BUDGET_S = 9.0
MAX_SHOWN = 200


@dataclass(slots=True)
class _Progress:
    """What has become of the rows so far; ``first_rows`` is where each product of the file stood first."""

    rows: int = 0
    registered: int = 0
    unchanged: int = 0
    codes_learned: int = 0
    problems: list[Problem] = field(default_factory=list)
    changes: list[ImportChangeView] = field(default_factory=list)
    first_rows: dict[UUID, int] = field(default_factory=dict)


async def run(call: Call[ImportQuery], supplier_id: UUID) -> ImportView:
    """Take the request's body in; see the endpoint for what it may be. 404 for an unknown supplier."""
    started = time.monotonic()
    query = call.query
    async with transaction(call) as tx:
        await require(tx, supplier_id)
        first_day = query.valid_from or local_day(tx.now, call.tenant.time_zone)
    rows = await read_table(call, read_rows)
    progress, complete = _Progress(), True
    for start in range(0, len(rows), CHUNK_ROWS):
        if time.monotonic() - started > TIME_BUDGET_S:
            complete = False
            break
        async with transaction(call) as tx:
            chunk = rows[start : start + CHUNK_ROWS]
            if taken := await _take(tx, supplier_id, chunk, progress, query, first_day):
                call.audited.clear()
                call.audit("supplier_prices.imported", "supplier", supplier_id, after={"registered": taken})
                await record_audit(call, tx)
    return ImportView(
        dry_run=query.dry_run,
        complete=complete,
        rows=progress.rows,
        registered=progress.registered,
        unchanged=progress.unchanged,
        failed=len(progress.problems),
        codes_learned=progress.codes_learned,
        errors=[shown(problem, call.locale) for problem in progress.problems[:MAX_SHOWN]],
        changes=progress.changes,
    )


async def _take(
    tx: TenantTransaction,
    supplier_id: UUID,
    chunk: Sequence[PriceRow | Problem],
    progress: _Progress,
    query: ImportQuery,
    first_day: date,
) -> int:
    """Take one chunk in and say how many prices were registered; a dry run only counts."""
    progress.rows += len(chunk)
    progress.problems += [row for row in chunk if isinstance(row, Problem)]
    rows = [row for row in chunk if isinstance(row, PriceRow)]
    if not rows:
        return 0
    found = await tx.fetch_all(
        sql.match_price_rows,
        supplier_id=supplier_id,
        codes=[row.code for row in rows],
        skus=[row.sku for row in rows],
        barcodes=[row.barcode for row in rows],
    )
    wanted: list[tuple[PriceRow, Any, Registration]] = []
    for row, product in zip(rows, found, strict=True):
        problem = _problem_of(row, product, progress)
        last = row.valid_to or query.valid_to
        first = row.valid_from or first_day
        if problem is None and last is not None and last < first:
            problem = Problem(
                row.number, "valid_to", "too_early", "The price ends before it begins.",
                "O preço termina antes de começar.",
            )  # fmt: skip
        if problem is not None:
            progress.problems.append(problem)
            continue
        units = ProductUnits(product["unit"], product["unit_conversions"])
        try:
            price, minimum, quoted = in_own_unit(units, row.price, row.minimum_quantity, row.unit)
        except InvalidError as refused:
            [said] = refused.fields
            column = {"/unit": "unit", "/price": "price"}.get(said.pointer, "minimum")
            progress.problems.append(Problem(row.number, column, said.code, said.en, said.pt))
            continue
        terms = Terms(price, minimum, row.payment_days, row.lead_time_days, last, quoted)
        wanted.append((row, product, Registration(product["product_id"], first, terms)))
    present = await current_terms(tx, supplier_id, [(one.product_id, one.valid_from) for _, _, one in wanted])
    differing = [one for one in wanted if present.get(one[2].product_id) != one[2].terms]
    progress.registered += len(differing)
    progress.unchanged += len(wanted) - len(differing)
    for row, product, one in differing[: MAX_SHOWN - len(progress.changes)]:
        before = present.get(one.product_id)
        progress.changes.append(
            ImportChangeView(
                row=row.number,
                product_id=one.product_id,
                sku=product["sku"],
                matched_by=product["matched_by"],
                unit=product["unit"] if one.terms.quoted is None else one.terms.quoted.unit,
                previous=_comparable(before, one.terms),
                price=one.terms.price if one.terms.quoted is None else one.terms.quoted.price,
            )
        )
    if query.dry_run:
        return 0
    if differing:
        await add(tx, supplier_id, [one for _, _, one in differing], "import")
    progress.codes_learned += await _learn_codes(tx, supplier_id, wanted)
    return len(differing)


def _comparable(before: Terms | None, terms: Terms) -> Decimal | None:
    """The former price for the unit that the new one is for."""
    if before is None:
        return None
    if terms.quoted is None:
        return before.price
    if before.quoted is not None and before.quoted.unit == terms.quoted.unit:
        return before.quoted.price
    return round_half_up(before.price * terms.quoted.holds / terms.quoted.units)


def _problem_of(row: PriceRow, product: Any, progress: _Progress) -> Problem | None:
    """Why a row's product cannot be taken; notes where each product stands first."""
    named = row.code or row.sku or row.barcode
    if product["product_id"] is None:
        return Problem(
            row.number, "code", "product_not_found", f"No product is known as '{named}'.",
            f"Nenhum produto é conhecido como '{named}'.",
        )  # fmt: skip
    if not product["active"]:
        return Problem(
            row.number, "code", "inactive", f"The product '{product['sku']}' is inactive.",
            f"O produto '{product['sku']}' está inativo.",
        )  # fmt: skip
    first = progress.first_rows.setdefault(product["product_id"], row.number)
    if first != row.number:
        return Problem(
            row.number, "code", "duplicate", f"The product '{product['sku']}' is already in row {first}.",
            f"O produto '{product['sku']}' já está na linha {first}.",
        )  # fmt: skip
    return None


async def _learn_codes(
    tx: TenantTransaction, supplier_id: UUID, wanted: Sequence[tuple[PriceRow, Any, Registration]]
) -> int:
    """Remember the supplier's codes of products that the file also names by SKU or barcode of ours."""
    learned = [
        (row.code, one.product_id)
        for row, product, one in wanted
        if row.code is not None
        and product["matched_by"] != "code"
        and (row.sku is not None or row.barcode is not None)
    ]
    if not learned:
        return 0
    return await tx.execute(
        sql.set_supplier_codes,
        supplier_id=supplier_id,
        ids=[new_id() for _ in learned],
        codes=[code for code, _ in learned],
        product_ids=[product_id for _, product_id in learned],
    )
