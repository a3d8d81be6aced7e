"""What an answer may look like, whatever was asked: judged by the API's own description."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.security.fuzz.inputs import Described, Input

# Any address may answer so, and the document does not say it of each.
ANYWHERE = frozenset({400, 401, 403, 404, 405, 413, 415, 417, 422, 429, 431})
_ROOT = "urn:api"


@dataclass(slots=True)
class Verdicts:
    """What was answered, and what should not have been."""

    statuses: Counter[int] = field(default_factory=Counter)
    succeeded: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def note(self, problem: str, given: Input, content: bytes) -> None:
        """Count a problem; the first of its kind keeps the request and the answer."""
        self.wrong[problem] += 1
        body = (given.data or b"")[:600]
        self.examples.setdefault(
            problem,
            f"{given.operation.method} {given.target[:400]} {dict(given.headers)} {body!r} -> {content[:600]!r}",
        )


class Judge:
    """Judges answers. ``foreign`` are texts that no answer to this store may hold: another store's marks and ids."""

    def __init__(self, document: Mapping[str, Any], foreign: frozenset[bytes]) -> None:
        self.verdicts = Verdicts()
        self._codes = document["x-problem-codes"]
        self._foreign = foreign
        resource = Resource(contents=document, specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(_ROOT, resource)
        self._validators: dict[str, Draft202012Validator] = {}
        self._seen: Counter[str] = Counter()

    def judge(self, given: Input, status: int, headers: Mapping[str, str], content: bytes) -> None:
        """Note whatever is wrong with this answer."""
        verdicts, where = self.verdicts, given.operation.where
        verdicts.statuses[status] += 1
        problems = []
        if status >= 500:
            problems.append(f"{status}")
        elif status >= 400:
            problems += self._of_refusal(given.operation, status, headers, content)
        else:
            verdicts.succeeded[where] += 1
            problems += self._of_success(given.operation, status, headers, content)
        if b"Traceback" in content or b"asyncpg" in content:
            problems.append("tells of its inside")
        if headers.get("X-Content-Type-Options") != "nosniff" or "X-Request-Id" not in headers:
            problems.append("lacks headers")
        sent = given.target.encode() + (given.data or b"")
        is_platforms = "/platform/" in given.operation.path
        if not is_platforms and any(found in content and found not in sent for found in self._foreign):
            problems.append("shows another store's things")
        for problem in problems:
            verdicts.note(f"{where}: {problem}", given, content)

    def _of_refusal(
        self, operation: Described, status: int, headers: Mapping[str, str], content: bytes
    ) -> list[str]:
        if str(status) not in operation.details["responses"] and status not in ANYWHERE:
            return [f"{status} is not described"]
        if headers.get("Content-Type") != "application/problem+json":
            # Pages for people say it in HTML.
            return [] if operation.path.startswith(("/q/", "/d/")) else [f"{status} is no problem document"]
        problem = json.loads(content)
        if problem["status"] != status or status not in self._codes.get(problem["code"], {}).get(
            "statuses", ()
        ):
            return [f"{status} with {problem['code']} is not described"]
        return []

    def _of_success(
        self, operation: Described, status: int, headers: Mapping[str, str], content: bytes
    ) -> list[str]:
        described = operation.details["responses"].get(str(status))
        if status in (304, 204):
            return [] if status == 304 or described is not None else [f"{status} is not described"]
        if described is None:
            return [f"{status} is not described"]
        media = headers.get("Content-Type", "").partition(";")[0]
        ranges = {media, f"{media.partition('/')[0]}/*", "*/*"}
        if not ranges & described.get("content", {media: {}}).keys():
            return [f"{status} comes as {media or 'nothing'}"]
        self._seen[operation.where] += 1
        # The first ones, then a sample: validating takes longer than answering.
        if media != "application/json" or self._seen[operation.where] % 7 > 1:
            return []
        validator = self._validator(operation, status)
        first = next(validator.iter_errors(json.loads(content)), None)
        return (
            []
            if first is None
            else [f"answers {'/'.join(map(str, first.schema_path))}: {first.message[:80]}"]
        )

    def _validator(self, operation: Described, status: int) -> Draft202012Validator:
        escaped = operation.path.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
        at = f"{_ROOT}#/paths/{escaped}/{operation.method.lower()}/responses/{status}/content/application~1json/schema"
        if at not in self._validators:
            self._validators[at] = Draft202012Validator({"$ref": at}, registry=self._registry)
        return self._validators[at]
