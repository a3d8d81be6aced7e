from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from handlers import products
from runtime.data.database import Database

CATALOGUE = [
    ("CIM-50", "Cimento CP II 50 kg Votorantim", "Cimentos", "7891234567895"),
    ("CIM-25", "Cimento CP V 25 kg", "Cimentos", None),
    ("ARG-20", "Argamassa AC-III para cerâmica", "Argamassas", None),
    ("TIJ-8", "Tijolo cerâmico 8 furos", "Alvenaria", None),
    ("VER-10", 'Vergalhão CA-50 3/8"', "Ferro", None),
    ("PIS-60", "Piso 60x60 (m²)", "Pisos", None),
    ("ÁGUA", "Caixa d'água 1000 L", "Hidráulica", None),
]


@pytest.fixture
async def yard(client, database: Database, store):
    """A signed-in owner of a store with the catalogue above, a second apart."""
    start = datetime(2026, 3, 2, 12, tzinfo=UTC)
    for place, (sku, name, category, barcode) in enumerate(CATALOGUE):
        async with database.tenant(store.id, now=start + timedelta(seconds=place)) as tx:
            new = products.ProductNew(
                sku=sku, name=name, category=category, barcode=barcode, unit=products.Unit.UNIT, base_price=10
            )
            await products.create(tx, new)
    await client.login("owner")
    return client


async def codes(client, **params: str | int) -> list[str]:
    response = await client.get("/api/v1/products", params=params)
    assert response.status == 200
    return [item["sku"] for item in (await response.json())["items"]]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("cim", ["CIM-50", "CIM-25"]),
        ("CIM-50", ["CIM-50"]),
        ("cim50", ["CIM-50"]),
        ("7891234567895", ["CIM-50"]),
        ("CIMENTO cp-ii", ["CIM-50"]),
        ("votorantim cimento", ["CIM-50"]),
        ("vergalhao", ["VER-10"]),
        ("VERGALHÃO 3/8", ["VER-10"]),
        ("ceramic", ["ARG-20", "TIJ-8"]),
        ("piso m2", ["PIS-60"]),
        ("agua", ["ÁGUA"]),
        ("p", ["PIS-60", "ARG-20"]),
    ],
)
async def test_products_are_found_by_code_name_and_barcode(yard, question: str, found: list[str]) -> None:
    answer = await codes(yard, q=question)
    assert [code for code in answer if code in found] == found


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("simento", {"CIM-50", "CIM-25"}),
        ("cimneto votorantin", {"CIM-50"}),
        ("argamaça", {"ARG-20"}),
        ("vergaliao", {"VER-10"}),
        ("tijlo", {"TIJ-8"}),
    ],
)
async def test_misspelt_words_are_understood(yard, question: str, found: set[str]) -> None:
    assert set(await codes(yard, q=question)) == found


@pytest.mark.parametrize("question", ["%", "_", "\\", "'", "xyzzy", "cimento tijolo", '" or 1=1 --'])
async def test_what_is_not_there_is_not_found(yard, question: str) -> None:
    assert await codes(yard, q=question) == []


async def test_the_code_itself_comes_before_codes_and_names_that_begin_with_it(yard) -> None:
    for sku, name in (("CIM", "Areia"), ("X-1", "Cimbre"), ("X-2", "Saco de cimento")):
        await yard.post("/api/v1/products", json={"sku": sku, "name": name, "unit": "UN", "base_price": "1"})
    assert await codes(yard, q="cim") == ["CIM", "CIM-50", "CIM-25", "X-1", "X-2"]


@pytest.mark.parametrize("params", [{"q": "c"}, {"q": "simento"}, {"sort": "sku"}, {"sort": "-created"}, {}])
async def test_pages_join_up_to_the_whole_list(yard, params: dict[str, str]) -> None:
    whole = await codes(yard, **params)
    paged: list[str] = []
    cursor = None
    while True:
        page = {**params, "limit": "1", **({"cursor": cursor} if cursor else {})}
        answer = await (await yard.get("/api/v1/products", params=page)).json()
        paged += [item["sku"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert paged == whole
    assert len(whole) > 1


async def test_lists_are_sorted_as_asked(yard) -> None:
    by_time = [sku for sku, *_ in CATALOGUE]
    assert await codes(yard, sort="created") == by_time
    assert await codes(yard, sort="-created") == by_time[::-1]
    assert await codes(yard) == ["ARG-20", "ÁGUA", "CIM-50", "CIM-25", "PIS-60", "TIJ-8", "VER-10"]
    assert await codes(yard, sort="sku", limit=3) == ["ARG-20", "CIM-25", "CIM-50"]


async def test_filters_narrow_lists_and_searches(yard) -> None:
    made = (await (await yard.get("/api/v1/products?q=CIM-25")).json())["items"][0]
    await yard.patch(f"/api/v1/products/{made['id']}", json={"active": False})
    assert await codes(yard, q="cimento", active="true") == ["CIM-50"]
    assert await codes(yard, category="Cimentos", active="false") == ["CIM-25"]
    assert await codes(yard, q="simento", category="Ferro") == []


@pytest.mark.parametrize("params", [{"sort": "cost"}, {"limit": "0"}, {"limit": "201"}, {"colour": "grey"}])
async def test_a_list_refuses_what_it_does_not_understand(yard, params: dict[str, str]) -> None:
    assert (await yard.get("/api/v1/products", params=params)).status == 422


async def test_a_cursor_is_good_for_its_own_list_only(yard) -> None:
    cursor = (await (await yard.get("/api/v1/products?limit=1")).json())["next_cursor"]
    for path in ("/api/v1/customers", "/api/v1/products?sort=sku"):
        response = await yard.get(path, params={"cursor": cursor, **({"sort": "sku"} if "?" in path else {})})
        assert response.status == 400
