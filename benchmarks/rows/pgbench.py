"""How much of the distance between a quote and the machine's limit is PostgreSQL's, and how much the program's."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from uuid import uuid4

import asyncpg
import orjson

from benchmarks import pgbench as by_pgbench
from benchmarks.bare import INSERT
from benchmarks.http import load
from benchmarks.installation import Installation, Shop, call, sign_in
from benchmarks.results import Result
from benchmarks.rows.requests import bare_quotes, quote_body, quotes_of

STORES, CLIENTS = 20, 16
ROUNDS, ROUND_S = 3, 2


async def pgbench(made: Installation) -> list[Result]:
    """A quote as one bare statement, and the statements that the program sends for one, by pgbench and over HTTP.

    What the program sends is read from the server's log. Without pgbench the row says so and measures nothing.
    """
    try:
        by_pgbench.find_pgbench()
    except by_pgbench.PgbenchMissingError as missing:
        return [Result("pgbench", "create quote", 0, "tx/s", "", None, note=str(missing))]
    await made.fresh()
    shops = [await made.shop(f"loja-{number}", products_count=10) for number in range(STORES)]
    ours = await _write_scripts(made, shops)
    bare = [_bare_script(made.home / "bare.sql", shops[0])]
    port, bare_port = made.start(roles="api").port, made.start_bare(with_database=True)
    for shop in shops:
        sign_in(port, shop)
    load(quotes_of(*shops), [port], connections=CLIENTS, seconds=1)
    await made.analyze()
    rates: list[list[float]] = [[], [], [], []]
    for _ in range(ROUNDS):
        for kept, rate in zip(
            rates,
            (
                load(quotes_of(*shops), [port], connections=CLIENTS, seconds=ROUND_S).per_second,
                _by_pgbench(made, ours, role="basecommerce_api"),
                load(bare_quotes(shops[0]), [bare_port], connections=CLIENTS, seconds=ROUND_S).per_second,
                _by_pgbench(made, bare),
            ),
            strict=True,
        ):
            kept.append(rate)
    program, program_sql, bare_http, bare_sql = map(median, rates)
    return [
        Result(
            "pgbench", f"create quote, 5 items, c={CLIENTS}, {STORES} stores", program, "quotes/s", "", None,
            program_sql, "the same statements by pgbench",
            "the rest of the way is the program's, and HTTP's",
        ),
        Result(
            "pgbench", "the statements of a quote", program_sql, "tx/s", "", None, bare_sql,
            "one bare statement by pgbench",
        ),
        Result(
            "pgbench", "bare aiohttp + asyncpg", bare_http, "quotes/s", "", None, bare_sql,
            "one bare statement by pgbench",
        ),
    ]  # fmt: skip


def _by_pgbench(made: Installation, scripts: Sequence[Path], role: str = "") -> float:
    return by_pgbench.transactions_per_second(
        made.database_url, scripts, clients=CLIENTS, seconds=ROUND_S, role=role
    )


async def _write_scripts(made: Installation, shops: Sequence[Shop]) -> list[Path]:
    """A script for each store, of what the program sends for a quote of it."""
    owner = await asyncpg.connect(made.database_url)
    database = await owner.fetchval("select quote_ident(current_database())")
    await owner.execute(f"alter database {database} set log_statement = 'all'")
    log = made.home / "servers" / "postgres.log"
    port = made.start(roles="api").port
    from_start = log.stat().st_size
    bodies = [orjson.loads(quote_body(shop, random.Random(1))) for shop in shops]
    for shop, body in zip(shops, bodies, strict=True):
        sign_in(port, shop)
        call(port, shop, "POST", "/quotes", body, key=str(uuid4()))
    turns: list[tuple[list[str], set[str]]] = []
    for shop, body in zip(shops, bodies, strict=True):
        twice = []
        for _ in range(2):
            begin = log.stat().st_size
            call(port, shop, "POST", "/quotes", body, key=str(uuid4()))
            twice.append(by_pgbench.sent(_read(log, begin)))
        statements = [each for each in twice[1] if not by_pgbench.is_preparing(each)]
        turns.append((statements, by_pgbench.uuids(twice[1]) - by_pgbench.uuids(twice[0])))
    prepared = {each for each in by_pgbench.sent(_read(log, from_start)) if by_pgbench.is_preparing(each)}
    made.stop()
    await owner.execute(f"alter database {database} reset log_statement")
    await owner.close()
    scripts = []
    for shop, (statements, generated) in zip(shops, turns, strict=True):
        used = [each for each in sorted(prepared) if by_pgbench.name_of(each) in " ".join(statements)]
        scripts.append(made.home / f"{shop.slug}.sql")
        scripts[-1].write_text(by_pgbench.script(statements, used, sorted(generated)))
    return scripts


def _bare_script(path: Path, shop: Shop) -> Path:
    dice = random.Random(1)
    products = ",".join(str(each) for each in dice.sample(shop.product_ids, 5))
    quote = str(uuid4())
    statement = (
        f"execute bare ('{quote}', '{shop.customer_id}', '193.50', '{{{products}}}', '{{1,2,3,4,5}}', "
        "'{12.90,12.90,12.90,12.90,12.90}')"
    )
    path.write_text(by_pgbench.script([statement], [f"prepare bare as {INSERT}"], [quote]))
    return path


def _read(log: Path, begin: int) -> str:
    with log.open("rb") as file:
        file.seek(begin)
        return file.read().decode()
