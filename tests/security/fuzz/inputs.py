"""Requests made from the API's own description: good ones, nearly good ones, and such that nobody ever meant."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from tests.security.fuzz.naughty import BODIES, TEXTS
from tests.security.fuzz.values import Values, text_fields, with_text
from tests.support.operations import TABLES
from tests.support.traded import Traded

# What takes long by its nature (solving, hashing) is asked less often, or nothing else would be.
SELDOM = (
    "/plan",
    "/login",
    "/cookie",
    "/reset-password",
    "/logout",
    "/users",
    "/pdf",
    "/anonymise",
    "/import",
)
_HEADERS: Mapping[str, tuple[str, ...]] = {
    "Idempotency-Key": ("k", "k" * 255, "k" * 256, "", "é", "again", "again"),
    "If-Match": ('"1"', "*", "W/", '"9999999999999999999"', ", ,", '"1", "2"', "é"),
    "If-None-Match": ('"1"', "*", "W/", '"' + "x" * 2000),
    "Accept-Language": ("en", "pt;q=nan", ";;;,", "x" * 3000, "é"),
    "Accept": ("text/html", "*/*;q=0", "application/xml", ""),
    "Content-Encoding": ("gzip", "identity", "br, gzip"),
    "Content-Type": (
        "text/plain",
        "application/json; charset=utf-16",
        "multipart/form-data",
        "",
        "application/json;",
    ),
    "X-Tenant-Slug": ("rival", "platform", "", "../x"),
    "X-Request-Id": ("x", "é", "a" * 65),
    "Last-Event-ID": ("1", "-1", "9" * 19, "x"),
    "Range": ("bytes=0-", "bytes=9-1", "x"),
    "X-HTTP-Method-Override": ("DELETE",),
    "Origin": ("null", "https://evil.example"),
    "Sec-Fetch-Site": ("cross-site",),
    "Cookie": ("basecommerce=x", "=", "a" * 4000, "__Host-basecommerce=" + "x" * 100),
}
_FILES: tuple[bytes, ...] = (
    *(
        b"",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 60,
        b"\xff\xd8\xff\xe0" + b"\0" * 200,
        b"RIFF\0\0\0\0WEBPVP8 ",
        b"PK\x03\x04",
    ),
    *(
        b"sku;name;unit;price\nA;B;SC;1,5\n",
        b"codigo,nome\n\x00,\n",
        b"\xff\xfe" + "sku;x\n1;2".encode("utf-16-le"),
    ),
    *(
        b'"' * 5000,
        b"nome;documento;tipo\nMaria;52998224725;pessoa\n",
        b"GIF89a<script>",
        b";\n" * 4000,
        b"a" * 90_000,
    ),
)


@dataclass(frozen=True, slots=True)
class Described:
    """One operation as the document tells it."""

    method: str
    path: str
    details: Mapping[str, Any]

    @property
    def where(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def body(self) -> Mapping[str, Any] | None:
        content = self.details.get("requestBody", {}).get("content", {})
        schema: Mapping[str, Any] | None = content.get("application/json", {}).get("schema")
        return schema

    @property
    def example(self) -> Any:
        return self.details["requestBody"]["content"]["application/json"]["example"]


@dataclass(frozen=True, slots=True)
class Input:
    """One request, encoded as it is sent, without what says who sends it."""

    operation: Described
    target: str
    data: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """A text and where it goes: the path of a field of the body, or the name of a parameter of the query."""

    operation: Described
    at: tuple[str, ...] | str
    text: str


class Inputs:
    """Makes inputs for one store; learns the ids of what came into being, so that later ones go further."""

    def __init__(self, document: Mapping[str, Any], rng: random.Random, own: Traded) -> None:
        self.rng = rng
        self.operations = described(document)
        self._ids = {table: list(ids) for table, ids in own.ids.items()}
        # The users that the run itself works as stay out of it.
        self._ids["users"] = self._ids["users"][-1:]
        self._tokens = own.tokens
        self._definitions = document["components"]["schemas"]
        self._values = Values(rng, self._definitions, self._id)
        self._weights = [
            0.05 if operation.path.endswith(SELDOM) and operation.method == "POST" else 1.0
            for operation in self.operations
        ]
        self._area = ""

    def any(self) -> Input:
        """An input of chance."""
        [operation] = self.rng.choices(self.operations, self._weights)
        self._area = operation.path
        headers: dict[str, str] = {}
        data: bytes | None = None
        if operation.body is not None:
            headers["Content-Type"] = "application/json"
            data = self._body(operation)
        elif (operation.method == "POST" and operation.path.endswith(("/import", "/images"))) or (
            operation.method == "PUT" and operation.path.endswith("/logo")
        ):
            headers["Content-Type"] = self.rng.choice(("image/png", "image/jpeg", "text/csv"))
            data = self.rng.choice(_FILES)
        elif self.rng.random() < 0.02:
            data = self.rng.choice(BODIES)
        while self.rng.random() < 0.12:
            name = self.rng.choice(tuple(_HEADERS))
            headers[name] = self.rng.choice(_HEADERS[name])
        return Input(operation, self._path(operation) + self._query(operation), data, headers)

    def places(self) -> list[Place]:
        """Every text of the corpus at every field of every body and query that takes a text."""
        found: list[Place] = []
        for operation in self.operations:
            if operation.path.endswith(SELDOM):
                continue
            if operation.body is not None:
                for at in dict.fromkeys(text_fields(operation.body, self._definitions)):
                    found += [Place(operation, at, text) for text in TEXTS]
            for parameter in operation.details["parameters"]:
                if parameter["in"] == "query":
                    found += [Place(operation, parameter["name"], text) for text in TEXTS]
        return found

    def at(self, place: Place) -> Input:
        """An input with a text at this place, all else being good."""
        operation, self._area = place.operation, place.operation.path
        target = self._path(operation, good=True)
        if isinstance(place.at, str):
            return Input(operation, f"{target}?{_query([(place.at, place.text)])}")
        assert operation.body is not None
        body = with_text(self._bounded(self._owned(operation.example)), place.at, place.text)
        return Input(operation, target, _encoded(body), {"Content-Type": "application/json"})

    def learn(self, operation: Described, made: Any) -> None:
        """Remember the id of what an operation has made."""
        found = made.get("id") if isinstance(made, dict) else None
        if operation.method != "POST" or not isinstance(found, str):
            return
        words = [word for word in operation.path.split("/") if not word.startswith("{")]
        table = words[-1].replace("-", "_")
        if table in self._ids and table != "users":
            known = self._ids[table]
            if len(known) < 200:
                known.append(found)
            else:
                known[self.rng.randrange(len(known))] = found

    def _id(self, name: str) -> str:
        roll = self.rng.random()
        if roll < 0.02:
            return str(uuid.UUID(int=self.rng.getrandbits(128)))
        if roll < 0.03:
            return self.rng.choice([text for text in TEXTS if text])
        if name == "order_id" and "/purchase-orders" in self._area:
            table = "purchase_orders"
        elif name == "delivery_id" and "/webhooks" in self._area:
            table = "webhook_deliveries"
        elif name == "driver_id":
            table = "users"
        else:
            table = TABLES.get(name) or f"{name.removesuffix('s').removesuffix('_id')}s"
        known = self._ids.get(table) or self._ids["products"]
        return self.rng.choice(known)

    def _path(self, operation: Described, *, good: bool = False) -> str:
        path = operation.path
        for parameter in operation.details["parameters"]:
            if parameter["in"] != "path":
                continue
            schema = parameter["schema"]
            if schema.get("format") == "uuid":
                value = self._id(parameter["name"])
            elif schema.get("type") == "integer":
                value = str(self.rng.choice((1, 1, 2, 0, 10**9)))
            else:
                shown = "deliveries" if "deliveries" in path or "/d/" in path else "quotes"
                value = self._tokens[shown]
            if not good and self.rng.random() < 0.03:
                value = self.rng.choice(TEXTS[1:])
            path = path.replace(f"{{{parameter['name']}}}", quote(value, safe="", errors="surrogatepass"))
        return path

    def _query(self, operation: Described) -> str:
        pairs: list[tuple[str, str]] = []
        for parameter in operation.details["parameters"]:
            if parameter["in"] == "query" and (parameter.get("required") or self.rng.random() < 0.35):
                value = self._values.of(parameter["schema"], parameter["name"])
                if self.rng.random() < 0.25:
                    value = self._values.nonsense()
                if value is not None:
                    pairs.append((parameter["name"], value if isinstance(value, str) else json.dumps(value)))
        if self.rng.random() < 0.02:
            pairs.append((self.rng.choice(TEXTS), self.rng.choice(TEXTS)))
        return "?" + _query(pairs) if pairs else ""

    def _body(self, operation: Described) -> bytes:
        assert operation.body is not None
        roll = self.rng.random()
        if roll < 0.03:
            return self.rng.choice(BODIES)
        is_exemplary = self.rng.random() < 0.5
        value = self._owned(operation.example) if is_exemplary else self._values.of(operation.body)
        if roll < 0.45:
            for _ in range(self.rng.choice((1, 1, 1, 2, 4))):
                value = self._values.spoiled(value) if isinstance(value, dict | list) else value
        data = _encoded(self._bounded(value))
        if roll > 0.98 and data:
            at = self.rng.randrange(len(data))
            return data[:at] + bytes((self.rng.randrange(256),)) + data[at + 1 :]
        return data

    def _owned(self, value: Any, name: str = "") -> Any:
        """A copy of an example with ids that the store has."""
        if isinstance(value, dict):
            return {key: self._owned(part, key) for key, part in value.items()}
        if isinstance(value, list):
            return [self._owned(part, name) for part in value]
        return self._id(name) if name.removesuffix("s").endswith("_id") else value

    @staticmethod
    def _bounded(value: Any) -> Any:
        """Searching for routes takes as long as it is told to, which would be the whole of a run."""
        if isinstance(value, dict) and isinstance(value.get("seconds"), int):
            return {**value, "seconds": min(value["seconds"], 1)}
        return value


def described(document: Mapping[str, Any]) -> list[Described]:
    """All operations of an OpenAPI document."""
    return [
        Described(method.upper(), path, details)
        for path, operations in document["paths"].items()
        for method, details in operations.items()
    ]


def _encoded(body: Any) -> bytes:
    """JSON, with raw characters as most clients write them; lone surrogates have to be escaped."""
    try:
        return json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(body).encode()


def _query(pairs: list[tuple[str, str]]) -> str:
    return urlencode(pairs, errors="surrogatepass")
