"""What the rows of a price list say: headings recognised, numbers and days read as people write them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from handlers.tables.cells import (
    Problem,
    UnreadableError,
    has_comma_decimals,
    plain_words,
    read_decimal,
    read_unit,
)
from handlers.tables.files import MAX_PREAMBLE, Line
from handlers.units import Unit
from runtime.errors import RefusedError
from runtime.web.fields import MAX_MONEY, MAX_QUANTITY

HEADINGS: Mapping[str, tuple[str, ...]] = {
    "code": (
        "codigo", "cod", "code", "referencia", "ref", "codigo fornecedor", "codigo do fornecedor", "cod fornecedor",
        "codigo produto", "codigo do produto", "cod produto", "supplier code", "item", "material",
    ),
    "sku": ("sku", "codigo interno", "cod interno", "nosso codigo", "codigo loja", "our code"),
    "barcode": (
        "ean", "gtin", "ean13", "ean 13", "barcode", "codigo de barras", "codigo barras", "cod barras", "cod de barras",
    ),
    "price": (
        "preco", "preco unitario", "preco unit", "preco liquido", "preco de custo", "preco custo", "valor",
        "valor unitario", "valor unit", "vl unitario", "vlr unitario", "price", "unit price", "custo", "preco r",
        "valor r", "preco tabela",
    ),
    "unit": ("unidade", "un", "und", "unid", "um", "embalagem", "emb", "unit", "unidade de venda", "unidade venda"),
    "minimum": (
        "minimo", "quantidade minima", "qtd minima", "qtde minima", "qtd min", "qtde min", "pedido minimo",
        "lote minimo", "minimum", "minimum quantity", "moq",
    ),
    "payment": (
        "prazo de pagamento", "prazo pagamento", "prazo pagto", "prazo pgto", "dias pagamento", "pagamento",
        "condicao de pagamento", "payment days", "payment",
    ),
    "lead_time": (
        "prazo de entrega", "prazo entrega", "dias entrega", "entrega", "lead time", "lead time days",
    ),
    "valid_from": ("valido de", "valido a partir de", "inicio", "vigencia", "inicio vigencia", "valid from"),
    "valid_to": ("valido ate", "validade", "fim", "fim vigencia", "valid to", "valid until"),
}  # fmt: skip

_FIELDS = {heading: field for field, headings in HEADINGS.items() for heading in headings}
_CENT, _THOUSANDTH = Decimal("0.01"), Decimal("0.001")
_DAY_FIRST = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4}|[0-9]{2})")


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One row as understood; money in BRL for one ``unit`` (None: the product's own), times in days."""

    number: int
    code: str | None
    sku: str | None
    barcode: str | None
    price: Decimal
    minimum_quantity: Decimal
    payment_days: int | None
    lead_time_days: int | None
    valid_from: date | None
    valid_to: date | None
    unit: Unit | None = None


def read_rows(lines: Sequence[Line]) -> list[PriceRow | Problem]:
    """Every line below the headings as a row, or as the problem it has; 422 when there are no headings."""
    start, columns = _find_headings(lines)
    body = lines[start + 1 :]
    comma_decimals = has_comma_decimals(body, columns["price"])
    return [_read_row(line, columns, comma_decimals) for line in body]


def _find_headings(lines: Sequence[Line]) -> tuple[int, dict[str, int]]:
    """Where the headings are, and the column of each field; letterheads above them are passed over."""
    for place, line in enumerate(lines[:MAX_PREAMBLE]):
        columns: dict[str, int] = {}
        for column, cell in enumerate(line.cells):
            field = _FIELDS.get(plain_words(cell))
            if field is not None:
                columns.setdefault(field, column)
        if "price" in columns and columns.keys() & {"code", "sku", "barcode"}:
            return place, columns
    raise RefusedError(
        "no_headings",
        "No headings were found: a price and a code, SKU or barcode are needed.",
        "Não encontrei os títulos: é preciso haver preço e código, SKU ou código de barras.",
        422,
    )


def _read_row(line: Line, columns: Mapping[str, int], comma_decimals: bool | None) -> PriceRow | Problem:
    def cell(field: str) -> str:
        column = columns.get(field)
        return line.cells[column] if column is not None and column < len(line.cells) else ""

    at = "price"
    try:
        price = _rounded(read_decimal(cell("price"), comma_decimals), _CENT, MAX_MONEY)
        at = "minimum"
        minimum = Decimal(0)
        if cell("minimum"):
            minimum = _rounded(read_decimal(cell("minimum"), comma_decimals), _THOUSANDTH, MAX_QUANTITY)
        at = "unit"
        unit = read_unit(cell("unit"))
        at = "payment"
        payment = read_days(cell("payment"))
        at = "lead_time"
        lead_time = read_days(cell("lead_time"))
        at = "valid_from"
        first = read_day(cell("valid_from"))
        at = "valid_to"
        last = read_day(cell("valid_to"))
    except UnreadableError as problem:
        return Problem(line.number, at, problem.code, problem.en, problem.pt)
    code, sku, barcode = (cell(field)[:60] or None for field in ("code", "sku", "barcode"))
    if code is None and sku is None and barcode is None:
        return Problem(
            line.number, "code", "missing_code", "The row names no product.", "A linha não diz o produto."
        )
    return PriceRow(line.number, code, sku, barcode, price, minimum, payment, lead_time, first, last, unit)


def _rounded(number: Decimal, unit: Decimal, most: Decimal) -> Decimal:
    """To whole units; judged before as well, because more digits than a Decimal calculates with cannot be rounded."""
    if number <= most:
        number = number.quantize(unit, ROUND_HALF_UP)
    if number > most:
        raise UnreadableError("too_large", "The number is too large.", "O número é grande demais.")
    return number


def read_days(text: str) -> int | None:
    """A number of days: "28", "28 dias", "28/56" (the mean of the instalments, rounded up), "à vista" (0)."""
    plain = plain_words(text)
    if not plain:
        return None
    if plain in ("a vista", "avista", "imediato", "imediata", "pronta entrega"):
        return 0
    numbers = [int(number) for number in re.findall(r"[0-9]{1,4}", plain)]
    unreadable = re.fullmatch(r"(?:[0-9]+ ?)+(?:d|dd|ddl|dia|dias|day|days)?", plain) is None
    if unreadable or not numbers or max(numbers) > 365:
        raise UnreadableError("not_days", "This is not a number of days.", "Isto não é um número de dias.")
    return -(-sum(numbers) // len(numbers))


def read_day(text: str) -> date | None:
    """A day: 24/11/2026, 24-11-26 or 2026-11-24."""
    if not text:
        return None
    try:
        match = _DAY_FIRST.fullmatch(text)
        if match is None:
            day = date.fromisoformat(text[:10])
        else:
            year = int(match[3])
            day = date(year + 2000 if year < 100 else year, int(match[2]), int(match[1]))
    except ValueError:
        raise UnreadableError("not_a_day", "This is not a day.", "Isto não é uma data.") from None
    if not 1900 <= day.year <= 2999:
        raise UnreadableError("not_a_day", "This is not a day.", "Isto não é uma data.")
    return day
