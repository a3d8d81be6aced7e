from __future__ import annotations

from decimal import Decimal

from handlers.pix import br_code, crc16


def test_the_checksum_is_crc_16_ccitt_false() -> None:
    assert crc16("123456789") == "29B1"


def test_the_manuals_example_is_reproduced() -> None:
    code = br_code(
        key="123e4567-e12b-12d1-a456-426655440000", name="Fulano de Tal", city="BRASILIA", reference="***"
    )
    assert code == (
        "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000"
        "5204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D"
    )


def test_an_amount_and_a_reference_are_carried_and_accents_are_not() -> None:
    code = br_code(
        key="loja@example.com", name="Depósito São João de Construções", city="Florianópolis do Sul",
        amount=Decimal("1178.5"), reference="COT-000001",
    )  # fmt: skip
    assert "54071178.50" in code
    assert "0509COT000001" in code
    assert "5925Deposito Sao Joao de Cons" in code
    assert "6015Florianopolis d" in code
    assert code[-4:] == crc16(code[:-4])
