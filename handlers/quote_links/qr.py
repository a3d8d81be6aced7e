"""The QR code of a payment text, as the page and the PDF show it."""

from __future__ import annotations

import io
from functools import lru_cache


@lru_cache(maxsize=1024)
def qr_png(payload: str) -> bytes:
    """A PNG of a kilobyte or two; some ten milliseconds of CPU the first time, as eight masks are weighed."""
    import segno

    image = io.BytesIO()
    segno.make(payload, error="m").save(image, kind="png", scale=6, border=2)
    return image.getvalue()
