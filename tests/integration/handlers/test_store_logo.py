"""A store's logo: taken as an image, shown on its quotes only, and gone without a trace when it is replaced."""

from __future__ import annotations

import io
import re
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.stores import ApiClient, Store, create_store

LOGO = "settings/logo"


def drawn(size: tuple[int, int] = (90, 30), mode: str = "RGB", form: str = "PNG") -> bytes:
    written = io.BytesIO()
    Image.new(mode, size).save(written, form)
    return written.getvalue()


async def put(client: ApiClient, data: Any, content_type: str = "image/png") -> Any:
    return await client.put(LOGO, data=data, headers={"Content-Type": content_type})


@pytest.fixture
async def boss(client: ApiClient) -> ApiClient:
    await client.login("owner")
    return client


@pytest.fixture
def kept(settings, store: Store) -> Any:
    directory = settings.home / "files" / str(store.id)

    def listed() -> list[Path]:
        return list(directory.iterdir()) if directory.exists() else []

    return listed


@pytest.fixture
async def link(boss: ApiClient) -> str:
    """The address of a sent quote's page."""
    product = {"sku": "CIM", "name": "Cimento", "unit": "SC", "base_price": "38.90"}
    made = await boss.json("POST", "products", product, status=201)
    person = await boss.json("POST", "customers", {"kind": "person", "name": "João"}, status=201)
    body = {"customer_id": person["id"], "items": [{"product_id": made["id"], "quantity": "2"}]}
    quote = await boss.json("POST", "quotes", body, status=201)
    await boss.json("POST", f"quotes/{quote['id']}/send", status=200)
    shared = await boss.json("POST", f"quotes/{quote['id']}/share", {}, status=201)
    return f"/q/{shared['token']}"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
async def test_a_logo_is_made_smaller_and_encoded_anew(boss: ApiClient, kept, form: str) -> None:
    answer = await put(boss, drawn((1600, 400), form=form) + b"<script>", f"image/{form.lower()}")
    made = await answer.json()
    assert (answer.status, made["media_type"], made["width"], made["height"]) == (200, "image/png", 640, 160)
    shown = await boss.get(LOGO)
    content = await shown.read()
    assert (shown.content_type, len(content)) == ("image/png", made["size_bytes"])
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert b"<script>" not in content
    [file] = kept()
    assert file.read_bytes() == content


async def test_what_was_transparent_is_white(boss: ApiClient) -> None:
    assert (await put(boss, drawn(mode="RGBA"))).status == 200
    image = Image.open(io.BytesIO(await (await boss.get(LOGO)).read()))
    assert image.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("data", "content_type", "status", "code"),
    [
        (b"", "image/png", 422, "empty"),
        (b"<svg onload=alert(1)>", "image/png", 422, "not_an_image"),
        (b"<svg onload=alert(1)>", "image/svg+xml", 415, "media_type"),
        (drawn((6000, 6000), mode="1"), "image/png", 422, "too_many_pixels"),
        (io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"\0" * 5 * 1024 * 1024), "image/png", 413, "too_large"),
    ],
)
async def test_what_is_no_logo_is_refused_and_the_former_one_stays(
    boss: ApiClient, kept, data: Any, content_type: str, status: int, code: str
) -> None:
    assert (await put(boss, drawn())).status == 200
    before = kept()
    answer = await put(boss, data, content_type)
    assert (answer.status, (await answer.json(content_type=None))["code"]) == (status, code)
    assert kept() == before


async def test_a_replaced_logo_and_a_removed_one_leave_no_file_and_are_audited(
    boss: ApiClient, kept, delete_files
) -> None:
    assert (await boss.get(LOGO)).status == 404
    assert (await boss.delete(LOGO)).status == 404
    for size in ((90, 30), (40, 40)):
        assert (await put(boss, drawn(size))).status == 200
    assert await delete_files() == 1
    [file] = kept()
    assert Image.open(io.BytesIO(file.read_bytes())).size == (40, 40)
    assert (await boss.delete(LOGO)).status == 204
    assert await delete_files() == 1
    assert kept() == []
    assert (await boss.get(LOGO)).status == 404
    said = (await boss.json("GET", "audit", status=200))["items"][:3]
    assert [entry["action"] for entry in said] == [
        "settings.logo_removed",
        "settings.logo_changed",
        "settings.logo_changed",
    ]
    assert (said[1]["before"]["width"], said[1]["after"]["width"]) == (90, 40)


async def test_only_the_owner_sets_it_and_no_other_store_sees_it(
    boss: ApiClient, client: ApiClient, database
) -> None:
    assert (await put(boss, drawn())).status == 200
    seller = client.at("yard")
    await seller.login("seller")
    assert (await put(seller, drawn())).status == 403
    assert (await seller.delete(LOGO)).status == 403
    assert (await boss.get(LOGO)).status == 200
    await create_store(database, "other")
    other = client.at("other")
    await other.login("owner")
    assert (await other.get(LOGO)).status == 404
    assert (await client.at("yard").get(LOGO)).status == 401


async def test_the_page_shows_it_from_under_its_own_link_as_long_as_that_is_good(
    boss: ApiClient, client: ApiClient, link: str
) -> None:
    customer = client.at("yard")
    assert "/logo" not in await (await customer.get(link)).text()
    assert (await customer.get(f"{link}/logo")).status == 404
    assert (await put(boss, drawn())).status == 200
    page = await customer.get(link)
    assert f"src='{link}/logo'" in await page.text()
    assert "img-src 'self' data:" in page.headers["Content-Security-Policy"]
    shown = await customer.get(f"{link}/logo")
    assert (shown.status, shown.content_type) == (200, "image/png")
    assert (await customer.get(f"/q/{'0' * 48}/logo")).status == 404
    quote = (await boss.json("GET", "quotes", status=200))["items"][0]["id"]
    await boss.json("POST", f"quotes/{quote}/unshare", status=204)
    assert (await customer.get(f"{link}/logo")).status == 404


@pytest.mark.parametrize(("size", "width", "height"), [((640, 64), 60.0, 6.0), ((64, 640), 2.0, 20.0)])
async def test_the_pdf_shows_it_in_its_box_with_its_own_proportions(
    boss: ApiClient, client: ApiClient, link: str, size, width: float, height: float
) -> None:
    customer = client.at("yard")
    assert b"/Subtype /Image" not in await (await customer.get(f"{link}/pdf")).read()
    assert (await put(boss, drawn(size))).status == 200
    placed = _image_of(await (await customer.get(f"{link}/pdf")).read())
    assert placed == pytest.approx((width, height), abs=0.1)


async def test_a_logo_whose_file_is_gone_does_not_keep_a_customer_from_the_quote(
    boss: ApiClient, client: ApiClient, link: str, kept
) -> None:
    assert (await put(boss, drawn())).status == 200
    [file] = kept()
    file.unlink()
    customer = client.at("yard")
    assert (await customer.get(f"{link}/pdf")).status == 200
    assert (await customer.get(link)).status == 200
    assert (await customer.get(f"{link}/logo")).status == 404


def _image_of(pdf: bytes) -> tuple[float, float]:
    """Width and height in millimetres of the first image that a PDF places."""
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            text = zlib.decompress(stream)
        except zlib.error:
            continue
        if found := re.search(rb"q ([\d.]+) 0 0 ([\d.]+) [\d. ]+ cm /I\d+ Do", text):
            return float(found[1]) / 72 * 25.4, float(found[2]) / 72 * 25.4
    raise AssertionError("the PDF places no image")
