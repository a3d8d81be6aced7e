"""Tokens that are not ours, or not as we make them: every one of these is refused with 401."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from uuid import uuid4

import jwt
import pytest
from pydantic import SecretStr

from runtime.web.keys import derive
from runtime.web.tokens import Tokens
from tests.support.stores import create_store

ME = "/api/v1/auth/me"


def encode(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Forge:
    """Makes tokens as the server would, and then not quite."""

    def __init__(self, key: bytes, token: str) -> None:
        self.key = key
        self.token = token
        self.header, self.claims = (
            json.loads(base64.urlsafe_b64decode(p + "==")) for p in token.split(".")[:2]
        )

    def sign(
        self, header: Any, claims: Any, *, key: bytes | None = None, digest: Any = hashlib.sha256
    ) -> str:
        signed = f"{encode(header)}.{encode(claims)}"
        signature = hmac.digest(self.key if key is None else key, signed.encode(), digest)
        return f"{signed}.{encode(signature)}"

    def with_header(self, **changes: Any) -> str:
        return self.sign({**self.header, **changes}, self.claims)

    def with_claims(self, **changes: Any) -> str:
        return self.sign(self.header, {**self.claims, **changes})

    def without(self, name: str) -> str:
        return self.sign(self.header, {key: value for key, value in self.claims.items() if key != name})


@pytest.fixture
async def forge(client, settings) -> Forge:
    tokens = await client.login("owner")
    return Forge(derive(settings.secret_key.get_secret_value(), "access-token"), tokens["access_token"])


NOW = int(time.time())
FORGERIES = {
    "nothing": lambda _: "",
    "a word": lambda _: "token",
    "two parts": lambda f: ".".join(f.token.split(".")[:2]),
    "four parts": lambda f: f.token + ".x",
    "no signature": lambda f: ".".join([*f.token.split(".")[:2], ""]),
    "another signature": lambda f: ".".join([*f.token.split(".")[:2], encode(b"x" * 32)]),
    "padded": lambda f: f.token + "=",
    "with a space": lambda f: f"{f.token[:40]} {f.token[40:]}",
    "not base64": lambda f: "é." + f.token,
    "header not JSON": lambda f: ".".join([encode(b"{"), *f.token.split(".")[1:]]),
    "header a list": lambda f: f.sign([], f.claims),
    "claims a list": lambda f: f.sign(f.header, []),
    "claims not JSON": lambda f: f.sign(f.header, b"{"),
    "algorithm none": lambda f: f"{encode({'alg': 'none', 'typ': 'at+jwt'})}.{encode(f.claims)}.",
    "algorithm None, signed": lambda f: f.with_header(alg="None"),
    "algorithm HS512": lambda f: f.sign({**f.header, "alg": "HS512"}, f.claims, digest=hashlib.sha512),
    "algorithm RS256": lambda f: f.with_header(alg="RS256"),
    "algorithm missing": lambda f: f.sign({"typ": "at+jwt"}, f.claims),
    "type JWT": lambda f: f.with_header(typ="JWT"),
    "type missing": lambda f: f.sign({"alg": "HS256"}, f.claims),
    "jku": lambda f: f.with_header(jku="https://example.com/keys"),
    "jwk": lambda f: f.with_header(jwk={"kty": "oct", "k": "AAAA"}),
    "x5u": lambda f: f.with_header(x5u="https://example.com/cert"),
    "x5c": lambda f: f.with_header(x5c=["AAAA"]),
    "crit": lambda f: f.with_header(crit=["exp"]),
    "the secret itself as key": lambda f: f.sign(
        f.header, f.claims, key=b"2xq8Zf4nTq7mWb1cKd9yRr5uHs3pLe6vJa0g"
    ),
    "an empty key": lambda f: f.sign(f.header, f.claims, key=b""),
    "another purpose's key": lambda f: f.sign(
        f.header, f.claims, key=derive("2xq8Zf4nTq7mWb1cKd9yRr5uHs3pLe6vJa0g", "cursors")
    ),
    "no sub": lambda f: f.without("sub"),
    "no tenant": lambda f: f.without("tenant_id"),
    "no role": lambda f: f.without("role"),
    "no session": lambda f: f.without("sid"),
    "no iat": lambda f: f.without("iat"),
    "no exp": lambda f: f.without("exp"),
    "no iss": lambda f: f.without("iss"),
    "no aud": lambda f: f.without("aud"),
    "another issuer": lambda f: f.with_claims(iss="somebody"),
    "another audience": lambda f: f.with_claims(aud="somebody"),
    "a list of audiences": lambda f: f.with_claims(aud=["basecommerce-api", "somebody"]),
    "expired": lambda f: f.with_claims(iat=NOW - 100, exp=NOW - 50),
    "exp a text": lambda f: f.with_claims(exp=str(NOW + 60)),
    "exp a fraction": lambda f: f.with_claims(exp=NOW + 60.5),
    "exp true": lambda f: f.with_claims(exp=True),
    "exp null": lambda f: f.with_claims(exp=None),
    "exp huge": lambda f: f.with_claims(exp=10**400),
    "issued in the future": lambda f: f.with_claims(iat=NOW + 5000, exp=NOW + 6000),
    "iat after exp": lambda f: f.with_claims(iat=NOW + 5, exp=NOW + 4),
    "iat a text": lambda f: f.with_claims(iat=str(NOW)),
    "sub a number": lambda f: f.with_claims(sub=7),
    "sub no UUID": lambda f: f.with_claims(sub="' or 1=1 --"),
    "another user's session": lambda f: f.with_claims(sub=str(uuid4())),
    "an unknown session": lambda f: f.with_claims(sid=str(uuid4())),
    "session no UUID": lambda f: f.with_claims(sid="*"),
    "tenant no UUID": lambda f: f.with_claims(tenant_id="yard"),
    "tenant null": lambda f: f.with_claims(tenant_id=None),
    "a platform role in a store": lambda f: f.with_claims(role="platform_admin"),
    "role a list": lambda f: f.with_claims(role=["owner"]),
    "five parts, as if encrypted": lambda f: f.token + ".x.x",
    "line breaks around it": lambda f: f.token.replace(".", ".%0a"),
    "standard base64": lambda f: f.token.replace("-", "+").replace("_", "/") + "/+",
    "algorithm hs256": lambda f: f.with_header(alg="hs256"),
    "algorithm HS384": lambda f: f.sign({**f.header, "alg": "HS384"}, f.claims, digest=hashlib.sha384),
    "algorithm ES256": lambda f: f.with_header(alg="ES256"),
    "algorithm PS256": lambda f: f.with_header(alg="PS256"),
    "algorithm EdDSA": lambda f: f.with_header(alg="EdDSA"),
    "algorithm a list": lambda f: f.with_header(alg=["HS256", "none"]),
    "algorithm null": lambda f: f.with_header(alg=None),
    "algorithm twice": lambda f: f.sign(
        b'{"alg":"none","typ":"at+jwt","alg":"HS256"}'.replace(b'"HS256"', b'"none"'), f.claims
    ),
    "type a refresh token's": lambda f: f.with_header(typ="rt+jwt"),
    "type null": lambda f: f.with_header(typ=None),
    "payload left out of the token": lambda f: f.with_header(b64=False, crit=["b64"]),
    "kid a path and no key": lambda f: f.sign({**f.header, "kid": "/dev/null"}, f.claims, key=b"\0"),
    "kid an injection": lambda f: f.sign({**f.header, "kid": "' union select 'k"}, f.claims, key=b"k"),
    "the claims of another token": lambda f: ".".join(
        [f.token.split(".")[0], encode({**f.claims, "role": "platform_admin"}), f.token.split(".")[2]]
    ),
    "claims with a token inside": lambda f: f.sign(f.header, f.token.encode()),
    "signature cut short": lambda f: f.token[:-4],
    "signature doubled": lambda f: f.token + f.token.split(".")[2],
    "not yet valid": lambda f: f.with_claims(nbf=NOW + 5000),
    "exp negative": lambda f: f.with_claims(exp=-1),
    "exp in milliseconds": lambda f: f.with_claims(exp=(NOW + 60) * 1000),
    "exp a list": lambda f: f.with_claims(exp=[NOW + 60]),
    "good for years": lambda f: f.with_claims(exp=NOW + 10 * 365 * 86_400),
    "iat not a number": lambda f: f.with_claims(iat=float("nan")),
    "issuers in a list": lambda f: f.with_claims(iss=["basecommerce"]),
    "sub with capitals": lambda f: f.with_claims(sub=str(f.claims["sub"]).upper()),
    "sub in braces": lambda f: f.with_claims(sub="{" + str(f.claims["sub"]) + "}"),
    "session of the nil id": lambda f: f.with_claims(sid="00000000-0000-0000-0000-000000000000"),
    "a platform role without a store": lambda f: f.sign(
        f.header,
        {**{key: value for key, value in f.claims.items() if key != "tenant_id"}, "role": "platform_admin"},
    ),
    "deep claims": lambda f: f.sign(f.header, b'{"a":' + b"[" * 600 + b"]" * 600 + b"}"),
    "more than 4 KB": lambda f: f.with_claims(padding="x" * 4000),
}


async def test_every_forged_token_is_refused(client, forge: Forge) -> None:
    wrong = {}
    for name, made in FORGERIES.items():
        headers = {"Authorization": f"Bearer {made(forge)}".encode().decode("latin-1")}
        answer = await client.get(ME, headers=headers)
        refused = (answer.status, (await answer.json())["code"])
        # A platform administrator's token, were it real, would not be for a store.
        if refused == (403, "tenant_mismatch") and name == "a platform role without a store":
            continue
        if refused not in ((401, "invalid_token"), (401, "unauthorized"), (401, "session_ended")):
            wrong[name] = refused
        elif answer.headers["WWW-Authenticate"] != "Bearer":
            wrong[name] = dict(answer.headers)
    assert wrong == {}
    assert len(FORGERIES) >= 80


async def test_the_forge_makes_good_tokens_too(client, forge: Forge) -> None:
    """Otherwise the refusals above would prove nothing."""
    for token in (forge.token, forge.with_claims(), forge.with_header()):
        assert (await client.get(ME, headers={"Authorization": f"Bearer {token}"})).status == 200


async def test_a_role_in_the_token_gives_nothing(client, settings) -> None:
    tokens = await client.login("driver")
    forge = Forge(derive(settings.secret_key.get_secret_value(), "access-token"), tokens["access_token"])
    headers = {"Authorization": f"Bearer {forge.with_claims(role='owner')}"}
    assert (await client.get("/api/v1/users", headers=headers)).status == 403


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic b3duZXI6eA==", "Token x", "bearer\tx"])
async def test_without_a_bearer_token_nobody_is_known(client, header: str) -> None:
    answer = await client.get(ME, headers={"Authorization": header})
    assert answer.status == 401


def test_a_token_of_the_former_key_is_read_but_no_longer_made(settings) -> None:
    former = Tokens(settings)
    rotated = Tokens(
        settings.having(
            secret_key=SecretStr("k" * 8 + "7Yc2rQ9vW1xZ4bN6mL0p"), secret_key_previous=settings.secret_key
        )
    )
    ids = {"tenant_id": uuid4(), "user_id": uuid4(), "session_id": uuid4()}
    old = former.issue(**ids, role="owner", expires_at=int(time.time()) + 60)
    assert rotated.read(old).user_id == ids["user_id"]
    new = rotated.issue(**ids, role="owner", expires_at=int(time.time()) + 60)
    with pytest.raises(Exception, match="invalid_token"):
        former.read(new)
    assert jwt.get_unverified_header(new)["typ"] == "at+jwt"


async def test_a_token_whose_session_has_ended_is_refused_in_every_spelling(client, forge: Forge) -> None:
    assert (await client.post("/api/v1/auth/logout")).status == 204
    for token in (forge.token, forge.with_claims(), forge.with_claims(iat=forge.claims["iat"] - 1)):
        assert (await client.get(ME, headers={"Authorization": f"Bearer {token}"})).status == 401


async def test_another_stores_session_is_not_found_in_this_one(client, database, settings) -> None:
    """Both ids are real; they are of two stores."""
    await create_store(database, "beta")
    tokens = await client.login("owner")
    beta = client.at("beta")
    theirs = Forge(
        derive(settings.secret_key.get_secret_value(), "access-token"),
        (await beta.login("owner"))["access_token"],
    )
    ours = Forge(theirs.key, tokens["access_token"])
    for changes in (
        {"sid": theirs.claims["sid"]},
        {"sid": theirs.claims["sid"], "sub": theirs.claims["sub"]},
    ):
        headers = {"Authorization": f"Bearer {ours.with_claims(**changes)}"}
        assert (await client.get(ME, headers=headers)).status == 401


async def test_what_is_no_access_token_opens_nothing(client, settings) -> None:
    tokens = await client.login("owner")
    secret = settings.secret_key.get_secret_value()
    for token in (tokens["refresh_token"], secret, "Bearer", derive(secret, "csrf").hex()):
        assert (await client.get(ME, headers={"Authorization": f"Bearer {token}"})).status == 401
