from __future__ import annotations

import orjson
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from handlers.permissions import PERMISSIONS
from handlers.problem_codes import CODES
from handlers.vertical import ROUTES
from runtime.web import auth
from runtime.web.documentation import document, page
from runtime.web.problem_codes import SHARED_CODES

GROUPS = (auth.routes, *ROUTES)
OPERATIONS = [operation for group in GROUPS for operation in group.operations]


@pytest.fixture(scope="module")
def described():
    return orjson.loads(orjson.dumps(document(GROUPS, PERMISSIONS, {**SHARED_CODES, **CODES})))


def test_the_document_is_valid_openapi_3_1(described) -> None:
    problems = [error.message for error in OpenAPIV31SpecValidator(described).iter_errors()]
    assert problems == []


def test_schemas_are_named_for_readers_and_not_after_modules(described) -> None:
    assert [name for name in described["components"]["schemas"] if "__" in name.replace("Page_", "")] == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda op: f"{op.method} {op.path}")
def test_every_operation_says_what_it_does_takes_and_answers(described, operation) -> None:
    found = described["paths"][operation.path][operation.method.lower()]
    assert found["summary"]
    assert found.get("description"), "the handler's docstring is its description"
    assert found.get("x-permission") == operation.may
    if operation.may is not None:
        assert found["x-roles"]
    if operation.status not in (204, 303):
        content = found["responses"][str(operation.status)].get("content")
        assert content, "say what it answers"
    for status in ("400", "503") if operation.public else ("400", "401", "403", "429", "503"):
        assert "application/problem+json" in found["responses"][status]["content"]
    if operation.body is not None:
        assert "application/json" in found["requestBody"]["content"]
    elif "The body is" in found["description"]:
        assert found["requestBody"]["content"], "say what kind of file it takes"
    else:
        assert "requestBody" not in found


@pytest.mark.parametrize(
    "operation", [operation for operation in OPERATIONS if operation.body is not None], ids=lambda op: op.name
)
def test_the_example_of_a_request_is_one_that_is_taken(described, operation) -> None:
    body = described["paths"][operation.path][operation.method.lower()]["requestBody"]
    operation.body.model_validate(body["content"]["application/json"]["example"])


@pytest.mark.parametrize(
    "operation", [operation for operation in OPERATIONS if operation.answers], ids=lambda op: op.name
)
def test_the_example_of_an_answer_has_the_shape_that_is_described(described, operation) -> None:
    answer = described["paths"][operation.path][operation.method.lower()]["responses"][str(operation.status)]
    content = answer["content"]["application/json"]
    validator = Draft202012Validator({**content["schema"], "components": described["components"]})
    assert [error.message for error in validator.iter_errors(content["example"])] == []


def test_operations_have_names_of_their_own() -> None:
    names = [operation.name for operation in OPERATIONS]
    assert sorted(names) == sorted(set(names))


def test_no_two_operations_share_an_address() -> None:
    addresses = [(operation.method, operation.path) for operation in OPERATIONS]
    assert sorted(addresses) == sorted(set(addresses))


def test_money_is_a_text_in_answers(described) -> None:
    shape = described["components"]["schemas"]["ProductView"]["properties"]["base_price"]
    assert shape["type"] == "string"


async def test_the_document_and_its_page_are_served_to_anybody(client) -> None:
    for path, kind in (("/openapi.json", "application/json"), ("/docs", "text/html")):
        answer = await client.get(path)
        assert answer.status == 200
        assert answer.content_type == kind
        assert (await client.get(path, headers={"If-None-Match": answer.headers["ETag"]})).status == 304


def test_the_page_describes_every_problem_where_its_type_points(described) -> None:
    text = page(described)
    for code in {**SHARED_CODES, **CODES}:
        assert f"id='problem-{code}'" in text


def test_the_page_asks_nothing_of_anybody_and_runs_nothing(described) -> None:
    text = page(described)
    shown = text.replace("https://json-schema.org", "")
    assert [
        foreign for foreign in ("<script", "src=", "javascript:", "onclick", "@import") if foreign in shown
    ] == []
    assert text.count("<details") == len(OPERATIONS) + len(described["components"]["schemas"])
