"""A session with passwords, tokens, links and documents in it, and no line of any role's log that holds one of them."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import asyncpg

from runtime.data.database import Database
from runtime.settings import Settings
from tests.faults.process import Program
from tests.security.fuzz.site import At
from tests.support.stores import PASSWORD, ApiClient, Store

WRONG = "canary-wrong-password-81"
NEW = "canary tijolo na chuva 37"
CPF, CNPJ = "52998224725", "11222333000181"
HOOK = "https://user:canary-hook-secret@hooks.example.com/canary-path-token?token=canary-query-token"
CARD = "Bearer canary-bearer-0123456789"


async def test_no_log_of_any_role_tells_a_secret(
    settings: Settings, database: Database, store: Store, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    program = Program(settings, tmp_path / "program.log")
    await program.start()
    secrets = [PASSWORD, WRONG, NEW, CPF, CNPJ, "canary-hook-secret", "canary-bearer-0123456789"]
    try:
        async with aiohttp.ClientSession() as session:
            client = ApiClient(At(session, program.url), store.slug)
            tokens = await client.login("owner")
            secrets += [tokens["access_token"], tokens["refresh_token"]]
            json, post = client.json, client.post
            await post("auth/login", json={"email": "owner@yard.localhost", "password": WRONG})
            await post("auth/login", data=f'{{"password": "{WRONG}"'.encode())
            await post("auth/login", json={"email": "owner@yard.localhost", "password": {"x": WRONG}})
            await client.get("auth/me", headers={"Authorization": CARD})
            await client.get(f"products?q={CPF}")
            await client.get(f"nothing/{tokens['refresh_token']}?password={WRONG}")
            await client.get("auth/me", headers={"Cookie": f"basecommerce={tokens['access_token']}"})
            await client.get("auth/me", headers={"X-Edge-Auth": WRONG, "Idempotency-Key": NEW})
            user = {"email": "new@yard.localhost", "name": "New", "role": "seller", "password": NEW}
            made = await json("POST", "users", user, status=201)
            await json("POST", f"users/{made['id']}/reset-password", {"password": NEW}, status=200)
            for kind, document in (("person", CPF), ("company", CNPJ)):
                body = {"kind": kind, "name": f"{kind} canary", "document": document}
                await json("POST", "customers", body, status=201)
                await json("POST", "customers", {**body, "document": f"{document}9"})
            await json("POST", "customers", {"kind": "person", "name": "twice", "document": CPF})
            await json("POST", "webhooks", {"url": HOOK})
            refreshed = await json(
                "POST", "auth/refresh", {"refresh_token": tokens["refresh_token"]}, status=200
            )
            secrets += [refreshed["access_token"], refreshed["refresh_token"]]
            # Used twice, it is reported: without the token itself.
            await json("POST", "auth/refresh", {"refresh_token": tokens["refresh_token"]}, status=401)
        assert await program.terminate() == 0
    finally:
        program.stop()
    log = program.output()
    assert "refresh_token_reused" in log
    assert "login_failed" in log
    assert [secret for secret in secrets if secret in log] == []
    for header in ("authorization", "set-cookie"):
        assert header not in log.lower()
