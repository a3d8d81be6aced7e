"""Access tokens: short-lived JWTs that name a session, believed only while that session lives."""

from __future__ import annotations

import base64
import binascii
import re
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
import orjson

from runtime.data.ids import NIL
from runtime.errors import UnauthorizedError
from runtime.settings import Settings
from runtime.web.keys import KeyRing

ISSUER = "basecommerce"
AUDIENCE = "basecommerce-api"
PLATFORM_ROLE = "platform_admin"
PLATFORM_TENANT = NIL

_TYPE = "at+jwt"
_MAX_LENGTH = 4096
_LEEWAY_S = 10
_LONGEST_S = 43_200 * 60
_REQUIRED = ["sub", "role", "sid", "iat", "exp", "iss", "aud"]
_KEYS_FROM_THE_TOKEN = frozenset({"jku", "jwk", "x5u", "x5c", "crit"})
# Strict base64url without padding: a padded or spaced copy of a token is not the token.
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_UUID_FORM = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Claims:
    """A verified token. ``role`` is what it was at sign-in; the session knows what it is now."""

    tenant_id: UUID
    user_id: UUID
    session_id: UUID
    role: str
    expires_at: int


class Tokens:
    """Makes and verifies access tokens with the one configured algorithm."""

    def __init__(self, settings: Settings) -> None:
        self._keys = KeyRing(
            "access-token",
            settings.secret_key.get_secret_value(),
            settings.secret_key_previous.get_secret_value(),
        )
        self._algorithm = settings.algorithm
        self.lifetime_s = settings.access_token_expire_minutes * 60
        self._verified: dict[str, Claims] = {}

    def issue(self, *, tenant_id: UUID, user_id: UUID, session_id: UUID, role: str, expires_at: int) -> str:
        """A token good until ``expires_at`` (Unix seconds). Platform admins' carry no tenant."""
        claims: dict[str, Any] = {
            "sub": str(user_id),
            "role": role,
            "sid": str(session_id),
            "iat": min(int(time.time()), expires_at - 1),
            "exp": expires_at,
            "iss": ISSUER,
            "aud": AUDIENCE,
        }
        if tenant_id != PLATFORM_TENANT:
            claims["tenant_id"] = str(tenant_id)
        return jwt.encode(claims, self._keys.signing, algorithm=self._algorithm, headers={"typ": _TYPE})

    def read(self, token: str) -> Claims:
        """The claims of a token of ours that has not expired; anything else is refused without saying why."""
        claims = self._verified.get(token)
        if claims is None:
            claims = self._verify(token)
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[token] = claims
        if claims.expires_at + _LEEWAY_S <= time.time():
            self._verified.pop(token, None)
            raise _refused()
        return claims

    def _verify(self, token: str) -> Claims:
        if len(token) > _MAX_LENGTH or _FORM.fullmatch(token) is None:
            raise _refused()
        self._check_header(token.partition(".")[0])
        for key in self._keys.verifying:
            try:
                payload = jwt.decode(
                    token,
                    key,
                    algorithms=[self._algorithm],
                    audience=AUDIENCE,
                    issuer=ISSUER,
                    leeway=_LEEWAY_S,
                    options={"require": _REQUIRED, "enforce_minimum_key_length": True},
                )
            except jwt.InvalidSignatureError:
                continue
            except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
                break
            return _claims(payload)
        raise _refused()

    def _check_header(self, encoded: str) -> None:
        try:
            header = orjson.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
        except (binascii.Error, ValueError):
            raise _refused() from None
        if (
            not isinstance(header, dict)
            or header.get("typ") != _TYPE
            or header.get("alg") != self._algorithm
            or not _KEYS_FROM_THE_TOKEN.isdisjoint(header)
        ):
            raise _refused()


def _claims(payload: Any) -> Claims:
    issued, expires, role = payload["iat"], payload["exp"], payload["role"]
    if type(issued) is not int or type(expires) is not int or not 0 < expires - issued <= _LONGEST_S:
        raise _refused()
    if not isinstance(role, str) or payload["aud"] != AUDIENCE:
        raise _refused()
    if ("tenant_id" in payload) == (role == PLATFORM_ROLE):
        raise _refused()
    tenant_id = _uuid(payload["tenant_id"]) if "tenant_id" in payload else PLATFORM_TENANT
    return Claims(tenant_id, _uuid(payload["sub"]), _uuid(payload["sid"]), role, expires)


def _uuid(value: object) -> UUID:
    if not isinstance(value, str) or _UUID_FORM.fullmatch(value) is None:
        raise _refused()
    return UUID(value)


def _refused() -> UnauthorizedError:
    return UnauthorizedError(
        "invalid_token",
        "The access token is not valid; sign in again.",
        "O token não é válido; entre novamente.",
    )
