"""Products and customers from files: what becomes of each row, and that nothing is done twice or by halves."""

from __future__ import annotations

import asyncio
import io
import zipfile
from typing import Any

import asyncpg
import pytest
import xlsxwriter

from handlers.imports import running
from tests.support.stores import ApiClient

PRODUCTS = "Código;Nome;Unidade;Preço;Custo;Categoria\r\n"
CEMENT = "CIM-50;Cimento «São João»;saco;1.234,50;30,00;Cimentos\r\n"
SAND = "ARE-1;Areia média;m³;89,90;;Areias\r\n"


@pytest.fixture
async def api(client: ApiClient) -> ApiClient:
    await client.login("owner")
    return client


async def send(api: ApiClient, what: str, data: str | bytes, *, status: int = 200, query: str = "") -> Any:
    answer = await api.post(f"{what}/import{query}", data=data.encode() if isinstance(data, str) else data)
    content = await answer.json(content_type=None)
    assert answer.status == status, content
    return content


def counts(answer: Any) -> tuple[int, int, int, int]:
    return answer["created"], answer["updated"], answer["unchanged"], answer["failed"]


async def items(api: ApiClient, path: str) -> list[Any]:
    found: list[Any] = (await api.json("GET", path, status=200))["items"]
    return found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
async def test_products_come_in_whatever_the_file_is_written_in(api: ApiClient, encoding: str) -> None:
    answer = await send(api, "products", (PRODUCTS + CEMENT + SAND).encode(encoding))
    assert counts(answer) == (2, 0, 0, 0)
    sand, cement = await items(api, "products")
    assert (cement["name"], cement["unit"], cement["base_price"]) == ("Cimento «São João»", "SC", "1234.50")
    assert (sand["unit"], sand["cost"], sand["category"]) == ("M3", None, "Areias")


async def test_a_workbook_with_english_headings_is_taken_as_well(api: ApiClient) -> None:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    sheet = book.add_worksheet()
    for place, row in enumerate([("Code", "Name", "Unit", "Price"), (4711, "Brick", "UN", 0.85)]):
        sheet.write_row(place, 0, row)
    book.close()
    assert counts(await send(api, "products", file.getvalue())) == (1, 0, 0, 0)
    [brick] = await items(api, "products")
    assert (brick["sku"], brick["base_price"]) == ("4711", "0.85")


async def test_a_file_sent_again_changes_nothing_and_a_changed_one_only_what_it_changes(
    api: ApiClient,
) -> None:
    await send(api, "products", PRODUCTS + CEMENT + SAND)
    assert counts(await send(api, "products", PRODUCTS + CEMENT + SAND)) == (0, 0, 2, 0)
    assert counts(await send(api, "products", "sku,price\ncim-50,35.00\nare-1,89.90\n")) == (0, 1, 1, 0)
    sand, cement = await items(api, "products")
    assert (cement["base_price"], cement["cost"], cement["version"]) == ("35.00", "30.00", 2)
    assert sand["version"] == 1
    new, old = await items(api, f"products/{cement['id']}/prices")
    assert (old["price"], new["previous"], new["price"]) == ("1234.50", "1234.50", "35.00")


async def test_codes_in_letters_with_several_lower_cases_are_found_again(api: ApiClient) -> None:
    file = PRODUCTS + "İZO-1;Manta;rolo;10,00;;\r\n" + "ΣΣ-1;Soma;un;1,00;;\r\n"
    assert counts(await send(api, "products", file)) == (2, 0, 0, 0)
    assert counts(await send(api, "products", file)) == (0, 0, 2, 0)


