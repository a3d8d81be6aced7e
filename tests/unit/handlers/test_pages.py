"""Document numbers are found however people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.pages import serial_of


@given(st.integers(1, 10**17), st.sampled_from(["", "COT-", "PED-", "cot-", "LOJA-2-"]), st.integers(0, 1))
def test_a_number_is_read_with_or_without_prefix_and_zeros(serial: int, prefix: str, zeros: int) -> None:
    assert serial_of(f"{prefix}{'000' * zeros}{serial}") == serial


@pytest.mark.parametrize("text", [None, "", "Maria", "COT-", "12a", "-", "1" * 40, "١٢"])
def test_other_texts_are_no_number(text: str | None) -> None:
    assert serial_of(text) is None
