"""The logo that a store shows on its quotes: kept as its own file, never fetched from elsewhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from handlers import kept_files, pictures
from handlers.own_transactions import transaction
from runtime.data.files import Files
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import NotFoundError, RetryLaterError
from runtime.host.logs import get_logger
from runtime.web.call import Call, Reply
from runtime.web.fields import View
from runtime.web.routing import Routes

routes = Routes(tag="settings")

log = get_logger(__name__)


class LogoView(View):
    """A logo as it is kept; pixels and bytes."""

    media_type: str
    width: int
    height: int
    size_bytes: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Logo:
    """Where a store's logo lies, and its size in pixels."""

    file_name: str
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _Kept:
    """A logo whose file is written; nobody sees it until its row is."""

    picture: pictures.Picture
    name: str


async def find_logo(tx: TenantTransaction) -> Logo | None:
    """The store's logo, if it has one."""
    row = await tx.fetch_one(sql.find_store_logo)
    if row is None:
        return None
    return Logo(row["file_name"], row["media_type"], row["width"], row["height"])


async def read_logo(files: Files, tenant_id: UUID, logo: Logo | None) -> bytes | None:
    """The image; None without one, or when it cannot be had now: a document without its logo is better than none."""
    if logo is None:
        return None
    try:
        return await files.get(tenant_id, logo.file_name)
    except (FileNotFoundError, RetryLaterError):
        log.warning("logo_missing", tenant_id=str(tenant_id), file_name=logo.file_name)
        return None


async def logo_reply(files: Files, tenant_id: UUID, logo: Logo | None) -> Reply:
    """The image itself; 404 without one."""
    if logo is None:
        raise NotFoundError
    try:
        content = await files.get(tenant_id, logo.file_name)
    except FileNotFoundError:
        raise NotFoundError from None
    return Reply(content, headers={"Content-Type": logo.media_type, "Content-Disposition": "inline"})


async def _keep(call: Call) -> _Kept:
    """Read the image, make it anew and write its file: no transaction waits for the sender or for the file."""
    pictures.check_media_type(call.request)
    call.content = await pictures.read_image(call.request)
    picture = await pictures.prepare(call.content, "logo")
    return _Kept(picture, await kept_files.write(call, picture))


@routes.put(
    "/settings/logo",
    may="settings:update",
    summary="Set the store's logo",
    prepare=_keep,
    takes=pictures.MEDIA_TYPES,
    answers=LogoView,
    errors=(413, 415, 422),
)
async def put_logo(call: Call) -> Reply:
    """The body is the image itself: JPEG, PNG or WebP by its content, at most 5 MiB and 25 million pixels. It is fitted
    into 640 × 640 pixels on white and kept as PNG; quotes show it on their page and in their PDF from then on."""
    kept: _Kept = call.prepared
    picture = kept.picture
    former = await _former(call.tx)
    await kept_files.keep(call.tx, kept.name)
    await call.tx.execute(
        sql.put_store_logo,
        file_name=kept.name,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        size_bytes=len(picture.content),
    )
    call.audit(
        "settings.logo_changed",
        "settings",
        None,
        before=None if former is None else asdict(former),
        after=asdict(Logo(kept.name, picture.media_type, picture.width, picture.height)),
    )
    if former is not None:
        await kept_files.give_up(call.tx, [former.file_name])
    return Reply(
        {
            "media_type": picture.media_type,
            "width": picture.width,
            "height": picture.height,
            "size_bytes": len(picture.content),
            "created_at": call.tx.now.isoformat(),
        }
    )


@routes.get(
    "/settings/logo",
    may="settings:read",
    transaction=False,
    summary="The store's logo",
    media="image/*",
)
async def get_logo(call: Call) -> Reply:
    """The image as it is kept, `image/png`; 404 without one."""
    async with transaction(call) as tx:
        logo = await find_logo(tx)
    return await logo_reply(call.context.files, call.tenant.id, logo)


@routes.delete(
    "/settings/logo",
    may="settings:update",
    summary="Take the store's logo away",
    status=204,
)
async def delete_logo(call: Call) -> Reply:
    """Quotes show the store's name alone again; 404 without a logo."""
    former = await _former(call.tx)
    if former is None:
        raise NotFoundError
    await call.tx.execute(sql.delete_store_logo)
    call.audit("settings.logo_removed", "settings", None, before=asdict(former))
    await kept_files.give_up(call.tx, [former.file_name])
    return Reply(None, status=204)


async def _former(tx: TenantTransaction) -> Logo | None:
    """The logo to be replaced, one request after the other: two at once would leave a file that nobody names."""
    await tx.fetch_one(sql.lock_store_settings)
    return await find_logo(tx)