async def test_an_import_leaves_the_events_and_audit_entries_of_single_writes(
    api: ApiClient, owner: asyncpg.Connection
) -> None:
    await send(api, "products", PRODUCTS + CEMENT)
    await send(api, "products", "sku;preço\ncim-50;35,00\n")
    await send(api, "customers", "nome;tipo\nMaria;pessoa\n")
    await send(api, "customers", "nome;telefone\nMARIA;(11) 98765-4321\n")
    types = await owner.fetch("select event_type from event_outbox order by tenant_seq")
    assert [row[0] for row in types] == [
        "product_created", "product_updated", "product_price_updated", "customer_created",
    ]  # fmt: skip
    entries = await owner.fetch(
        "select action, after::text from audit_log where thing in ('product', 'customer') order by id"
    )
    assert [entry["action"] for entry in entries] == [
        "product.created", "product.updated", "customer.created", "customer.updated",
    ]  # fmt: skip
    assert "98765" not in entries[-1]["after"], "the audit log keeps no personal data"


async def test_each_row_that_is_refused_says_where_and_why_and_the_others_are_taken(api: ApiClient) -> None:
    body = (
        "SKU;Nome;Unidade;Preço;Ativo\n"
        "A;Areia;M3;89,90;sim\n"
        ";Sem código;UN;1,00;sim\n"
        "B;Brita;M3;caro;sim\n"
        "C;Cal;XX;1,00;sim\n"
        "D;Disco;UN;1,005;sim\n"
        "E;;UN;1,00;sim\n"
        "a;Outra areia;M3;90,00;sim\n"
        "F;Fio;M;2,00;talvez\n"
        "G;Gesso;SC;20,00;não\n"
    )
    answer = await send(api, "products", body)
    assert counts(answer) == (2, 0, 0, 7)
    assert [(e["row"], e["column"], e["code"]) for e in answer["errors"]] == [
        (3, "sku", "missing"),
        (4, "base_price", "not_a_number"),
        (5, "unit", "unknown_unit"),
        (6, "base_price", "too_many_decimals"),
        (7, "name", "missing"),
        (8, "sku", "duplicate"),
        (9, "active", "boolean"),
    ]
    assert answer["errors"][0]["message"] == "Falta o código."
    assert [product["sku"] for product in await items(api, "products?active=true")] == ["A"]


async def test_a_dry_run_says_the_same_and_writes_nothing(api: ApiClient, owner: asyncpg.Connection) -> None:
    dry = await send(api, "products", PRODUCTS + CEMENT + ";x;UN;1,00;;\n", query="?dry_run=true")
    assert counts(dry) == (1, 0, 0, 1)
    assert await items(api, "products") == []
    assert await owner.fetchval("select count(*) from audit_log where thing = 'product'") == 0
    wet = await send(api, "products", PRODUCTS + CEMENT + ";x;UN;1,00;;\n")
    assert (counts(wet), wet["errors"]) == (counts(dry), dry["errors"])


