"""The printable quote: long names, long lists, every letter that the fonts have."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from handlers.quote_links.document import QuoteDocument
from handlers.quote_links.pdf import render_pdf
from handlers.quotes.availability import Availability, Supply


def document(*names: str, **more: Any) -> QuoteDocument:
    items = tuple(
        {
            "position": place,
            "name": name,
            "unit": "SC",
            "quantity": "12.000",
            "stock_unit": "SC",
            "stock_quantity": "12.000",
            "unit_price": "999999999999.99",
            "price_unit": "SC",
            "discount_percent": "0.00",
            "line_total": "999999999999.99",
        }
        for place, name in enumerate(names, 1)
    )
    made = {
        "store": "Loja São João",
        "locale": "pt-BR",
        "number": "COT-000001",
        "status": "sent",
        "customer": "Construtora Água",
        "site": None,
        "valid_until": datetime(2026, 12, 1, tzinfo=UTC),
        "notes": "Entrega à tarde",
        "items": items,
        "subtotal": Decimal(100),
        "discount": Decimal(0),
        "total": Decimal(100),
        "pix": None,
        "availability": {},
        "logo": None,
    }
    return QuoteDocument(**{**made, **more})


def pages(pdf: bytes) -> int:
    return pdf.count(b"/Type /Page\n")


def test_every_letter_has_a_width_and_those_the_fonts_lack_are_replaced() -> None:
    everything = "".join(map(chr, range(32, 127))) + "".join(map(chr, range(160, 256)))
    assert render_pdf(document(*everything, everything, "水泥")).startswith(b"%PDF-")


def test_items_run_over_as_many_pages_as_they_take() -> None:
    assert pages(render_pdf(document("Cimento"))) == 1
    assert pages(render_pdf(document(*["Cimento"] * 200))) == 5


def test_a_promise_stands_below_its_item() -> None:
    line = Availability(1, Decimal(5), date(2026, 12, 4), Supply.PURCHASE_ORDER)
    shown = document("Cimento", availability={1: line})
    assert shown.promised(shown.items[0]) == "5 SC à pronta entrega, restante em 04/12/2026"
    assert len(render_pdf(shown)) > len(render_pdf(document("Cimento")))
