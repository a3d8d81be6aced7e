"""Customers from a file, known by their document (CPF or CNPJ) or, without one, by their name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from handlers.changes import asked_changes
from handlers.customers import CustomerChange, CustomerNew
from handlers.documents import CustomerKind, normalise_document
from handlers.imports.products import without_lost_breaks
from handlers.imports.reading import Field, GivenRow
from handlers.imports.running import Outcome, checked
from handlers.tables.cells import Problem
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.events.catalogue import CustomerCreated
from runtime.events.log import emit
from runtime.web.call import Call

_KINDS = {
    **dict.fromkeys(
        ("pessoa", "pessoa fisica", "fisica", "pf", "f", "cpf", "person", "individual"), "person"
    ),
    **dict.fromkeys(
        ("empresa", "pessoa juridica", "juridica", "pj", "j", "cnpj", "company", "business"), "company"
    ),
}


class Customers:
    """The store's customers."""

    needed = ("name",)
    fields = (
        Field("kind", ("tipo", "kind", "tipo de pessoa", "pessoa", "type"), "choice", _KINDS),
        Field(
            "name", ("nome", "name", "cliente", "customer", "razao social", "nome completo", "company name")
        ),
        Field("document", ("cpf cnpj", "documento", "document", "cpf", "cnpj", "cnpj cpf", "tax id")),
        Field("email", ("e mail", "email")),
        Field("phone", ("telefone", "phone", "celular", "fone", "whatsapp", "mobile")),
        Field("address", ("endereco", "address", "logradouro")),
        Field("postal_code", ("cep", "postal code", "zip", "zip code")),
        Field("notes", ("observacoes", "notes", "observacao", "obs")),
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
        """New documents and names become customers; those that are known are changed where they say something else."""
        read = []
        for row in rows:
            given = _with_document(row)
            if isinstance(given, Problem):
                outcome.problems.append(given)
            else:
                read.append(given)
        matches: dict[int, list[Any]] = {}
        keys: dict[int, str] = {}
        for found in await tx.fetch_all(
            sql.match_customers,
            documents=[row.values.get("document") for row in read],
            names=[row.values["name"] for row in read],
        ):
            keys[found["place"]] = found["key"]
            if found["id"] is not None:
                matches.setdefault(found["place"], []).append(found["id"])
        known = {
            row["id"]: dict(row)
            for row in await tx.fetch_all(
                sql.lock_customers, ids=[one for ids in matches.values() for one in ids]
            )
        }
        created: list[tuple[UUID, CustomerNew]] = []
        changed: list[tuple[UUID, dict[str, Any], dict[str, Any]]] = []
        for place, row in enumerate(read, 1):
            if not outcome.is_first(row, keys[place], "document" if "document" in row.values else "name"):
                continue
            ids = matches.get(place, [])
            found_one = _one(row, ids)
            if isinstance(found_one, Problem):
                outcome.problems.append(found_one)
                continue
            if found_one is None:
                body = checked(CustomerNew, row, {"kind": "person", **row.values})
                if isinstance(body, Problem):
                    outcome.problems.append(body)
                else:
                    created.append((new_id(), body))
                continue
            before = known[found_one]
            changes = _changes(row, before)
            if isinstance(changes, Problem):
                outcome.problems.append(changes)
            elif changes:
                changed.append((found_one, before, changes))
            else:
                outcome.unchanged += 1
        outcome.created += len(created)
        outcome.updated += len(changed)
        if not dry_run:
            await _create(call, tx, created)
            await _change(call, tx, changed)


def _with_document(row: GivenRow) -> GivenRow | Problem:
    """The row with its kind and normalised document; numbers typed as such have lost their first zeros."""
    values = dict(row.values)
    if "name" not in values:
        return Problem(row.number, "name", "missing", "The name is missing.", "Falta o nome.")
    document: str | None = values.get("document")
    postal_code: str | None = values.get("postal_code")
    if postal_code is not None and len(postal_code) == 7 and postal_code.isdigit():
        values["postal_code"] = f"0{postal_code}"
    if document is None:
        return GivenRow(row.number, values)
    bare = "".join(letter for letter in document if letter.isalnum())
    kind: CustomerKind = values.setdefault("kind", "person" if len(bare) <= 11 else "company")
    if document.isdigit() and len(bare) >= 8:
        document = bare.zfill(11 if kind == "person" else 14)
    if kind not in ("person", "company"):
        return GivenRow(row.number, values)
    try:
        values["document"] = normalise_document(kind, document)
    except ValueError as refused:
        english, _, portuguese = str(refused).partition("|")
        return Problem(row.number, "document", "invalid", english, portuguese)
    return GivenRow(row.number, values)


def _one(row: GivenRow, ids: Sequence[UUID]) -> UUID | Problem | None:
    if len(ids) > 1:
        return Problem(
            row.number, "name", "ambiguous", "Several customers have this name; give the document.",
            "Vários clientes têm este nome; informe o CPF ou CNPJ.",
        )  # fmt: skip
    return ids[0] if ids else None


def _changes(row: GivenRow, current: dict[str, Any]) -> dict[str, Any] | Problem:
    """What the row changes of a customer who is there; cells that are empty change nothing."""
    given = dict(row.values)
    if given.get("kind", current["kind"]) != current["kind"] and current["document"] is not None:
        return Problem(
            row.number, "kind", "invalid", "The document is not of this kind of customer.",
            "O documento não é deste tipo de cliente.",
        )  # fmt: skip
    body = checked(CustomerChange, row, given)
    return body if isinstance(body, Problem) else without_lost_breaks(current, asked_changes(current, body))


async def _create(
    call: Call[Any], tx: TenantTransaction, created: Sequence[tuple[UUID, CustomerNew]]
) -> None:
    if not created:
        return
    await tx.execute(
        sql.insert_customers,
        rows=[{"id": str(customer_id), **body.model_dump(mode="json")} for customer_id, body in created],
    )
    for customer_id, body in created:
        emit(tx, CustomerCreated(customer_id=customer_id, kind=body.kind))
        call.audit("customer.created", "customer", customer_id, after={"kind": body.kind})


async def _change(
    call: Call[Any], tx: TenantTransaction, changed: Sequence[tuple[UUID, dict[str, Any], dict[str, Any]]]
) -> None:
    if not changed:
        return
    await tx.execute(
        sql.update_customers,
        rows=[{**before, **changes, "id": str(customer_id)} for customer_id, before, changes in changed],
    )
    for customer_id, _, changes in changed:
        # The audit log outlives an erasure request, so it names the fields and not the personal data in them.
        call.audit("customer.updated", "customer", customer_id, after={"changed": sorted(changes)})
