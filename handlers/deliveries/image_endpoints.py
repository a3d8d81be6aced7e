"""Photos and signatures of deliveries over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from handlers import kept_files, pictures
from handlers.deliveries.models import ImageQuery, ImageView
from handlers.deliveries.rules import Caller
from handlers.delivery_states import WITH_IMAGES, delivery_conflict
from handlers.own_transactions import transaction
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import ConflictError, NotFoundError
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="deliveries")

MAX_IMAGES = 20


@dataclass(frozen=True, slots=True)
class _Kept:
    """An image whose file is written; it belongs to nothing until its row is."""

    picture: pictures.Picture
    name: str


async def _keep(call: Call[ImageQuery], delivery_id: UUID) -> _Kept:
    """Read the image, make it anew and write its file: no transaction waits for the sender or for the file."""
    async with transaction(call) as tx:
        await _check(tx, call, delivery_id)
    pictures.check_media_type(call.request)
    call.content = await pictures.read_image(call.request)
    picture = await pictures.prepare(call.content, call.query.kind)
    return _Kept(picture, await kept_files.write(call, picture))


@routes.post(
    "/deliveries/{delivery_id}/images",
    may="deliveries:drive",
    summary="Add a photo or a signature",
    prepare=_keep,
    takes=pictures.MEDIA_TYPES,
    query=ImageQuery,
    answers=ImageView,
    status=201,
    errors=(404, 409, 413, 415, 422),
)
async def add_delivery_image(call: Call[ImageQuery], delivery_id: UUID) -> Reply:
    """The body is the image itself: JPEG, PNG or WebP by its content, at most 5 MiB and 25 million pixels. It is made
    smaller and encoded anew, without its metadata. At most 20 a delivery."""
    kept: _Kept = call.prepared
    picture, image_id = kept.picture, new_id()
    await call.tx.fetch_one(sql.lock_delivery, id=delivery_id)
    await _check(call.tx, call, delivery_id)
    await kept_files.keep(call.tx, kept.name)
    await call.tx.execute(
        sql.insert_delivery_image,
        id=image_id,
        delivery_id=delivery_id,
        kind=call.query.kind,
        file_name=kept.name,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        size_bytes=len(picture.content),
    )
    call.audit(
        "delivery.image_added",
        "delivery",
        delivery_id,
        after={"image": str(image_id), "kind": call.query.kind},
    )
    return Reply(
        {
            "id": str(image_id),
            "kind": call.query.kind,
            "media_type": picture.media_type,
            "width": picture.width,
            "height": picture.height,
            "size_bytes": len(picture.content),
            "created_at": call.tx.now.isoformat(),
        }
    )


@routes.get(
    "/deliveries/{delivery_id}/images/{image_id}",
    may="deliveries:read",
    transaction=False,
    summary="Show an image",
    media="image/*",
)
async def get_delivery_image(call: Call, delivery_id: UUID, image_id: UUID) -> Reply:
    """`image/jpeg` or `image/png`; 404 in any other store."""
    async with transaction(call) as tx:
        row = await tx.fetch_one(sql.find_delivery_image, delivery_id=delivery_id, id=image_id)
    if row is None:
        raise NotFoundError
    Caller.of(call.identity).check_own(row["driver_id"])
    try:
        content = await call.context.files.get(call.identity.tenant_id, row["file_name"])
    except FileNotFoundError:
        raise NotFoundError from None
    return Reply(
        content,
        headers={"Content-Type": row["media_type"], "Content-Disposition": "inline"},
    )


async def _check(tx: TenantTransaction, call: Call[ImageQuery], delivery_id: UUID) -> None:
    row = await tx.fetch_one(sql.find_delivery, id=delivery_id)
    if row is None:
        raise NotFoundError
    Caller.of(call.identity).check_own(row["driver_id"])
    if row["status"] not in WITH_IMAGES:
        raise delivery_conflict(row["status"], "add_image", call.identity.permissions)
    if await tx.fetch_value(sql.count_delivery_images, delivery_id=delivery_id) >= MAX_IMAGES:
        raise ConflictError(
            "too_many_images",
            f"A delivery has at most {MAX_IMAGES} images.",
            f"Uma entrega tem no máximo {MAX_IMAGES} imagens.",
        )
