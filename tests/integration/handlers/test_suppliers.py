"""Suppliers over HTTP: the register, prices with their history, codes, and price lists taken in."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import xlsxwriter

from handlers import suppliers
from handlers.suppliers import SupplierNew, price_import
from handlers.suppliers.models import CodeView, ImportView, PriceView, SupplierView
from handlers.tables import uploads
from runtime.data.database import Database
from runtime.data.ids import new_id
from runtime.errors import RefusedError

HOLCIM = {
    "name": "Holcim Distribuição",
    "document": "11.222.333/0001-81",
    "email": "Vendas@Holcim.example",
    "phone": "(11) 3232-3232",
    "contacts": [{"name": "Rita", "role": "Vendas", "phone": "(11) 98765-4321"}],
}


@pytest.fixture
async def keeper(client):
    await client.login("stock_keeper")
    return client


@pytest.fixture
async def supplier(keeper) -> str:
    return str((await keeper.json("POST", "suppliers", HOLCIM, status=201))["id"])


@pytest.fixture
async def product(client, store):
    owner = client.at(store.slug)
    await owner.login("owner")

    async def make(sku: str, **given: Any) -> str:
        body = {"sku": sku, "name": f"Produto {sku}", "unit": "SC", "base_price": "40", **given}
        return str((await owner.json("POST", "products", body, status=201))["id"])

    return make


async def current(keeper, supplier: str) -> dict[str, str]:
    found = await keeper.json("GET", f"suppliers/{supplier}/prices?current=true", status=200)
    return {one["sku"]: one["price"] for one in found["items"]}


async def send(keeper, supplier: str, data: str | bytes, status: int = 200, query: str = "") -> Any:
    answer = await keeper.post(
        f"suppliers/{supplier}/import{query}",
        data=data.encode() if isinstance(data, str) else data,
        headers={"Content-Type": "text/csv"},
    )
    content = await answer.json()
    assert answer.status == status, content
    return content


async def test_a_new_supplier_answers_with_its_document_normalised(keeper) -> None:
    answer = await keeper.post("suppliers", json=HOLCIM)
    made = await answer.json()
    assert (answer.status, answer.headers["ETag"]) == (201, '"1"')
    assert SupplierView.model_validate(made).model_dump(mode="json").keys() == made.keys()
    assert (made["kind"], made["document"], made["email"]) == (
        "company",
        "11222333000181",
        "vendas@holcim.example",
    )
    assert made["contacts"] == [{"name": "Rita", "role": "Vendas", "email": None, "phone": "(11) 98765-4321"}]
    taken = await keeper.json("POST", "suppliers", {**HOLCIM, "name": "Outra"}, status=409)
    assert taken["code"] == "document_taken"


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("document", "11.222.333/0001-82", "/document"),
        ("document", "529.982.247-25", "/document"),
        ("name", "", "/name"),
        ("contacts", [{"name": "x"}] * 21, "/contacts"),
        ("contacts", [{"email": "a@b.example"}], "/contacts/0/name"),
        ("vip", True, "/vip"),
    ],
)
async def test_what_a_supplier_cannot_be_is_refused(keeper, field: str, value: Any, pointer: str) -> None:
    refused = await keeper.json("POST", "suppliers", {**HOLCIM, field: value}, status=422)
    assert pointer in [error["pointer"] for error in refused["errors"]]


async def test_a_supplier_is_changed_deactivated_and_found(keeper, supplier: str) -> None:
    path = f"suppliers/{supplier}"
    answer = await keeper.patch(path, json={"active": False, "contacts": []}, headers={"If-Match": '"1"'})
    assert (answer.status, answer.headers["ETag"]) == (200, '"2"')
    assert (await answer.json())["contacts"] == []
    assert (await keeper.patch(path, json={"name": "x"}, headers={"If-Match": '"1"'})).status == 412
    assert (await keeper.patch(path, json={"kind": "person"})).status == 422
    for query, found in (
        ("q=holcin", 1),
        ("q=11.222.333/0001-81", 1),
        ("active=true", 0),
        ("", 1),
        ("q=zz", 0),
    ):
        assert len((await keeper.json("GET", f"suppliers?{query}", status=200))["items"]) == found, query


async def test_prices_are_kept_and_the_last_to_begin_counts(keeper, supplier: str, product) -> None:
    cement, path = await product("CIM"), f"suppliers/{supplier}/prices"
    today = datetime.now(UTC).date()
    for price, given in (
        ("20.00", {"valid_from": str(today - timedelta(days=30)), "payment_days": 28, "lead_time_days": 5}),
        ("18.00", {"valid_from": str(today - timedelta(days=9)), "valid_to": str(today - timedelta(days=3))}),
        ("25.00", {"valid_from": str(today + timedelta(days=9)), "minimum_quantity": "10"}),
    ):
        made = await keeper.json("POST", path, {"product_id": cement, "price": price, **given}, status=201)
        assert PriceView.model_validate(made).price == float(price)
    assert await current(keeper, supplier) == {"CIM": "20.00"}
    history = (await keeper.json("GET", f"{path}?product_id={cement}", status=200))["items"]
    assert [(one["price"], one["current"]) for one in history] == [
        ("25.00", False),
        ("18.00", False),
        ("20.00", True),
    ]
    await keeper.json("POST", path, {"product_id": cement, "price": "19"}, status=201)
    assert await current(keeper, supplier) == {"CIM": "19.00"}
    backwards = {"product_id": cement, "price": "19", "valid_to": "2000-01-01"}
    refused = await keeper.json("POST", path, backwards, status=422)
    assert refused["errors"][0]["pointer"] == "/valid_to"
    await keeper.json("POST", path, {"product_id": str(uuid4()), "price": "19"}, status=404)


async def test_a_registered_price_is_an_event(
    keeper, supplier: str, product, owner: asyncpg.Connection
) -> None:
    cement = await product("CIM")
    await keeper.json(
        "POST",
        f"suppliers/{supplier}/prices",
        {"product_id": cement, "price": "20", "payment_days": 28},
        status=201,
    )
    payload = await owner.fetchval(
        "select payload from event_outbox where event_type = 'supplier_price_registered'"
    )
    assert f'"supplier_id":"{supplier}"' in payload
    assert '"payment_days":28' in payload


async def test_a_list_names_products_by_code_sku_and_barcode(keeper, supplier: str, product) -> None:
    cement, _, _ = await product("CIM"), await product("ARE"), await product("PIS", barcode="7891234567895")
    code = await keeper.json(
        "PUT", f"suppliers/{supplier}/codes", {"code": "VT-50", "product_id": cement}, status=200
    )
    assert CodeView.model_validate(code).sku == "CIM"
    text = "Código;Preço;Mínimo;Prazo pagamento\nvt-50;23,90;10;28/56\nare;80,00;;\n"
    text += "7891234567895;R$ 1.020,5;;\nZZ;1,00;;\n"
    done = await send(keeper, supplier, text)
    ImportView.model_validate(done)
    assert (done["rows"], done["registered"], done["failed"], done["complete"]) == (4, 3, 1, True)
    assert [(one["row"], one["matched_by"]) for one in done["changes"]] == [
        (2, "code"),
        (3, "sku"),
        (4, "barcode"),
    ]
    [error] = done["errors"]
    assert (error["row"], error["code"]) == (5, "product_not_found")
    assert error["message"] == "Nenhum produto é conhecido como 'ZZ'."
    assert await current(keeper, supplier) == {"CIM": "23.90", "ARE": "80.00", "PIS": "1020.50"}
    [price] = (await keeper.json("GET", f"suppliers/{supplier}/prices?product_id={cement}", status=200))[
        "items"
    ]
    assert (price["minimum_quantity"], price["payment_days"], price["source"]) == ("10.000", 42, "import")


async def test_the_same_list_again_changes_nothing(keeper, supplier: str, product, owner) -> None:
    await product("CIM")
    await product("ARE")
    text = "sku;preço\nCIM;20,00\nARE;80,00\nCIM;21,00\n"
    first = await send(keeper, supplier, text)
    assert (first["registered"], first["errors"][0]["code"]) == (2, "duplicate")
    head = await owner.fetchval("select max(tenant_seq) from event_outbox")
    again = await send(keeper, supplier, text)
    assert (again["registered"], again["unchanged"], again["failed"], again["changes"]) == (0, 2, 1, [])
    assert await owner.fetchval("select max(tenant_seq) from event_outbox") == head
    third = await send(keeper, supplier, text.replace("80,00", "82,00"))
    assert [(one["previous"], one["price"]) for one in third["changes"]] == [("80.00", "82.00")]


async def test_a_dry_run_says_what_would_happen_and_changes_nothing(keeper, supplier: str, product) -> None:
    await product("CIM")
    text = "código;ean;sku;preço\nVT-50;;CIM;20,00\n"
    done = await send(keeper, supplier, text, query="?dry_run=true")
    assert (done["dry_run"], done["registered"], done["codes_learned"]) == (True, 1, 0)
    assert await current(keeper, supplier) == {}
    done = await send(keeper, supplier, text)
    assert (done["registered"], done["codes_learned"]) == (1, 1)
    done = await send(keeper, supplier, "código;preço\nVT-50;22,00\n")
    assert done["changes"][0]["matched_by"] == "code", (
        "the code was learnt from the row that named our SKU too"
    )


async def test_a_list_cut_short_goes_on_when_it_is_sent_again(
    keeper, supplier: str, product, monkeypatch
) -> None:
    for number in range(6):
        await product(f"P{number}")
    text = "sku;preço\n" + "".join(f"P{number};{number + 1},00\n" for number in range(6))
    monkeypatch.setattr(price_import, "CHUNK_ROWS", 2)
    taking, taken = price_import._take, 0

    async def failing(*given: Any) -> int:
        nonlocal taken
        taken += 1
        result = await taking(*given)
        if taken == 2:
            raise RefusedError("gone", "gone", "gone", 409)
        return result

    monkeypatch.setattr(price_import, "_take", failing)
    await send(keeper, supplier, text, status=409)
    assert len(await current(keeper, supplier)) == 2, "the first chunk is kept, the second is undone whole"
    done = await send(keeper, supplier, text)
    assert (done["registered"], done["unchanged"]) == (4, 2)
    monkeypatch.setattr(price_import, "TIME_BUDGET_S", -1.0)
    assert (await send(keeper, supplier, text))["complete"] is False


async def test_workbooks_are_taken_too(keeper, supplier: str, product) -> None:
    await product("CIM")
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["SKU", "Preço", "Válido até"])
        sheet.write_row(1, 0, ["CIM", 23.9, "31/12/2099"])
    done = await send(keeper, supplier, file.getvalue())
    assert (done["registered"], done["changes"][0]["price"]) == (1, "23.90")


async def test_files_that_cannot_be_taken_are_refused(keeper, supplier: str, monkeypatch) -> None:
    assert (await send(keeper, supplier, b"", status=422))["code"] == "empty"
    assert (await send(keeper, supplier, b"\0\1\2", status=422))["code"] == "not_a_table"
    assert (await send(keeper, supplier, "a;b\n1;2\n", status=422))["code"] == "no_headings"
    await send(
        keeper, supplier, "sku;preço\n", status=422, query="?valid_from=2026-02-01&valid_to=2026-01-01"
    )
    monkeypatch.setattr(uploads, "MAX_FILE", 1000)
    await send(keeper, supplier, "x" * 2000, status=413)
    await send(keeper, str(uuid4()), "sku;preço\n", status=404)


async def test_of_codes_that_differ_by_case_alone_the_last_is_learnt(keeper, supplier: str, product) -> None:
    await product("CIM")
    await product("ARE")
    done = await send(keeper, supplier, "código;sku;preço\nΣΣ;CIM;20,00\nσσ;ARE;80,00\n")
    assert (done["registered"], done["failed"], done["codes_learned"]) == (2, 0, 1)
    [code] = (await keeper.json("GET", f"suppliers/{supplier}/codes", status=200))["items"]
    assert (code["code"], code["sku"]) == ("σσ", "ARE")


async def test_a_code_is_listed_replaced_and_forgotten(keeper, supplier: str, product) -> None:
    cement, sand, path = await product("CIM"), await product("ARE"), f"suppliers/{supplier}/codes"
    await keeper.json("PUT", path, {"code": "A1", "product_id": cement}, status=200)
    replaced = await keeper.json("PUT", path, {"code": "a1", "product_id": sand}, status=200)
    [code] = (await keeper.json("GET", f"{path}?code=A1", status=200))["items"]
    assert (code["sku"], code["id"]) == ("ARE", replaced["id"])
    assert (await keeper.delete(f"{path}/{code['id']}")).status == 204
    assert (await keeper.delete(f"{path}/{code['id']}")).status == 404
    assert (await keeper.json("GET", path, status=200))["items"] == []
    await keeper.json("PUT", path, {"code": "A1", "product_id": str(uuid4())}, status=404)


@pytest.mark.parametrize(("role", "may_read"), [("seller", False), ("finance", True), ("driver", False)])
async def test_other_roles_read_at_most(client, store, supplier: str, role: str, may_read: bool) -> None:
    other = client.at(store.slug)
    await other.login(role)
    for path in (
        "suppliers",
        f"suppliers/{supplier}",
        f"suppliers/{supplier}/prices",
        f"suppliers/{supplier}/codes",
    ):
        assert (await other.get(path)).status == (200 if may_read else 403)
    assert (await other.post("suppliers", json={"name": "x"})).status == 403
    assert (await other.patch(f"suppliers/{supplier}", json={"name": "x"})).status == 403
    body = {"product_id": str(new_id()), "price": "1"}
    assert (await other.post(f"suppliers/{supplier}/prices", json=body)).status == 403
    assert (await other.post(f"suppliers/{supplier}/import", data=b"x")).status == 403


async def test_another_stores_supplier_does_not_exist(
    keeper, database: Database, other_tenant: UUID, product
) -> None:
    async with database.tenant(other_tenant) as tx:
        foreign = await suppliers.create(tx, SupplierNew.model_validate(HOLCIM))
    cement, path = await product("CIM"), f"suppliers/{foreign}"
    assert (await keeper.get(path)).status == 404
    assert (await keeper.patch(path, json={"name": "Mine"})).status == 404
    assert (await keeper.get(f"{path}/prices")).status == 404
    assert (await keeper.get(f"{path}/codes")).status == 404
    assert (await keeper.post(f"{path}/prices", json={"product_id": cement, "price": "1"})).status == 404
    assert (await keeper.put(f"{path}/codes", json={"code": "A", "product_id": cement})).status == 404
    await send(keeper, str(foreign), "sku;preço\nCIM;1,00\n", status=404)
    assert (await keeper.json("GET", "suppliers", status=200))["items"] == []
