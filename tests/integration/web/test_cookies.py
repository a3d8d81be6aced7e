"""Pages sign in with a cookie; what other origins send with it, sibling stores' included, is refused."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest

from runtime.web.application import CONTEXT
from runtime.web.cookies import COOKIE, LOCAL_COOKIE
from tests.support.stores import PASSWORD, ApiClient, create_store

LOGIN = {"email": "owner@yard.localhost", "password": PASSWORD}
OWN = {"Origin": "http://yard.localhost", "Sec-Fetch-Site": "same-origin"}
CUSTOMER = {"kind": "person", "name": "Maria"}


async def sign_in(client: ApiClient, **headers: str):
    return await client.post("auth/cookie", json=LOGIN, headers={**OWN, **headers})


@pytest.fixture
async def page(client: ApiClient) -> ApiClient:
    """A client with the cookie of a page of the store's owner; ``csrf`` is the header its unsafe requests carry."""
    answer = await sign_in(client)
    assert answer.status == 200, await answer.text()
    cookie = SimpleCookie(answer.headers["Set-Cookie"])[LOCAL_COOKIE]
    client.headers["Cookie"] = f"{LOCAL_COOKIE}={cookie.value}"
    client.csrf = {"X-CSRF-Token": (await answer.json())["csrf_token"]}
    client._http.session.cookie_jar.clear()
    return client


async def test_a_page_is_given_a_cookie_that_scripts_cannot_read_and_no_token(client) -> None:
    answer = await sign_in(client)
    cookie = SimpleCookie(answer.headers["Set-Cookie"])[LOCAL_COOKIE]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")
    assert sorted(await answer.json()) == ["csrf_token", "expires_in"]


async def test_behind_tls_the_cookie_is_bound_to_its_host(client, settings, monkeypatch) -> None:
    peers = client._http.server.app[CONTEXT].tenancy.peers
    monkeypatch.setattr(peers, "is_trusted", lambda _request: True)
    tls = {"X-Forwarded-Proto": "https", "Origin": "https://yard.localhost"}
    answer = await sign_in(client, **tls)
    cookie = SimpleCookie(answer.headers["Set-Cookie"])[COOKIE]
    assert cookie["secure"]
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    me = await client.get("auth/me", headers={"Cookie": f"{COOKIE}={cookie.value}"})
    assert me.status == 200


async def test_a_page_works_with_its_cookie(page) -> None:
    assert (await page.get("auth/me")).status == 200
    made = await page.post("customers", json=CUSTOMER, headers={**OWN, **page.csrf})
    assert made.status == 201
    again = await page.json("GET", "auth/csrf", status=200)
    assert again == {"csrf_token": page.csrf["X-CSRF-Token"]}


@pytest.mark.parametrize(
    "sent",
    [
        {},  # neither says where it comes from
        {"Origin": "http://beta.localhost"},  # another store under the same domain
        {"Origin": "http://beta.localhost", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://yard.localhost", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://yard.localhost"},  # another scheme is another origin
        {"Origin": "http://yard.localhost:8080"},
        {"Origin": "http://yard.localhost.evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_a_change_that_no_page_of_the_store_asked_for_is_refused(page, owner, sent) -> None:
    """Also when the token was got hold of somehow: each of the two guards is enough by itself."""
    answer = await page.post("customers", json=CUSTOMER, headers={**sent, **page.csrf})
    assert (answer.status, (await answer.json())["code"]) == (403, "csrf")
    assert await owner.fetchval("select count(*) from customers") == 0


@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"])
async def test_a_change_without_the_sessions_csrf_token_is_refused(page, token) -> None:
    headers = OWN if token is None else {**OWN, "X-CSRF-Token": token}
    answer = await page.post("customers", json=CUSTOMER, headers=headers)
    assert (answer.status, (await answer.json())["code"]) == (403, "csrf")


async def test_a_csrf_token_is_good_for_its_own_session_only(page, client) -> None:
    other = await (await sign_in(client.at("yard"))).json()
    client._http.session.cookie_jar.clear()
    answer = await page.post("customers", json=CUSTOMER, headers={**OWN, "X-CSRF-Token": other["csrf_token"]})
    assert answer.status == 403


async def test_another_origin_cannot_have_a_page_signed_in(client) -> None:
    """Or it would have the victim work in the attacker's account."""
    for headers in ({"Origin": "http://beta.localhost", "Sec-Fetch-Site": "same-site"}, {"Origin": "null"}):
        answer = await sign_in(client, **headers)
        assert answer.status == 403
        assert "Set-Cookie" not in answer.headers
    assert (await client.post("auth/cookie", json=LOGIN)).status == 403


async def test_what_other_origins_embed_is_not_read_with_the_cookie_but_links_work(page) -> None:
    embedded = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}
    assert (await page.get("customers", headers=embedded)).status == 403
    followed = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"}
    assert (await page.get("customers", headers=followed)).status == 200


async def test_a_siblings_cookie_is_of_no_use(page, client, database) -> None:
    """Of the plain name a sibling could plant one; the tenant in it is still the sibling's own."""
    await create_store(database, "beta")
    beta = client.at("beta")
    answer = await beta.get("auth/me", headers={"Cookie": page.headers["Cookie"]})
    assert (answer.status, (await answer.json())["code"]) == (403, "tenant_mismatch")


async def test_the_plain_name_counts_on_localhost_only(page) -> None:
    answer = await page.get("auth/me", headers={"Host": "shop.example.com"})
    assert answer.status == 401


async def test_signing_out_ends_the_session_and_clears_the_cookie(page) -> None:
    answer = await page.post("auth/logout", headers={**OWN, **page.csrf})
    assert answer.status == 204
    assert SimpleCookie(answer.headers["Set-Cookie"])[LOCAL_COOKIE]["max-age"] == "0"
    assert (await page.get("auth/me")).status == 401


async def test_nobody_is_signed_out_by_another_page(page) -> None:
    assert (await page.post("auth/logout", headers={"Origin": "http://beta.localhost"})).status == 403
    assert (await page.get("auth/me")).status == 200


async def test_a_bearer_token_needs_none_of_this(client) -> None:
    await client.login("owner")
    answer = await client.post("customers", json=CUSTOMER, headers={"Origin": "http://beta.localhost"})
    assert answer.status == 201
