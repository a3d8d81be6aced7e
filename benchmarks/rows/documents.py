"""Rows about documents: how long a customer waits for the PDF of a quote."""

from __future__ import annotations

import io

import psutil
from PIL import Image

from benchmarks.http import Requests, load, request
from benchmarks.installation import Installation, call, sign_in
from benchmarks.results import Result

QUOTES = 100
"""So many that hardly one is asked for twice: a code is drawn once for each."""


async def pdf(made: Installation) -> list[Result]:
    """GET /quotes/{id}/pdf with 5, 50 and 200 items, a PIX code and a logo, one after the other; and what the first one
    takes, which loads the libraries."""
    await made.fresh()
    shop = await made.shop("loja")
    program = made.start(roles="api")
    sign_in(program.port, shop)
    call(program.port, shop, "PATCH", "/settings", {"settings": {"pix_key": "loja@example.com"}})
    call(program.port, shop, "PUT", "/settings/logo", _logo(), media_type="image/png")
    process = psutil.Process(made.running[-1].pid)
    results = []
    for count in (5, 50, 200):
        items = [
            {
                "product_id": str(shop.product_ids[number % len(shop.product_ids)]),
                "quantity": "12.5",
                "note": "n",
            }
            for number in range(count)
        ]
        body = {"customer_id": str(shop.customer_id), "discount_percent": "2.5", "items": items}
        made_ids = [call(program.port, shop, "POST", "/quotes", body)["id"] for _ in range(QUOTES)]
        asked = Requests(
            [
                request("GET", f"/api/v1/quotes/{quote_id}/pdf", host=shop.host, token=shop.token)
                for quote_id in made_ids
            ]
        )
        first = load(asked, [program.port], connections=1, seconds=0.05)
        before = sum(process.cpu_times()[:2])
        outcome = load(asked, [program.port], connections=1, seconds=2)
        spent_ms = 1000 * (sum(process.cpu_times()[:2]) - before) / sum(outcome.statuses.values())
        if outcome.errors:
            raise RuntimeError(f"answers other than 2xx: {dict(outcome.statuses)}")
        p99 = outcome.percentile_ms(0.99)
        note = f"p99 {p99:.0f} ms; {spent_ms:.0f} ms of processor"
        if not results:
            note += f"; the process's first {1000 * first.latencies[0]:.0f} ms"
        median = outcome.percentile_ms(0.5)
        goal = "≤ 100 ms" if count <= 50 else ""
        met = median <= 100 if goal else None
        results.append(
            Result("pdf", f"quote as PDF, {count} items, c=1", median, "ms", goal, met, note=note)
        )  # fmt: skip
    return results


def _logo() -> bytes:
    """As large as a logo is kept, and with as many colours as a photo: the hardest one to print."""
    written = io.BytesIO()
    Image.effect_noise((640, 213), 60).convert("RGB").save(written, "PNG")
    return written.getvalue()
