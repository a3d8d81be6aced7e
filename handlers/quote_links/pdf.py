"""The printable quote: one PDF with logo, items, totals, validity and a QR code to pay, if the store has them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from handlers.quote_links.document import QuoteDocument
from handlers.quote_links.qr import qr_png
from handlers.store_logo import Logo

if TYPE_CHECKING:
    from fpdf import FPDF
    from fpdf.image_datastructures import RasterImageInfo

_WIDTHS = (78, 40, 32, 36)
_MARGIN_MM = 12
_ROW_MM = 6
_BASELINE_MM = 4.1
_PADDING_MM = 1
_LOGO_MM = (60.0, 20.0)


def render_pdf(document: QuoteDocument, logo: bytes | None = None) -> bytes:
    """The PDF's bytes, with the image of the document's logo; takes some tens of milliseconds of CPU, so it is called
    in a worker thread."""
    from fpdf import FPDF

    class Page(FPDF):
        def footer(self) -> None:
            self.set_y(-12)
            self.set_font("helvetica", size=8)
            self.set_text_color(110)
            label = document.say("Página", "Page")
            self.cell(
                0,
                6,
                _latin(f"{document.store}  ·  {document.number}  ·  {label} {self.page_no()}"),
                align="C",
            )

    pdf = Page(format="A4")
    pdf.set_title(_latin(f"{document.number} {document.store}"))
    pdf.set_margin(_MARGIN_MM)
    pdf.set_auto_page_break(auto=True, margin=18)
    pdf.add_page()
    if document.logo is not None and logo is not None:
        _logo(pdf, document.logo, logo)
    pdf.set_font("helvetica", "B", 16)
    pdf.cell(0, 9, _latin(document.store), new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("helvetica", size=11)
    title = document.say(f"Orçamento {document.number}", f"Quote {document.number}")
    for line in (title, document.customer, document.site or ""):
        if line:
            pdf.cell(0, 6, _latin(line), new_x="LMARGIN", new_y="NEXT")
    pdf.ln(4)
    _items(pdf, document)
    _totals(pdf, document)
    if document.notes:
        pdf.ln(3)
        pdf.set_font("helvetica", size=10)
        pdf.multi_cell(0, 5, _latin(document.notes), new_x="LMARGIN", new_y="NEXT")
    if document.pix is not None:
        _pix(pdf, document, document.pix)
    return bytes(pdf.output())


def _logo(pdf: FPDF, logo: Logo, content: bytes) -> None:
    """Above everything else, as large as fits into its box."""
    from fpdf.image_datastructures import RasterImageInfo

    widest, highest = _LOGO_MM
    scale = min(widest / logo.width, highest / logo.height)
    pdf.image_cache.images[logo.file_name] = RasterImageInfo(
        _read(content), i=1, usages=0, iccp=None, iccp_i=None
    )
    pdf.image(logo.file_name, w=logo.width * scale, h=logo.height * scale)
    pdf.ln(3)


@lru_cache(maxsize=32)
def _read(content: bytes) -> RasterImageInfo:
    """An image as a PDF holds it. A logo of many colours takes some forty milliseconds of CPU, so that the latest are
    kept: in quarters of a megabyte."""
    from fpdf.image_parsing import get_img_info

    return get_img_info("logo", io.BytesIO(content))


def _items(pdf: FPDF, document: QuoteDocument) -> None:
    heads = (
        document.say("Produto", "Product"),
        document.say("Quantidade", "Quantity"),
        document.say("Preço", "Price"),
        "Total",
    )
    pdf.set_font("helvetica", "B", 9)
    for width, head in zip(_WIDTHS, heads, strict=True):
        pdf.cell(width, 7, _latin(head), border="B", align="L" if width == _WIDTHS[0] else "R")
    pdf.ln()
    pdf.set_font("helvetica", size=9)
    for item in document.items:
        cells = (
            item["name"],
            document.amount(item),
            document.price(item),
            document.money(item["line_total"]),
        )
        _row(pdf, [_latin(text) for text in cells])
        if promised := document.promised(item):
            pdf.set_font("helvetica", size=7)
            pdf.set_text_color(110)
            pdf.cell(0, 3, _latin(promised), new_x="LMARGIN", new_y="NEXT")
            pdf.set_font("helvetica", size=9)
            pdf.set_text_color(0)


def _row(pdf: FPDF, cells: Sequence[str]) -> None:
    """A line of the table, the first cell to the left and the others to the right. Placed by hand: fpdf's own cells
    take ten times as long, which a quote of 200 items feels."""
    if pdf.get_y() + _ROW_MM > pdf.page_break_trigger:
        pdf.add_page()
    top, left = pdf.get_y(), pdf.l_margin
    for place, (width, text) in enumerate(zip(_WIDTHS, cells, strict=True)):
        shown = _fitted(pdf, text, width - 2 * _PADDING_MM)
        indent = _PADDING_MM if place == 0 else width - _PADDING_MM - _width(pdf, shown)
        pdf.text(left + indent, top + _BASELINE_MM, shown)
        left += width
    pdf.set_xy(pdf.l_margin, top + _ROW_MM)


def _totals(pdf: FPDF, document: QuoteDocument) -> None:
    pdf.ln(2)
    lines = [(document.say("Total", "Total"), document.total, "B")]
    if document.discount:
        lines = [
            (document.say("Subtotal", "Subtotal"), document.subtotal, ""),
            (document.say("Desconto", "Discount"), -document.discount, ""),
            *lines,
        ]
    for label, amount, style in lines:
        pdf.set_font("helvetica", style, 10)
        pdf.cell(sum(_WIDTHS[:3]), 6, _latin(label), align="R")
        pdf.cell(_WIDTHS[3], 6, _latin(document.money(amount)), align="R", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("helvetica", size=10)
    pdf.ln(2)
    until = document.say(f"Válido até {document.last_day}.", f"Valid until {document.last_day}.")
    pdf.cell(0, 6, _latin(until), new_x="LMARGIN", new_y="NEXT")


def _pix(pdf: FPDF, document: QuoteDocument, payload: str) -> None:
    pdf.ln(4)
    if pdf.get_y() > 225:
        pdf.add_page()
    pdf.set_font("helvetica", "B", 10)
    pdf.cell(0, 6, _latin(document.say("Pague com PIX", "Pay with PIX")), new_x="LMARGIN", new_y="NEXT")
    pdf.image(io.BytesIO(qr_png(payload)), w=38)
    pdf.set_font("courier", size=7)
    pdf.multi_cell(0, 3.5, payload, new_x="LMARGIN", new_y="NEXT")


def _width(pdf: FPDF, text: str) -> float:
    """Millimetres in the present font, one of the built-in ones."""
    font: Any = pdf.current_font
    return float(sum(font.cw[letter] for letter in text) * pdf.font_size / 1000)


def _fitted(pdf: FPDF, text: str, width: float) -> str:
    if _width(pdf, text) <= width:
        return text
    # By halves: letter by letter, a quote of 200 long names took a second of a processor.
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if _width(pdf, text[:middle] + "...") <= width:
            fits = middle
        else:
            too_long = middle
    return text[:fits] + "..."


def _latin(text: str) -> str:
    """What the PDF's built-in fonts can show; they cover Portuguese."""
    return text.replace("\u00a0", " ").encode("latin-1", "replace").decode("latin-1")