async def test_a_file_cut_short_goes_on_where_it_ended(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CHUNK_ROWS", 2)
    body = PRODUCTS + "".join(f"P{n};Produto {n};UN;1,50;;\n" for n in range(5))
    taking, taken = running._take, 0

    async def failing(*given: Any) -> Any:
        nonlocal taken
        taken += 1
        if taken == 3:
            raise running.InvalidError
        return await taking(*given)

    monkeypatch.setattr(running, "_take", failing)
    await send(api, "products", body, status=422)
    monkeypatch.setattr(running, "_take", taking)
    assert counts(await send(api, "products", body)) == (1, 0, 4, 0)
    monkeypatch.setattr(running, "TIME_BUDGET_S", -1.0)
    answer = await send(api, "products", body)
    assert (answer["complete"], answer["rows"]) == (False, 0)


async def test_two_imports_of_one_file_at_once_create_everything_once(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CHUNK_ROWS", 20)
    body = PRODUCTS + "".join(f"P{n};Produto {n};UN;1,50;;\n" for n in range(60))
    first, second = await asyncio.gather(send(api, "products", body), send(api, "products", body))
    assert first["created"] + second["created"] == 60
    assert first["failed"] + second["failed"] == 0
    assert len(await items(api, "products?limit=200")) == 60


async def test_an_export_can_be_imported_again_as_it_is(api: ApiClient) -> None:
    description = "=Resistente\nà água"
    product = {"sku": "CIM-50", "name": "+Cimento", "unit": "SC", "base_price": "40", "weight_kg": "50"}
    await api.json(
        "POST", "products", {**product, "description": description, "volume_m3": "0.036"}, status=201
    )
    customer = {"kind": "person", "name": "Maria", "document": "52998224725", "phone": "+55 11 98765-4321"}
    await api.json(
        "POST", "customers", {**customer, "notes": "portão\nazul", "postal_code": "01310100"}, status=201
    )
    for what in ("products", "customers"):
        for kind in ("csv", "xlsx"):
            exported = await (await api.get(f"exports/{what}?format={kind}")).read()
            answer = await send(api, what, exported)
            assert counts(answer) == (0, 0, 1, 0), (what, kind, answer)


async def test_customers_are_known_by_their_documents_and_names(api: ApiClient) -> None:
    body = (
        "Nome;CPF/CNPJ;E-mail;CEP\n"
        "Maria da Silva;529.982.247-25;maria@example.com;1310100\n"
        "Construtora Ágil;11.222.333/0001-81;;\n"
        "José;;;\n"
        "Falso;123.456.789-00;;\n"
        "jose;;;\n"
    )
    answer = await send(api, "customers", body)
    assert counts(answer) == (3, 0, 0, 2)
    assert [(e["row"], e["column"], e["code"]) for e in answer["errors"]] == [
        (5, "document", "invalid"),
        (6, "name", "duplicate"),
    ]
    agile, jose, maria = await items(api, "customers")
    assert (maria["kind"], maria["document"], maria["postal_code"]) == ("person", "52998224725", "01310100")
    assert (agile["kind"], jose["kind"]) == ("company", "person")
    renamed = await send(api, "customers", "nome;documento\nMaria Souza;52998224725\nJosé;\n")
    assert counts(renamed) == (0, 1, 1, 0)
    await api.json("POST", "customers", {"kind": "person", "name": "JOSE"}, status=201)
    ambiguous = await send(api, "customers", "nome;telefone\nJosé;(11) 98765-4321\n")
    assert [e["code"] for e in ambiguous["errors"]] == ["ambiguous"]


async def test_another_unit_of_a_product_that_is_counted_is_refused(api: ApiClient) -> None:
    await send(api, "products", PRODUCTS + CEMENT + SAND)
    sand, _ = await items(api, "products")
    receipt = {"product_id": sand["id"], "kind": "receipt", "quantity": "5"}
    await api.json("POST", "stock/movements", receipt, status=201)
    answer = await send(api, "products", "sku;unidade\nare-1;KG\ncim-50;UN\n")
    assert counts(answer) == (0, 1, 0, 1)
    assert answer["errors"][0]["code"] == "unit_in_use"


async def test_a_seller_imports_customers_and_no_products(client: ApiClient) -> None:
    await client.login("seller")
    await send(client, "products", PRODUCTS + CEMENT, status=403)
    assert counts(await send(client, "customers", "nome\nMaria\n")) == (1, 0, 0, 0)


async def test_files_that_are_no_tables_are_refused(api: ApiClient) -> None:
    assert (await send(api, "products", b"", status=422))["code"] == "empty"
    assert (await send(api, "products", b"\0\1\2", status=422))["code"] == "not_a_table"
    assert (await send(api, "customers", "a;b\n1;2\n", status=422))["code"] == "no_headings"


@pytest.mark.parametrize("last", ["XFE1048577", "A99999999999", "ZZZZZZZZ1", "XFD20000"])
async def test_a_workbook_that_names_a_cell_far_away_is_refused_and_ends_no_process_of_ours(
    api: ApiClient, last: str
) -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        book.add_worksheet().write_row(0, 0, ["nome", "telefone"])
    hostile = io.BytesIO()
    with zipfile.ZipFile(file) as sound, zipfile.ZipFile(hostile, "w") as archive:
        for name in sound.namelist():
            archive.writestr(name, sound.read(name).replace(b'r="B1"', f'r="{last}"'.encode()))
    refused = await send(api, "customers", hostile.getvalue(), status=422)
    assert refused["code"] == "not_a_table"
    # The next file finds a reader again.
    assert counts(await send(api, "customers", file.getvalue())) == (0, 0, 0, 0)
