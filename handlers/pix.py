"""PIX BR Code: the static payment text ("copia e cola") behind a QR code, as the Central Bank's manual lays it out.

EMV TLV fields (id, two-digit length, value), closed by a CRC-16/CCITT-FALSE over everything before it.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from decimal import Decimal

MAX_NAME = 25
MAX_CITY = 15
MAX_REFERENCE = 25
MAX_KEY = 77

_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9 $%*+\-./:]")
_REFERENCE = re.compile(r"[^A-Za-z0-9]")


def crc16(payload: str) -> str:
    """CRC-16/CCITT-FALSE (polynomial 0x1021, initial 0xFFFF) as four upper-case hexadecimal digits."""
    return f"{binascii.crc_hqx(payload.encode(), 0xFFFF):04X}"


def br_code(*, key: str, name: str, city: str, amount: Decimal | None = None, reference: str = "***") -> str:
    """The text of a static BR Code for ``key``; ``amount`` in BRL, ``reference`` as the payer's bank shows it.

    Name and city lose accents and what the format does not carry, and are cut to its lengths.
    """
    account = _field("00", "br.gov.bcb.pix") + _field("01", key[:MAX_KEY])
    parts = [
        _field("00", "01"),
        _field("26", account),
        _field("52", "0000"),
        _field("53", "986"),
        _field("54", f"{amount:.2f}") if amount is not None and amount > 0 else "",
        _field("58", "BR"),
        _field("59", _plain(name, MAX_NAME)),
        _field("60", _plain(city, MAX_CITY)),
        _field("62", _field("05", _REFERENCE.sub("", reference)[:MAX_REFERENCE] or "***")),
        "6304",
    ]
    payload = "".join(parts)
    return payload + crc16(payload)


def _field(identifier: str, value: str) -> str:
    return f"{identifier}{len(value):02d}{value}"


def _plain(text: str, longest: int) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    kept = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _NOT_ALLOWED.sub(" ", kept)[:longest].strip() or "NAO INFORMADO"
