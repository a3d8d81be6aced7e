from __future__ import annotations

import threading
from urllib.parse import unquote

import pytest
import redis.asyncio as redis
from aiohttp.test_utils import TestClient, TestServer

from handlers.quote_links import public, reading
from handlers.quote_links.document import QuoteDocument
from handlers.vertical import api_application
from runtime.host.ops import Readiness
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
    assert b"/Subtype /Image" in content
    assert len(content) < 100_000


async def test_documents_are_made_in_a_worker_thread_after_the_connection_is_given_back(
    client: ApiClient, quote: str, database, monkeypatch
) -> None:
    seen = []

    def watched(made):
        def make(*arguments):
            seen.append(
                (
                    made.__name__,
                    threading.current_thread() is threading.main_thread(),
                    database.connections[0],
                )
            )
            return made(*arguments)

        return make

    monkeypatch.setattr(reading, "render_pdf", watched(reading.render_pdf))
    monkeypatch.setattr(public, "render_page", watched(public.render_page))
    monkeypatch.setattr(QuoteDocument, "message", watched(QuoteDocument.message))
    shared = await client.json("POST", f"quotes/{quote}/share", {}, status=201)
    for path in (f"quotes/{quote}/pdf", f"/q/{shared['token']}", f"/q/{shared['token']}/pdf"):
        assert (await client.get(path)).status == 200
    assert seen == [
        ("message", False, 0),
        ("render_pdf", False, 0),
        ("render_page", False, 0),
        ("render_pdf", False, 0),
    ]


async def test_a_link_made_behind_tls_is_a_secure_one(
    client: ApiClient, quote: str, settings, database, redis_url
) -> None:
    behind = settings.model_copy(update={"trusted_proxies": ("127.0.0.1",)})
    connection = redis.Redis.from_url(redis_url)
    application = api_application(behind, database, connection, Readiness())
    secure = {"X-Forwarded-Proto": "https"}
    async with TestClient(TestServer(application)) as http:
        edge = ApiClient(http, "yard")
        edge.headers |= {"Authorization": client.headers["Authorization"], **secure}
        shared = await edge.json("POST", f"quotes/{quote}/share", {}, status=201)
    await connection.aclose()
    assert shared["url"].startswith("https://yard.localhost/q/")
    assert shared["url"] in shared["whatsapp_text"]
    stranger = await client.post(f"quotes/{quote}/share", json={}, headers=secure)
    assert (await stranger.json())["url"].startswith("http://")


async def test_what_is_sold_in_boxes_is_shown_in_boxes_and_in_what_they_hold(client: ApiClient) -> None:
    await client.login("owner")
    body = {"sku": "PISO", "name": "Piso 60x60", "unit": "M2", "base_price": "39.90"}
    boxes = {"unit_conversions": [{"unit": "CX", "quantity": "2.32"}]}
    product = await client.json("POST", "products", body | boxes, status=201)
    customer = await client.json("POST", "customers", {"kind": "person", "name": "Ana"}, status=201)
    items = [{"product_id": product["id"], "quantity": "5", "unit": "CX"}]
    made = await client.json("POST", "quotes", {"customer_id": customer["id"], "items": items}, status=201)
    await client.json("POST", f"quotes/{made['id']}/send", status=200)
    shared = await client.json("POST", f"quotes/{made['id']}/share", status=201)
    text = shared["whatsapp_text"].replace("\u00a0", " ")
    assert "• 5 CX (11,6 M2) Piso 60x60: R$ 462,84" in text
    seen = await client.json("GET", f"public/quotes/{shared['token']}", status=200)
    [item] = seen["items"]
    assert (item["unit"], item["stock_quantity"], item["price_unit"]) == ("CX", "11.600", "M2")
    page = await client.get(f"/q/{shared['token']}")
    html = (await page.text()).replace("\u00a0", " ")
    assert "<td>5 CX (11,6 M2)<td>R$ 39,90/M2<td>R$ 462,84" in html
