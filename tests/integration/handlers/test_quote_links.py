from __future__ import annotations

from urllib.parse import unquote

import pytest

from tests.support.stores import ApiClient, create_store


@pytest.fixture
async def quote(client: ApiClient) -> str:
    """The id of a sent quote of 20 sacks of cement for a customer with a telephone."""
    await client.login("owner")
    await client.json(
        "PATCH", "settings", {"settings": {"pix_key": "loja@example.com", "pix_city": "CAMPINAS"}}
    )
    product = await client.json(
        "POST",
        "products",
        {"sku": "CIM", "name": "Cimento CP II", "unit": "SC", "base_price": "38.90"},
        status=201,
    )
    customer = await client.json(
        "POST",
        "customers",
        {"kind": "person", "name": "João <b>Silva</b>", "phone": "19 99999-0000"},
        status=201,
    )
    body = {"customer_id": customer["id"], "items": [{"product_id": product["id"], "quantity": "20"}]}
    made = await client.json("POST", "quotes", body, status=201)
    await client.json("POST", f"quotes/{made['id']}/send", status=200)
    return made["id"]


async def test_a_customer_looks_at_a_quote_and_accepts_it_without_signing_in(
    client: ApiClient, quote: str
) -> None:
    shared = await client.json("POST", f"quotes/{quote}/share", {"days": 10}, status=201)
    assert shared["url"].endswith(f"/q/{shared['token']}")
    assert shared["whatsapp_url"].startswith("https://wa.me/5519999990000?text=")
    assert unquote(shared["whatsapp_url"]).count("COT-000001") == 1
    assert "R$ 778,00" in shared["whatsapp_text"].replace("\u00a0", " ")
    customer = client.at("yard")
    seen = await customer.json("GET", f"public/quotes/{shared['token']}", status=200)
    assert (seen["status"], seen["total"], seen["allowed_actions"]) == (
        "sent",
        "778.00",
        ["accept", "reject"],
    )
    assert seen["pix"].startswith("000201")
    assert "5406778.00" in seen["pix"]
    accepted = await customer.json("POST", f"public/quotes/{shared['token']}/accept", status=200)
    assert accepted["status"] == "approved"
    again = await customer.json("POST", f"public/quotes/{shared['token']}/accept", status=409)
    assert again["current_state"] == "approved"
    links = await client.json("GET", f"quotes/{quote}/links", status=200)
    assert links["items"][0]["views"] == 1
    assert links["items"][0]["first_seen_at"] is not None
    audit = await client.json("GET", f"audit?thing_id={quote}", status=200)
    assert "quote.accepted_online" in [entry["action"] for entry in audit["items"]]


async def test_a_link_that_is_unknown_taken_back_or_of_another_store_shows_nothing(
    client: ApiClient, quote: str, database
) -> None:
    await create_store(database, "rival")
    shared = await client.json("POST", f"quotes/{quote}/share", {}, status=201)
    customer = client.at("yard")
    assert (await customer.get(f"public/quotes/{shared['token'][:-1]}x")).status == 404
    assert (await client.at("rival").get(f"public/quotes/{shared['token']}")).status == 404
    assert (await customer.get(f"public/quotes/{shared['token']}")).status == 200
    assert (await client.post(f"quotes/{quote}/unshare")).status == 204
    for path in (f"/q/{shared['token']}", f"/api/v1/public/quotes/{shared['token']}/pdf"):
        assert (await customer.get(path)).status == 404


async def test_a_link_ends_with_its_time(client: ApiClient, quote: str, owner) -> None:
    shared = await client.json("POST", f"quotes/{quote}/share", {"days": 1}, status=201)
    await owner.execute("update quote_links set expires_at = now() - interval '1 second'")
    assert (await client.at("yard").get(f"public/quotes/{shared['token']}")).status == 404


async def test_a_draft_is_not_shared(client: ApiClient, quote: str) -> None:
    copy = await client.json("POST", f"quotes/{quote}/duplicate", status=201)
    refused = await client.json("POST", f"quotes/{copy['id']}/share", {}, status=409)
    assert refused["current_state"] == "draft"


async def test_the_page_escapes_what_people_wrote_and_its_buttons_answer(
    client: ApiClient, quote: str
) -> None:
    shared = await client.json("POST", f"quotes/{quote}/share", {}, status=201)
    customer = client.at("yard")
    page = await customer.get(f"/q/{shared['token']}")
    text = await page.text()
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<b>Silva</b>" not in text
    assert "&lt;b&gt;Silva" in text
    answer = await customer.post(f"/q/{shared['token']}/reject", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, f"/q/{shared['token']}")
    assert "recusado" in await (await customer.get(f"/q/{shared['token']}")).text()


async def test_the_pdf_is_one_and_carries_the_quote(client: ApiClient, quote: str) -> None:
    answer = await client.get(f"quotes/{quote}/pdf")
    content = await answer.read()
    assert answer.headers["Content-Type"] == "application/pdf"
    assert content.startswith(b"%PDF-")
    assert b"/Image" in content
    assert len(content) < 100_000


async def test_a_key_that_pix_cannot_have_costs_the_code_and_not_the_pdf(
    client: ApiClient, quote: str
) -> None:
    await client.json("PATCH", "settings", {"settings": {"pix_key": "日本"}})
    answer = await client.get(f"quotes/{quote}/pdf")
    assert (answer.status, answer.content_type) == (200, "application/pdf")
