"""What each problem code means, for ``/docs``: the address of every problem's ``type``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProblemCode:
    """The statuses that a code comes with, and what it tells the client to do or look at."""

    statuses: Sequence[int]
    meaning: str


def _code(status: int, meaning: str, *more: int) -> ProblemCode:
    return ProblemCode((status, *more), meaning)


SHARED_CODES: Mapping[str, ProblemCode] = {
    "already_exists": _code(409, "Another record has this value already; `constraint` names the rule."),
    "body": _code(400, "The body ended early or could not be read."),
    "content_encoding": _code(415, "Compressed bodies are not taken."),
    "csrf": _code(403, "With a cookie: not from a page of the same origin, or without its `X-CSRF-Token`."),
    "duplicate_key": _code(400, "A JSON object names the same key twice."),
    "forbidden": _code(403, "The role of the user does not have the operation's permission."),
    "headers_too_large": _code(431, "The address or a header is longer than 8 KiB."),
    "idempotency_in_progress": _code(409, "The first request with this Idempotency-Key is still running."),
    "idempotency_key": _code(400, "The Idempotency-Key header has a form that is not taken."),
    "internal": _code(500, "A fault of ours; the log has it under `request_id`."),
    "invalid": _code(422, "`errors` says which fields are refused, and why."),
    "invalid_cursor": _code(400, "The cursor was made for another list, search or order."),
    "invalid_token": _code(401, "The access token is not ours or has expired; refresh it or sign in again."),
    "invalid_value": _code(422, "A value that cannot be stored."),
    "json": _code(400, "The body is not JSON in UTF-8, or is a number JSON does not know."),
    "json_depth": _code(400, "The JSON has more than 32 levels."),
    "login_throttled": _code(429, "Too many failed sign-ins; wait as long as Retry-After says."),
    "malformed": _code(400, "The request could not be understood."),
    "media_type": _code(415, "The body has another type than application/json in UTF-8."),
    "method_not_allowed": _code(405, "The Allow header lists the methods of this address."),
    "not_found": _code(404, "There is no such address or thing in this store."),
    "nul": _code(400, "A text in the JSON holds a NUL character."),
    "out_of_range": _code(422, "A number beyond what can be stored."),
    "query": _code(400, "A query parameter is given twice or holds a NUL."),
    "rate_limited": _code(429, "Requests come faster than allowed; wait as long as Retry-After says."),
    "refresh_token": _code(401, "The refresh token has been used, has expired or was taken back."),
    "session_ended": _code(401, "Signed out, disabled or given another password; sign in again."),
    "slow_body": _code(400, "The body did not arrive within 15 seconds."),
    "stale": _code(412, "Changed since it was read; If-Match names an older version."),
    "state_conflict": _code(409, "Not in this state; see `current_state` and `allowed_actions`."),
    "tenant_mismatch": _code(403, "The sign-in, or the trusted header, is of another store.", 400),
    "tenant_suspended": _code(403, "The store is suspended."),
    "too_large": _code(413, "The body is larger than the operation takes."),
    "too_many_requests": _code(429, "Wait as long as Retry-After says."),
    "unauthorized": _code(401, "There is neither a bearer token nor a session cookie in the request."),
    "unavailable": _code(503, "Busy, or a dependency is away; the same request may be sent again."),
    "unknown_reference": _code(422, "The request names a thing that the store does not have."),
    "unknown_tenant": _code(404, "No store has this name."),
    "wrong_credentials": _code(401, "E-mail or password is wrong, or the user is disabled."),
}
"""The codes that any operation may answer; a vertical adds those of its own."""
