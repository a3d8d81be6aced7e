"""Products from a file, known by their code (SKU)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from handlers import products
from handlers.changes import asked_changes
from handlers.imports.reading import Field, GivenRow
from handlers.imports.running import Outcome, checked, problem_of
from handlers.products import ProductChange, ProductNew
from handlers.tables.cells import Problem
from handlers.units import UnitConversion, check_units
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import InvalidError
from runtime.events.catalogue import ProductCreated, ProductPriceUpdated, ProductUpdated
from runtime.events.log import emit
from runtime.web.call import Call


class Products:
    """The store's products."""

    needed = ("sku",)
    fields = (
        Field(
            "sku", ("sku", "codigo", "cod", "code", "referencia", "ref", "product code", "codigo do produto")
        ),
        Field("name", ("nome", "name", "produto", "product", "nome do produto", "product name")),
        Field("unit", ("unidade", "unit", "un", "und", "unid", "unidade de medida"), "unit"),
        Field(
            "base_price",
            (
                "preco base",
                "preco",
                "preco de venda",
                "valor",
                "base price",
                "price",
                "sale price",
                "valor de venda",
            ),
            "decimal",
        ),
        Field("cost", ("custo", "preco de custo", "cost", "cost price"), "decimal"),
        Field("description", ("descricao", "description", "detalhes", "details")),
        Field("category", ("categoria", "category", "grupo", "group", "familia")),
        Field("barcode", ("codigo de barras", "barcode", "ean", "gtin", "ean gtin")),
        Field("weight_kg", ("peso kg", "peso", "weight kg", "weight"), "decimal"),
        Field("volume_m3", ("volume m3", "volume"), "decimal"),
        Field("active", ("ativo", "active", "situacao", "status"), "flag"),
    )

    async def take(
        self,
        call: Call[Any],
        tx: TenantTransaction,
        rows: Sequence[GivenRow],
        outcome: Outcome,
        dry_run: bool,
    ) -> None:
        """New codes become products; those that are known are changed where they say something else."""
        named = [row for row in rows if _has_a_code(row, outcome)]
        # The database says which codes are the same: what it takes for lower case differs from Python's.
        found = await tx.fetch_all(sql.key_skus, skus=[row.values["sku"] for row in named])
        keyed = [
            (row, key) for row, (key,) in zip(named, found, strict=True) if outcome.is_first(row, key, "sku")
        ]
        known = {
            row["sku_key"]: row
            for row in await tx.fetch_all(sql.lock_products_by_sku, keys=[key for _, key in keyed])
        }
        created: list[tuple[UUID, ProductNew]] = []
        changed: list[tuple[UUID, dict[str, Any], dict[str, Any]]] = []
        for row, key in keyed:
            current = known.get(key)
            if current is None:
                body = _new(row)
                if isinstance(body, Problem):
                    outcome.problems.append(body)
                else:
                    created.append((new_id(), body))
                continue
            before = dict(current)
            product_id = before.pop("id")
            del before["sku_key"]
            changes = await _changes(tx, row, product_id, before)
            if isinstance(changes, Problem):
                outcome.problems.append(changes)
            elif changes:
                changed.append((product_id, before, changes))
            else:
                outcome.unchanged += 1
        outcome.created += len(created)
        outcome.updated += len(changed)
        if not dry_run:
            await _create(call, tx, created)
            await _change(call, tx, changed)


def _has_a_code(row: GivenRow, outcome: Outcome) -> bool:
    if "sku" not in row.values:
        outcome.problems.append(
            Problem(row.number, "sku", "missing", "The code is missing.", "Falta o código.")
        )
    return "sku" in row.values


def _new(row: GivenRow) -> ProductNew | Problem:
    body: ProductNew | Problem = checked(ProductNew, row, row.values)
    return body


async def _changes(
    tx: TenantTransaction, row: GivenRow, product_id: UUID, current: dict[str, Any]
) -> dict[str, Any] | Problem:
    """What the row changes of a product that is there; cells that are empty change nothing."""
    # The code is how the product was found: its case is not a change.
    given = {name: value for name, value in row.values.items() if name != "sku"}
    body = checked(ProductChange, row, given)
    if isinstance(body, Problem):
        return body
    changes = without_lost_breaks(current, asked_changes(current, body))
    if "unit" in changes:
        conversions = [UnitConversion(**stored) for stored in current["unit_conversions"]]
        try:
            check_units(changes["unit"], conversions, current["sale_pack"], current["purchase_pack"])
        except InvalidError as refused:
            return problem_of(row, refused)
        if await tx.fetch_value(sql.is_product_counted, product_id=product_id):
            refusal = products.unit_in_use(current["unit"])
            return Problem(row.number, "unit", refusal.code, refusal.en, refusal.pt)
    return changes


def without_lost_breaks(current: Mapping[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The changes but those in which a text has only lost its line breaks, as cells of tables do."""
    return {
        name: value
        for name, value in changes.items()
        if not (
            isinstance(value, str)
            and isinstance(current[name], str)
            and current[name].split() == value.split()
        )
    }


async def _create(call: Call[Any], tx: TenantTransaction, created: Sequence[tuple[UUID, ProductNew]]) -> None:
    if not created:
        return
    rows = [{"id": str(product_id), **body.model_dump(mode="json")} for product_id, body in created]
    await tx.execute(sql.insert_products, rows=rows)
    await _record_prices(tx, [(product_id, None, body.base_price) for product_id, body in created])
    for (product_id, body), row in zip(created, rows, strict=True):
        emit(tx, ProductCreated(product_id=product_id, **products.state_of(body.model_dump())))
        call.audit("product.created", "product", product_id, after=_without_id(row))


async def _change(
    call: Call[Any], tx: TenantTransaction, changed: Sequence[tuple[UUID, dict[str, Any], dict[str, Any]]]
) -> None:
    if not changed:
        return
    await tx.execute(
        sql.update_products,
        rows=[{"id": str(product_id), **before, **changes} for product_id, before, changes in changed],
    )
    priced = [
        (product_id, before["base_price"], changes["base_price"])
        for product_id, before, changes in changed
        if "base_price" in changes
    ]
    await _record_prices(tx, priced)
    for product_id, before, changes in changed:
        emit(tx, ProductUpdated(product_id=product_id, **products.state_of({**before, **changes})))
        if "base_price" in changes:
            emit(
                tx,
                ProductPriceUpdated(
                    product_id=product_id, previous=before["base_price"], price=changes["base_price"]
                ),
            )
        former = {name: before[name] for name in changes}
        call.audit("product.updated", "product", product_id, before=former, after=changes)


async def _record_prices(tx: TenantTransaction, prices: Sequence[tuple[UUID, Any, Any]]) -> None:
    if prices:
        await tx.execute(
            sql.insert_product_prices,
            ids=[new_id() for _ in prices],
            product_ids=[product_id for product_id, _, _ in prices],
            previous=[previous for _, previous, _ in prices],
            prices=[price for _, _, price in prices],
        )


def _without_id(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id"}
