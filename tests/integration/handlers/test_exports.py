"""Exports over HTTP: what is in them, how it is written, and what must never be."""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
from typing import Any

import asyncpg
import pytest
from python_calamine import CalamineWorkbook

from handlers.exports import endpoints, formats, headings, words
from handlers.vertical import RESOURCES, ROUTES
from runtime.data.database import Database
from tests.support.operations import Things
from tests.support.stores import ApiClient, Store, create_store
from tests.support.traded import trade

CEMENT = {"sku": "CIM-50", "name": "Cimento «São João»; 50 kg", "unit": "SC", "base_price": "1234.50"}
EXPORTS = [operation for group in ROUTES for operation in group.operations if group.tag == "exports"]


async def file(client: ApiClient, path: str) -> bytes:
    answer = await client.get(f"exports/{path}")
    content = await answer.read()
    assert answer.status == 200, content
    return content


async def table(client: ApiClient, path: str, delimiter: str = ";") -> list[list[str]]:
    text = (await file(client, path)).decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:], newline=""), delimiter=delimiter))


async def records(client: ApiClient, path: str) -> list[dict[str, str]]:
    first, *rows = await table(client, path)
    return [dict(zip(first, row, strict=True)) for row in rows]


def sheets(content: bytes) -> list[list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]


@pytest.fixture
async def owner_client(client: ApiClient) -> ApiClient:
    await client.login("owner")
    return client


def test_every_list_of_a_store_can_be_exported() -> None:
    exported = {operation.path.replace("/exports", "", 1) for operation in EXPORTS}
    listed = {
        operation.path
        for group in ROUTES
        for operation in group.operations
        if operation.method == "GET" and "next_cursor" in getattr(operation.answers, "model_fields", {})
    }
    assert {path for path in listed - exported if "/platform/" not in path} == set()
    assert {"/api/v1/quotes/items", "/api/v1/orders/items", "/api/v1/purchase-orders/items"} <= exported


def test_files_have_headings_and_names_in_portuguese() -> None:
    """What is missing in handlers/exports/headings.py or words.py is shown in English: not a reason to hold a new list
    back, but not to become the rule either."""
    shown = [one for _, one in endpoints.tables_of(RESOURCES)]
    fields = {column.name for one in shown for column in one.columns}
    segments = {segment for one in shown for segment in one.segments}
    unknown = (fields - headings.HEADINGS.keys()) | (segments - words.TITLES.keys())
    assert len(unknown) < 0.05 * len(fields | segments), unknown


async def test_all_lists_of_a_store_that_traded_come_as_both_kinds_of_files(
    owner_client: ApiClient, owner: asyncpg.Connection, store: Store
) -> None:
    things = Things(await trade(owner, owner_client, store, "YARD"))
    empty = set()
    for operation in EXPORTS:
        path = things.path(operation).removeprefix("/api/v1/exports/")
        first, *rows = await table(owner_client, path)
        [[same, *_], *_] = sheets(await file(owner_client, f"{path}?format=xlsx"))
        assert first == same
        assert all(len(row) == len(first) for row in rows)
        if not rows:
            empty.add(operation.name)
    assert len(empty) < len(EXPORTS) / 3, empty


async def test_products_come_with_accents_and_decimal_commas(owner_client: ApiClient) -> None:
    await owner_client.json("POST", "products", {**CEMENT, "weight_kg": "50"}, status=201)
    answer = await owner_client.get("exports/products")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="produtos.csv"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    await answer.read()
    [cells] = await records(owner_client, "products")
    assert (cells["Nome"], cells["Preço base"], cells["Peso (kg)"]) == (CEMENT["name"], "1234,50", "50,000")
    assert (cells["Ativo"], cells["Custo"]) == ("sim", "")
    assert cells["Criado em"][2] == cells["Criado em"][5] == "/"


async def test_an_english_store_has_commas_and_points(
    client: ApiClient, owner: asyncpg.Connection, store: Store
) -> None:
    await owner.execute("update tenants set locale = 'en' where id = $1", store.id)
    await client.login("owner")
    await client.json("POST", "products", CEMENT, status=201)
    first, row = await table(client, "products", ",")
    cells = dict(zip(first, row, strict=True))
    assert (cells["Name"], cells["Base price"], cells["Active"]) == (CEMENT["name"], "1234.50", "yes")


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
async def test_text_never_becomes_a_formula(owner_client: ApiClient, start: str) -> None:
    evil = f'{start}HYPERLINK("http://x.example";"click")'
    await owner_client.json("POST", "products", {**CEMENT, "name": evil}, status=201)
    _, row = await table(owner_client, "products")
    assert row[1] == f"'{evil}"
    content = await file(owner_client, "products?format=xlsx")
    [[_, row_of_sheet]] = sheets(content)
    assert row_of_sheet[1] == evil
    assert b"<f>" not in content


async def test_numbers_below_zero_stay_numbers_and_ids_become_names(owner_client: ApiClient) -> None:
    product = await owner_client.json("POST", "products", CEMENT, status=201)
    for kind, quantity in (("receipt", "10"), ("loss", "2.5")):
        body = {"product_id": product["id"], "kind": kind, "quantity": quantity, "reason": "chuva"}
        await owner_client.json("POST", "stock/movements", body, status=201)
    second, first = await records(owner_client, "stock/movements")
    assert (first["Quantidade"], second["Quantidade"], second["Saldo"]) == ("10,000", "-2,500", "7,500")
    assert (second["SKU"], second["Tipo"], second["Usuário"]) == ("CIM-50", "perda", "owner")
    [[first_row, row, _]] = sheets(await file(owner_client, "stock/movements?format=xlsx"))
    assert row[first_row.index("Quantidade")] == -2.5


