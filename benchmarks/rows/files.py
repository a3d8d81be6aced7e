"""Rows about files: how long a store's lists take to come in and go out, and how much memory."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable

import asyncpg
import orjson
import psutil

from benchmarks.installation import Installation, Shop, sign_in
from benchmarks.results import Result

IMPORTED, EXPORTED = 10_000, 100_000
# What a page, a part and their copies may take; it does not depend on the number of rows.
_FLAT_MIB = 20.0
_MIB = 1 << 20
_PRODUCTS = """
insert into products (tenant_id, id, sku, name, category, unit, base_price, cost, created_at, updated_at)
select
  $1, gen_random_uuid(), 'E-' || place, 'Produto de exportação ' || place, 'Categoria ' || place % 7, 'UN',
  10 + place % 1000, 7, now(), now()
from generate_series(1, $2) as place
"""


async def files(made: Installation) -> list[Result]:
    """10,000 products in from CSV, 100,000 out as CSV and XLSX; memory is the growth of the API's process."""
    await made.fresh()
    shop = await made.shop("loja", products_count=1)
    program = made.start(roles="api")
    sign_in(program.port, shop)
    process = psutil.Process(program.process.pid)
    table = "Código;Nome;Unidade;Preço\n" + "".join(
        f"I-{number};Produto nº {number};UN;{number % 900},90\n" for number in range(IMPORTED)
    )
    _ask(program.port, shop, "POST", "/products/import?dry_run=true", table.encode())
    came, import_s, import_mib = _measured(
        process, lambda: _ask(program.port, shop, "POST", "/products/import", table.encode())
    )
    answer = orjson.loads(came)
    connection = await asyncpg.connect(made.database_url)
    try:
        await connection.execute(_PRODUCTS, shop.id, EXPORTED - IMPORTED - 1)
        await connection.execute("analyze products")
    finally:
        await connection.close()
    results = [
        Result(
            "files", f"import {IMPORTED:,} products from CSV", import_s, "s", "≤ 10 s",
            import_s <= 10 and answer["created"] == IMPORTED,
            note=f"{answer['created']:,} created, {import_mib:.0f} MiB more memory",
        )
    ]  # fmt: skip
    for kind in ("csv", "xlsx"):
        path = f"/exports/products?sort=sku&format={kind}"
        content, seconds, grown = _measured(process, lambda path=path: _ask(program.port, shop, "GET", path))  # type: ignore[misc]
        results += [
            Result(
                "files", f"export {EXPORTED:,} products as {kind.upper()}", EXPORTED / seconds, "rows/s", "", None,
                note=f"{seconds:.1f} s, {len(content) / _MIB:.1f} MiB",
            ),
            Result(
                "files", f"memory that it takes as {kind.upper()}", grown, "MiB", f"≤ {_FLAT_MIB:.0f} MiB",
                grown <= _FLAT_MIB,
            ),
        ]  # fmt: skip
    return results


def _ask(port: int, shop: Shop, method: str, path: str, body: bytes | None = None) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    headers = {"Host": shop.host, "Authorization": f"Bearer {shop.token}"}
    try:
        connection.request(method, f"/api/v1{path}", body, headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {content[:300]!r}")
    return content


def _measured(process: psutil.Process, work: Callable[[], bytes]) -> tuple[bytes, float, float]:
    """What the work gave, the seconds it took, and by how many MiB the process was larger at most."""
    before = process.memory_info().rss
    most, done = [before], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            most[0] = max(most[0], process.memory_info().rss)

    watching = threading.Thread(target=watch)
    watching.start()
    started = time.perf_counter()
    try:
        content = work()
    finally:
        seconds = time.perf_counter() - started
        done.set()
        watching.join()
    return content, seconds, (most[0] - before) / _MIB
