"""Images that people send, photos, signatures and logos: read as what they are, made smaller, written anew.

Nothing of what was sent is stored as it came: the pixels are decoded and encoded again, so that neither a file that
is two things at once nor the position in a photo's metadata is handed on.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import anyio
import anyio.to_thread
from aiohttp import web

from runtime.errors import RefusedError

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_IMAGE = 5 * 1024 * 1024
MAX_PIXELS = 25_000_000
MAX_RATIO = 50

Kind = Literal["photo", "signature", "logo"]

# By kind the longest side in pixels and the form; a logo's suffice for 60 mm on paper.
_KEPT: Mapping[Kind, tuple[int, Literal["JPEG", "PNG"]]] = {
    "photo": (2048, "JPEG"),
    "signature": (2048, "PNG"),
    "logo": (640, "PNG"),
}

_MAGIC = ((b"\xff\xd8\xff", "JPEG"), (b"\x89PNG\r\n\x1a\n", "PNG"))
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp")

# 25 million pixels take 100 MB while they are decoded.
_DECODING = anyio.CapacityLimiter(2)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as it is kept."""

    content: bytes
    media_type: Literal["image/jpeg", "image/png"]
    width: int
    height: int

    @property
    def suffix(self) -> str:
        """The ending of its file's name."""
        return "jpg" if self.media_type == "image/jpeg" else "png"


def check_media_type(request: web.Request) -> None:
    """415 unless the request says that its body is an image we take."""
    if request.content_type not in MEDIA_TYPES:
        raise RefusedError(
            "media_type",
            "The body has to be a JPEG, PNG or WebP image.",
            "O corpo deve ser uma imagem JPEG, PNG ou WebP.",
            415,
        )
    length = request.content_length
    if length is not None and length > MAX_IMAGE:
        raise _too_large()


async def read_image(request: web.Request) -> bytes:
    """The body; 413 above 5 MiB, 422 when there is none."""
    data = bytearray()
    async for part in request.content.iter_chunked(1 << 16):
        data += part
        if len(data) > MAX_IMAGE:
            raise _too_large()
    if not data:
        raise _refused("empty", "There is no image in the request.", "Não há imagem na requisição.")
    return bytes(data)


async def prepare(data: bytes, kind: Kind) -> Picture:
    """The image as it will be kept; 422 when the bytes are not an image that can be taken."""
    return await anyio.to_thread.run_sync(encode_anew, data, kind, limiter=_DECODING)


def encode_anew(data: bytes, kind: Kind) -> Picture:
    """Decode, turn upright, fit into the square of the kind and encode: photos as JPEG, what is drawn as PNG."""
    from PIL import Image as Images
    from PIL import ImageOps, UnidentifiedImageError

    expected = _format_of(data)
    side, form = _KEPT[kind]
    try:
        with Images.open(io.BytesIO(data), formats=(expected,)) as opened:
            width, height = opened.size
            _check_size(width, height)
            if expected == "JPEG":
                opened.draft("RGB", (side, side))
            upright = ImageOps.exif_transpose(opened)
            upright.thumbnail((side, side))
            flat = _on_white(upright)
    except (Images.DecompressionBombError, Images.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except RefusedError:
        raise
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,
        ValueError,
        TypeError,
        IndexError,
        KeyError,
        OverflowError,
        EOFError,
        MemoryError,
    ):
        # Each of Pillow's readers has its own way to say that a file is broken.
        raise _not_an_image() from None
    written = io.BytesIO()
    if form == "PNG":
        flat.save(written, "PNG", optimize=True)
        return Picture(written.getvalue(), "image/png", *flat.size)
    flat.save(written, "JPEG", quality=82)
    return Picture(written.getvalue(), "image/jpeg", *flat.size)


def file_name(picture: Picture) -> str:
    """A name for a new file that nobody can guess."""
    return f"{secrets.token_hex(24)}.{picture.suffix}"


def _format_of(data: bytes) -> str:
    """What the first bytes say, whatever the request called it."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    raise _not_an_image()


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_RATIO * min(width, height):
        raise _too_many_pixels()


def _on_white(image: Image) -> Image:
    """Plain colours: what was transparent is white, as the paper it is printed on."""
    from PIL import Image as Images

    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        seen = image.convert("RGBA")
        paper = Images.new("RGB", seen.size, "white")
        paper.paste(seen, mask=seen.getchannel("A"))
        return paper
    return image.convert("RGB")


def _not_an_image() -> RefusedError:
    return _refused(
        "not_an_image",
        "The content is not a readable JPEG, PNG or WebP image.",
        "O conteúdo não é uma imagem JPEG, PNG ou WebP legível.",
    )


def _too_many_pixels() -> RefusedError:
    return _refused(
        "too_many_pixels",
        f"The image has more than {MAX_PIXELS // 1_000_000} million pixels, or is {MAX_RATIO} times as long as wide.",
        f"A imagem passa de {MAX_PIXELS // 1_000_000} milhões de pixels ou é {MAX_RATIO} vezes mais longa que larga.",
    )


def _too_large() -> RefusedError:
    return RefusedError("too_large", "The image is larger than 5 MiB.", "A imagem passa de 5 MiB.", 413)


def _refused(code: str, en: str, pt: str) -> RefusedError:
    return RefusedError(code, en, pt, 422)