async def test_items_say_which_quote_they_are_of(owner_client: ApiClient) -> None:
    product = await owner_client.json("POST", "products", CEMENT, status=201)
    who = {"kind": "company", "name": "Construções Ágil", "phone": "+55 11 3232-3232"}
    customer = await owner_client.json("POST", "customers", who, status=201)
    items = [{"product_id": product["id"], "quantity": quantity} for quantity in ("2", "3")]
    quote = await owner_client.json(
        "POST", "quotes", {"customer_id": customer["id"], "items": items}, status=201
    )
    rows = await records(owner_client, "quotes/items")
    assert [(row["Número"], row["Cliente"], row["Situação"]) for row in rows] == 2 * [
        (quote["number"], who["name"], "rascunho")
    ]
    assert [(row["SKU"], row["Quantidade"]) for row in rows] == [("CIM-50", "2,000"), ("CIM-50", "3,000")]
    [customers] = await records(owner_client, "customers")
    assert (customers["Telefone"], customers["Tipo"]) == ("'+55 11 3232-3232", "empresa")


async def test_the_lists_own_filters_choose_the_rows(owner_client: ApiClient) -> None:
    for sku, category in (("A", "Areia"), ("B", "Brita")):
        await owner_client.json("POST", "products", {**CEMENT, "sku": sku, "category": category}, status=201)
    assert [row["SKU"] for row in await records(owner_client, "products?category=Brita")] == ["B"]
    assert [row["SKU"] for row in await records(owner_client, "products?sort=-created")] == ["B", "A"]
    for wrong in ("format=pdf", "limit=1", "cursor=x", "colour=red"):
        assert (await owner_client.get(f"exports/products?{wrong}")).status == 422


@pytest.mark.parametrize("count", [4, 5])
async def test_every_row_is_there_once_over_all_pages(
    owner_client: ApiClient, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(endpoints, "PAGE_ROWS", 2)
    monkeypatch.setattr(formats, "MAX_SHEET_ROWS", 3)
    codes = [f"P{number}" for number in range(count)]
    for sku in codes:
        await owner_client.json("POST", "products", {**CEMENT, "sku": sku}, status=201)
    assert [row[0] for row in await table(owner_client, "products?sort=sku")] == ["SKU", *codes]
    first, second = sheets(await file(owner_client, "products?sort=sku&format=xlsx"))
    assert [row[0] for row in first] == ["SKU", *codes[:3]]
    assert [row[0] for row in second] == ["SKU", *codes[3:]]


async def test_a_workbook_has_numbers_and_days(owner_client: ApiClient) -> None:
    await owner_client.json("POST", "products", CEMENT, status=201)
    answer = await owner_client.get("exports/products?format=xlsx")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="produtos.xlsx"'
    [[first, row]] = sheets(await answer.read())
    assert row[first.index("Preço base")] == 1234.5
    assert row[first.index("Criado em")].microsecond == 0


async def test_another_stores_rows_are_never_in_an_export(
    owner_client: ApiClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "PAGE_ROWS", 1)
    other = owner_client.at((await create_store(database, "rival")).slug)
    await other.login("owner")
    for client, sku in ((owner_client, "A1"), (other, "B1"), (owner_client, "A2"), (other, "B2")):
        await client.json("POST", "products", {**CEMENT, "sku": sku}, status=201)
    assert [row[0] for row in await table(owner_client, "products?sort=sku")] == ["SKU", "A1", "A2"]
    assert [row[0] for row in await table(other, "products?sort=sku")] == ["SKU", "B1", "B2"]


@pytest.mark.parametrize(
    ("role", "may"), [("finance", True), ("seller", False), ("stock_keeper", False), ("driver", False)]
)
async def test_finance_exports_and_others_do_not(
    client: ApiClient, owner: asyncpg.Connection, role: str, may: bool
) -> None:
    await client.login(role)
    assert (await client.get("exports/customers?q=maria&active=true")).status == (200 if may else 403)
    entries = await owner.fetch("select after from audit_log where action = 'data.exported'")
    assert len(entries) == may, "who took the customers' data out of the house can be found"
    assert all("maria" not in entry["after"] for entry in entries), "a name that was searched is forgotten"


async def test_an_export_shows_nothing_that_the_list_would_not_show(client: ApiClient) -> None:
    await client.login("finance")
    for hidden in ("users", "audit"):
        answer = await client.get(f"exports/{hidden}")
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (403, "list_not_allowed")


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_a_client_that_goes_away_leaves_nothing_behind(
    owner_client: ApiClient, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, kind: str
) -> None:
    monkeypatch.setattr(endpoints, "PAGE_ROWS", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for number in range(3):
        await owner_client.json("POST", "products", {**CEMENT, "sku": f"P{number}"}, status=201)
    reached, gate, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    original = endpoints.transaction
    asked = 0

    def held(call: Any) -> Any:
        nonlocal asked
        asked += 1
        call.request.task.add_done_callback(lambda _task: ended.set())
        return original(call)

    rows_of = endpoints.Table.rows

    def slow(*given: Any) -> Any:
        loop.call_soon_threadsafe(reached.set)
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(10)
        return rows_of(*given)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(endpoints, "transaction", held)
    monkeypatch.setattr(endpoints.Table, "rows", slow)
    leaving = asyncio.create_task(owner_client.get(f"exports/products?format={kind}"))
    await reached.wait()
    leaving.cancel()
    await asyncio.wait([leaving])
    gate.set()
    await asyncio.wait_for(ended.wait(), 10)
    assert asked < 3, "nothing more is read for nobody"
    assert list(tmp_path.iterdir()) == []
    assert database.connections[0] == 0
