"""What schemathesis is told beyond its settings: how to sign in, from where, and which refusals no schema can say.

It runs in an environment of its own (``requirements-contract.lock``) and imports nothing of the project.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from typing import Any

import requests
import schemathesis
from schemathesis.core.parameters import ParameterLocation

HOST = os.environ["CONTRACT_HOST"]
URL = os.environ["CONTRACT_URL"]
CREDENTIALS = {"email": os.environ["CONTRACT_EMAIL"], "password": os.environ["CONTRACT_PASSWORD"]}

# Refusals of values that the document takes: rules between fields, with the day or with what the store has, check
# digits, and what bytes are. Whatever JSON Schema has a word for (bounds, lengths, forms, what has to be there) is
# not among them: the document has to say it.
BEYOND_SCHEMAS = {
    "backwards": "two days in the wrong order",
    "empty": "a file without rows",
    "invalid": "a rule between fields, or check digits",
    "media_type": "what bytes are",
    "not_acceptable": "a stream is answered to those who ask for one",
    "out_of_range": "a day too near or too far from today",
    "own_unit": "a rule between fields",
    "password_common": "passwords that anybody would try",
    "past": "a day before today",
    "time_zone": "a name that is no time zone",
    "unknown": "a reference to nothing",
    "unknown_reference": "a reference to nothing",
    "unknown_unit": "a unit that the product has not",
    "unreadable": "what bytes are",
    "webhook_url": "addresses that nothing is sent to",
}
# The same, where the code has other uses that a schema can say.
BEYOND_SCHEMAS_THERE = {("POST /api/v1/orders", "/customer_id", "missing")}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def somewhere() -> str:
    """An address of its own for every request, or the limits of sign-ins would be all that is seen."""
    chance = uuid.uuid4().bytes
    return f"198.51.{chance[0]}.{chance[1]}"


@schemathesis.auth(refresh_interval=300, retry_on=[401])
class SignedIn:
    """A token of the role's user; a new one after 401, since operations that end sessions are asked, too."""

    def get(self, _case: Any, _context: Any) -> str | None:
        """Sign in; None for somebody without an account."""
        if not CREDENTIALS["password"]:
            return None
        answer = requests.post(
            f"{URL}/api/v1/auth/login",
            json=CREDENTIALS,
            headers={"Host": HOST, "X-Forwarded-For": somewhere()},
            timeout=30,
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def set(self, case: Any, data: str, _context: Any) -> None:
        """Send the token along."""
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Say whose store it is, and make good values of the three that only an answer can give."""
    case.headers["Host"] = HOST
    case.headers["X-Forwarded-For"] = somewhere()
    if case.meta is None:
        return
    if not case.meta.is_negative_at(ParameterLocation.HEADER):
        if "If-Match" in case.headers:
            case.headers["If-Match"] = "*"
        if "Idempotency-Key" in case.headers:
            case.headers["Idempotency-Key"] = str(uuid.uuid4())
    if case.query and not case.meta.is_negative_at(ParameterLocation.QUERY):
        case.query.pop("cursor", None)


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """False for the refusal of a good value by a rule that no schema can say."""
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    problem = json.loads(response.content)
    given = problem["errors"] or [{"code": problem["code"], "pointer": ""}]
    return not all(_beyond_schemas(case, error["pointer"], error["code"]) for error in given)


def _beyond_schemas(case: Any, pointer: str, code: str) -> bool:
    if code in BEYOND_SCHEMAS or (case.operation.label, pointer, code) in BEYOND_SCHEMAS_THERE:
        return True
    value = _at(case, pointer)
    if code in ("too_large", "too_small"):
        # JSON Schema has no bounds for days.
        return isinstance(value, str) and _DAY.match(value) is not None
    if code == "integer":
        # JSON Schema takes 151.0 for an integer; here a number written with a fraction is none.
        return isinstance(value, float) and value.is_integer()
    # ... and counts no decimals of a binary number, nor knows how one is written: in texts the document says it.
    return code in ("too_many_decimals", "decimal") and isinstance(value, float)


def _at(case: Any, pointer: str) -> Any:
    first, *rest = pointer.split("/")[1:] or [""]
    found, path = (case.query, rest) if first == "query" else (case.body, [first, *rest])
    for key in path:
        try:
            found = found[int(key)] if isinstance(found, list) else found[key]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return found
