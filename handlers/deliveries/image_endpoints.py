"""Photos and signatures of deliveries over HTTP."""

from __future__ import annotations

from uuid import UUID

from handlers.deliveries import pictures
from handlers.deliveries.models import ImageQuery, ImageView
from handlers.deliveries.rules import Caller
from handlers.delivery_states import WITH_IMAGES, delivery_conflict
from handlers.own_transactions import transaction, write_audit
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import ConflictError, NotFoundError, RefusedError
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="deliveries")

MAX_IMAGES = 20


@routes.post(
    "/deliveries/{delivery_id}/images",
    may="deliveries:drive",
    summary="Add a photo or a signature",
    transaction=False,
    query=ImageQuery,
    answers=ImageView,
    status=201,
    errors=(404, 409, 413, 415, 422),
)
async def add_delivery_image(call: Call[ImageQuery], delivery_id: UUID) -> Reply:
    """The body is the image itself: JPEG, PNG or WebP by its content, at most 5 MiB and 25 million pixels. It is made
    smaller and encoded anew, without its metadata. At most 20 a delivery."""
    async with transaction(call) as tx:
        await _check(tx, call, delivery_id)
    pictures.check_media_type(call.request)
    picture = await pictures.prepare(await pictures.read_image(call.request), call.query.kind)
    directory = pictures.directory_of(call.context.settings, call.identity.tenant_id)
    name = await pictures.keep(directory, picture)
    image_id = new_id()
    try:
        async with transaction(call) as tx:
            await tx.fetch_one(sql.lock_delivery, id=delivery_id)
            await _check(tx, call, delivery_id)
            await tx.execute(
                sql.insert_delivery_image,
                id=image_id,
                delivery_id=delivery_id,
                kind=call.query.kind,
                file_name=name,
                media_type=picture.media_type,
                width=picture.width,
                height=picture.height,
                size_bytes=len(picture.content),
            )
            shown = {"image": str(image_id), "kind": call.query.kind}
            await write_audit(call, tx, "delivery.image_added", "delivery", delivery_id, shown)
            created_at = tx.now
    except RefusedError:
        # After any other fault the commit may have happened, and a file too many does no harm.
        await pictures.drop(directory, [name])
        raise
    return Reply(
        {
            "id": str(image_id),
            "kind": call.query.kind,
            "media_type": picture.media_type,
            "width": picture.width,
            "height": picture.height,
            "size_bytes": len(picture.content),
            "created_at": created_at.isoformat(),
        }
    )


@routes.get(
    "/deliveries/{delivery_id}/images/{image_id}",
    may="deliveries:read",
    summary="Show an image",
    media="image/*",
)
async def get_delivery_image(call: Call, delivery_id: UUID, image_id: UUID) -> Reply:
    """`image/jpeg` or `image/png`; 404 in any other store."""
    row = await call.tx.fetch_one(sql.find_delivery_image, delivery_id=delivery_id, id=image_id)
    if row is None:
        raise NotFoundError
    Caller.of(call.identity).check_own(row["driver_id"])
    directory = pictures.directory_of(call.context.settings, call.identity.tenant_id)
    return Reply(
        await pictures.fetch(directory, row["file_name"]),
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
