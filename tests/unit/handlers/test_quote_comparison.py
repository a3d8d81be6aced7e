"""What differs between two contents of a quote, and how it is said."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.insights.explanations import Numbers
from handlers.quotes.comparison import LINE_FIELDS, compare, compare_lines
from handlers.quotes.comparison_sentences import say_header, say_line, say_total


def line(product: str = "CIM", quantity: str = "2.000", price: str = "38.90", **more: Any) -> dict[str, Any]:
    made = {
        "product_id": product,
        "sku": product,
        "name": f"Produto {product}",
        "unit": "SC",
        "quantity": quantity,
        "unit_price": price,
        "price_unit": "SC",
        "discount_percent": "0.00",
        "line_total": "0.00",
        "note": None,
    }
    return {**made, **more}


def content(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    made = {
        "customer_id": "1",
        "customer_name": "Ana",
        "site_id": None,
        "site_name": None,
        "discount_percent": "0.00",
        "validity_days": 7,
        "notes": "",
        "items": list(lines),
        "subtotal": "100.00",
        "discount_amount": "0.00",
        "total": "100.00",
    }
    return {**made, **more}


def test_lines_are_added_removed_and_changed() -> None:
    before = content(line("CIM"), line("ARE"))
    after = content(line("CIM", "3.000", discount_percent="5.00"), line("CAL"), total="95.00")
    found = compare(before, after)
    assert [(one.change, one.shown["sku"], one.fields) for one in found.lines] == [
        ("changed", "CIM", ("quantity", "discount_percent")),
        ("added", "CAL", ()),
        ("removed", "ARE", ()),
    ]
    assert found.difference == Decimal("-5.00")


def test_a_product_in_several_lines_is_matched_with_the_equal_one_first() -> None:
    before = [line(quantity="1.000"), line(quantity="2.000")]
    [only] = compare_lines(before, [line(quantity="2.000"), line(quantity="5.000")])
    assert (only.before, only.after) == (before[0], line(quantity="5.000"))


def test_an_empty_note_is_no_note_and_trailing_zeros_are_no_change() -> None:
    assert compare_lines([line(note=None)], [line("CIM", "2", "38.9", note="")]) == []


LINES = st.lists(
    st.builds(line, st.sampled_from(["A", "B", "C"]), st.sampled_from(["1.000", "2.000", "3.000"])),
    max_size=8,
)


@given(before=LINES, after=LINES)
def test_applying_the_changes_to_the_one_makes_the_other(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    def key(item: Any) -> tuple[str, ...]:
        return (item["product_id"], *(str(item[name]) for name in LINE_FIELDS))

    left = [key(item) for item in before]
    for change in compare_lines(before, after):
        if change.before is not None:
            left.remove(key(change.before))
        if change.after is not None:
            left.append(key(change.after))
    assert sorted(left) == sorted(map(key, after))


@given(lines=LINES)
def test_a_content_differs_from_itself_in_nothing(lines: list[dict[str, Any]]) -> None:
    found = compare(content(*lines), content(*reversed(lines)))
    assert (dict(found.header), list(found.lines), found.difference) == ({}, [], 0)


@pytest.mark.parametrize(
    ("locale", "header", "changed", "added", "total"),
    [
        (
            "pt-BR",
            "Obra: nenhuma → Torre.",
            "Produto CIM: quantidade 2 SC → 2,5 SC, preço R$ 38,90/SC → R$ 40,00/SC, desconto 0 % → 5 %, "
            "observação alterada.",
            "Entrou: 1.000 SC Produto ARE × R$ 38,90/SC (-2,5 %).",
            "Total: R$ 100,00 → R$ 1.100,00 (+R$ 1.000,00).",
        ),
        (
            "en",
            "Site: none → Torre.",
            "Produto CIM: quantity 2 SC → 2.5 SC, price R$38.90/SC → R$40.00/SC, discount 0 % → 5 %, note changed.",
            "Added: 1,000 SC Produto ARE × R$38.90/SC (-2.5 %).",
            "Total: R$100.00 → R$1,100.00 (+R$1,000.00).",
        ),
    ],
)
def test_differences_are_said_in_the_readers_language(
    locale: str, header: str, changed: str, added: str, total: str
) -> None:
    numbers = Numbers(locale)
    before = content(line("CIM"))
    after = content(
        line("CIM", "2.500", "40.00", discount_percent="5.00", note="frágil"),
        line("ARE", "1000.000", discount_percent="2.50"),
        site_id="9",
        site_name="Torre",
        total="1100.00",
    )
    found = compare(before, after)
    [(name, sides)] = found.header.items()
    said = [say_header(name, *sides, numbers), *(say_line(one, numbers) for one in found.lines)]
    said.append(say_total(found, numbers))
    assert [text.replace("\u00a0", " ") for text in said] == [header, changed, added, total]
