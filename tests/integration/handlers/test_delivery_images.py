"""Photos and signatures: taken as what they are, made anew, and shown to their own store only."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import pytest
from PIL import Image

from handlers.deliveries.models import ImageView
from handlers.pictures import MAX_IMAGE
from tests.support.delivering import Depot, other_store_client


def picture(kind: str = "JPEG", size: tuple[int, int] = (80, 60), **options) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(written, kind, **options)
    return written.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def png(width: int, height: int, data: bytes = b"") -> bytes:
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def kept(directory: Path) -> list[Path]:
    return list(directory.iterdir()) if directory.exists() else []


async def send(client, delivery, data, kind: str = "photo", content_type: str = "image/jpeg"):
    return await client.post(
        f"deliveries/{delivery['id']}/images?kind={kind}", data=data, headers={"Content-Type": content_type}
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_an_image_is_encoded_anew_and_shown(depot: Depot, settings, kind: str) -> None:
    delivery = await depot.on_the_road()
    secret = b"GPS -22.905 <script>"
    exif = Image.Exif()
    exif[0x010E] = secret.decode()
    sent = picture(kind, (3000, 1500), exif=exif) + secret
    answer = await send(depot.driver, delivery, sent, content_type=f"image/{kind.lower()}")
    made = await answer.json()
    assert answer.status == 201, made
    ImageView.model_validate(made)
    assert (made["media_type"], made["width"], made["height"]) == ("image/jpeg", 2048, 1024)
    shown = await depot.api.get(f"deliveries/{delivery['id']}/images/{made['id']}")
    content = await shown.read()
    assert (shown.status, shown.content_type) == (200, "image/jpeg")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert content.startswith(b"\xff\xd8\xff")
    assert secret not in content
    assert Image.open(io.BytesIO(content)).size == (2048, 1024)
    [path] = kept(settings.home / "files" / str(depot.store.id))
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o077 == 0
    assert [one["id"] for one in (await depot.api.json("GET", f"deliveries/{delivery['id']}"))["images"]] == [
        made["id"]
    ]


async def test_a_signature_is_dark_on_white(depot: Depot) -> None:
    delivery = await depot.on_the_road()
    drawn = io.BytesIO()
    Image.new("RGBA", (60, 20), (0, 0, 0, 0)).save(drawn, "PNG")
    made = await (await send(depot.driver, delivery, drawn.getvalue(), "signature", "image/png")).json()
    shown = await depot.driver.get(f"deliveries/{delivery['id']}/images/{made['id']}")
    image = Image.open(io.BytesIO(await shown.read()))
    assert (image.format, image.convert("RGB").getpixel((5, 5))) == ("PNG", (255, 255, 255))


@pytest.mark.parametrize(
    ("data", "content_type", "status", "code"),
    [
        (b"", "image/jpeg", 422, "empty"),
        (b"<svg onload=alert(1)>", "image/png", 422, "not_an_image"),
        (b"<html><script>alert(1)</script>", "image/jpeg", 422, "not_an_image"),
        (b"GIF89a" + b"\0" * 50, "image/jpeg", 422, "not_an_image"),
        (b"%PDF-1.7", "image/jpeg", 422, "not_an_image"),
        (b"\xff\xd8\xff" + b"<?php system($_GET[0]); ?>" * 9, "image/jpeg", 422, "not_an_image"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp", 422, "not_an_image"),
        (picture()[:300], "image/jpeg", 422, "not_an_image"),
        (png(60_000, 60_000), "image/png", 422, "too_many_pixels"),
        (png(6_000, 6_000), "image/png", 422, "too_many_pixels"),
        (png(5_000, 1), "image/png", 422, "too_many_pixels"),
        (png(100, 100), "image/png", 422, "not_an_image"),
        (io.BytesIO(b"\xff\xd8\xff" + b"\0" * MAX_IMAGE), "image/jpeg", 413, "too_large"),
        (picture(), "application/json", 415, "media_type"),
        (picture(), "image/svg+xml", 415, "media_type"),
        (picture(), "text/html", 415, "media_type"),
    ],
)
async def test_what_is_no_image_to_be_taken_is_refused_and_leaves_nothing(
    depot: Depot, settings, data, content_type: str, status: int, code: str
) -> None:
    delivery = await depot.on_the_road()
    answer = await send(depot.driver, delivery, data, content_type=content_type)
    assert (answer.status, (await answer.json(content_type=None))["code"]) == (status, code)
    assert kept(settings.home / "files" / str(depot.store.id)) == []
    assert await depot.owner.fetchval("select count(*) from delivery_images") == 0


async def test_a_body_that_does_not_say_its_length_is_cut_off(depot: Depot) -> None:
    delivery = await depot.on_the_road()

    async def endless():
        for _ in range(MAX_IMAGE // 65536 + 3):
            yield b"\xff" * 65536

    answer = await send(depot.driver, delivery, endless())
    assert answer.status == 413


async def test_images_belong_to_their_store_and_their_driver(depot: Depot, client, database) -> None:
    delivery = await depot.on_the_road()
    made = await (await send(depot.driver, delivery, picture())).json()
    path = f"deliveries/{delivery['id']}/images/{made['id']}"
    other = await other_store_client(client, database)
    assert (await other.get(path)).status == 404
    assert (await send(other, delivery, picture())).status == 404
    assert (await depot.second.get(path)).status == 403
    assert (await send(depot.second, delivery, picture())).status == 403
    assert (await client.at(depot.store.slug).get(path)).status == 401
    [planned] = await depot.deliveries(await depot.order())
    assert (await depot.api.get(f"deliveries/{planned['id']}/images/{made['id']}")).status == 404
    assert (await send(depot.api, planned, picture())).status == 409


async def test_a_delivery_has_twenty_images_at_most(depot: Depot) -> None:
    delivery = await depot.on_the_road()
    for _ in range(20):
        assert (await send(depot.driver, delivery, picture())).status == 201
    answer = await send(depot.driver, delivery, picture())
    assert (answer.status, (await answer.json())["code"]) == (409, "too_many_images")


async def test_forgetting_a_customer_takes_proofs_and_images_away(
    depot: Depot, settings, delete_files
) -> None:
    delivery = await depot.on_the_road()
    assert (await send(depot.driver, delivery, picture())).status == 201
    proof = {"receiver_name": "João", "receiver_document": "123", "latitude": -22.9, "longitude": -47.0}
    await depot.driver.json("POST", f"deliveries/{delivery['id']}/deliver", proof, status=200)
    held = await depot.api.json("GET", f"customers/{depot.customer}/personal-data", status=200)
    assert (held["deliveries"][0]["receiver_name"], held["deliveries"][0]["images"]) == ("João", 1)
    await depot.api.json("POST", f"customers/{depot.customer}/anonymise", status=204)
    shown = await depot.api.json("GET", f"deliveries/{delivery['id']}", status=200)
    assert (shown["proof"]["receiver_name"], shown["proof"]["latitude"], shown["images"]) == (None, None, [])
    assert await delete_files() == 1
    assert kept(settings.home / "files" / str(depot.store.id)) == []


async def test_an_image_sent_again_under_its_key_is_kept_once(depot: Depot, settings, delete_files) -> None:
    delivery = await depot.on_the_road()
    path, data = f"deliveries/{delivery['id']}/images?kind=photo", picture()
    headers = {"Content-Type": "image/jpeg", "Idempotency-Key": "photo-1"}
    first = await depot.driver.post(path, data=data, headers=headers)
    again = await depot.driver.post(path, data=data, headers=headers)
    assert (first.status, again.status, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert await first.json() == await again.json()
    other = await depot.driver.post(path, data=picture(size=(10, 10)), headers=headers)
    assert (other.status, (await other.json())["errors"][0]["code"]) == (422, "idempotency_key_reused")
    assert await delete_files(an_hour_later=True) == 2
    assert len(kept(settings.home / "files" / str(depot.store.id))) == 1
    assert await depot.owner.fetchval("select count(*) from delivery_images") == 1
    actions = await depot.owner.fetch("select action from audit_log where action = 'delivery.image_added'")
    assert len(actions) == 1
