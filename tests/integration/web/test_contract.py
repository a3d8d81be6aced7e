"""What the OpenAPI document says of requests is what is taken: what schemathesis found (``make contract``), kept."""

from __future__ import annotations

import re
from decimal import Decimal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from handlers.documents import Phone, PostalCode
from handlers.insights.models import ServiceLevel
from handlers.permissions import PERMISSIONS
from handlers.vehicles import Plate
from handlers.vertical import ROUTES
from runtime.web import auth
from runtime.web.documentation import document
from runtime.web.fields import EmailText, Fraction, Money, Percent, Quantity, SignedMoney

DECIMALS = {
    "quantity": Quantity,
    "money": Money,
    "signed": SignedMoney,
    "percent": Percent,
    "fraction": Fraction,
}
TEXTS = {
    "phone": (Phone, ("(11) 98765-4321", "+55 11 987654321", "1234567", "0" * 40, "98765-432 x")),
    "postal code": (PostalCode, ("01310-100", "01310100", "01.310-100", "0131010", "013101000", "0" * 40)),
    "plate": (Plate, ("BRA2E19", "bra-2319", "BR2E19", "0000000", "BRA2E199")),
    "e-mail": (
        EmailText,
        ("maria@example.com", "MARIA@EXAMPLE.COM", "maria", "0" * 254, "a b@example.com", "a@b..c"),
    ),
    "service level": (ServiceLevel, ("0.5", "0.95", "0.9999", "0.49", "1", "0.99999")),
}


@pytest.fixture(scope="module")
def described():
    return orjson.loads(orjson.dumps(document((auth.routes, *ROUTES), PERMISSIONS, {})))


def patterns_of(kind) -> list[str]:
    schema = TypeAdapter(kind).json_schema()
    return [part["pattern"] for part in schema.get("anyOf", [schema]) if "pattern" in part]


def is_taken(kind, text: str) -> bool:
    try:
        TypeAdapter(kind).validate_python(text)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", DECIMALS)
def test_the_pattern_of_a_decimal_says_which_texts_are_taken(name) -> None:
    [pattern] = patterns_of(DECIMALS[name])

    @settings(max_examples=60, deadline=None)
    @given(
        st.decimals("-1000000000000", "1000000000000", places=4)
        | st.decimals("-2", "102", places=2)
        | st.decimals("0", "0.02", places=5)
        | st.sampled_from([Decimal(text) for text in ("0", "0.001", "1", "1.0000", "100", "100.01", "99.99")])
    )
    def same(number: Decimal) -> None:
        text = f"{number:f}"
        assert (re.search(pattern, text) is not None) == is_taken(DECIMALS[name], text) or number.is_zero()

    same()


@pytest.mark.parametrize("name", TEXTS)
def test_the_pattern_of_a_text_says_which_are_taken(name) -> None:
    kind, texts = TEXTS[name]
    [pattern] = patterns_of(kind)
    assert {text: re.search(pattern, text) is not None for text in texts} == {
        text: is_taken(kind, text) for text in texts
    }


def test_a_body_that_is_no_json_is_described_by_its_media_types(described) -> None:
    for path, method, media in (
        ("/api/v1/settings/logo", "put", "image/png"),
        ("/api/v1/deliveries/{delivery_id}/images", "post", "image/jpeg"),
        ("/api/v1/products/import", "post", "text/csv"),
        ("/api/v1/suppliers/{supplier_id}/import", "post", "text/csv"),
    ):
        body = described["paths"][path][method]["requestBody"]
        assert body["required"]
        assert media in body["content"]


def test_if_match_is_described_where_it_is_compared_and_nowhere_else(described) -> None:
    for operations in described["paths"].values():
        for method, operation in operations.items():
            takes = any(parameter["name"] == "If-Match" for parameter in operation["parameters"])
            assert takes == (method == "patch")
            assert not takes or "412" in operation["responses"]


def test_a_new_password_is_described_as_long_as_it_has_to_be(described) -> None:
    for name in ("UserNew", "PasswordReset"):
        assert described["components"]["schemas"][name]["properties"]["password"]["minLength"] == 10


@pytest.mark.parametrize("path", ["products/import", "customers/import", "purchase-orders/from-suggestions"])
async def test_a_fixed_address_is_never_taken_for_an_id(client, path) -> None:
    await client.login("owner")
    for method in ("GET", "PATCH", "DELETE"):
        answer = await client.request(method, path)
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert (await answer.json())["code"] == "method_not_allowed"


async def test_as_many_products_as_a_query_may_name_fit_into_its_line(client) -> None:
    await client.login("owner")
    product = "0192f0c1-7b1e-7c3a-9d52-3f6a1c2b4d5e"
    for count, status in ((100, 200), (101, 422)):
        query = "&".join([f"product_ids={product}"] * count)
        assert (await client.get(f"insights/sales/basket?{query}")).status == status


async def test_a_number_is_no_yes_or_no_in_the_settings(client) -> None:
    await client.login("owner")
    for body in ({"branding": {"features": {"quotes": 0}}}, {"settings": {"allow_negative_stock": 1}}):
        assert (await client.patch("settings", json=body)).status == 422
