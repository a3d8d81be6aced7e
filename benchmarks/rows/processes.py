"""Rows about the process itself: memory, how soon it answers, and what it costs when nothing happens."""

from __future__ import annotations

import asyncio
from statistics import median

import psutil

from benchmarks.http import Requests, load, request
from benchmarks.installation import Installation, sign_in
from benchmarks.results import Result

IDLE_S = 6.0


async def memory(made: Installation) -> list[Result]:
    """All roles in one process, on servers that are up already."""
    await made.fresh()
    shop = await made.shop("loja")
    starts = []
    for _ in range(3):
        program = made.start()
        starts.append(program.started_in_s)
        if len(starts) < 3:
            made.stop()
    sign_in(program.port, shop)
    process = psutil.Process(program.process.pid)
    asked = [
        request("GET", path, host=shop.host, token=shop.token)
        for path in ("/api/v1/products", "/api/v1/quotes", "/api/v1/stock")
    ]
    load(Requests(asked), [program.port], connections=16, seconds=2)
    used = process.memory_info().rss / 2**20
    await asyncio.sleep(2)
    before = sum(process.cpu_times()[:2])
    await asyncio.sleep(IDLE_S)
    idle = 100 * (sum(process.cpu_times()[:2]) - before) / IDLE_S
    started = median(starts)
    return [
        Result("memory", "all roles in one process, after load", used, "MiB", "≤ 150 MiB", used <= 150),
        Result(
            "memory",
            "start to first /health",
            started,
            "s",
            "≤ 1 s",
            started <= 1,
            note="median of 3, all roles",
        ),
        Result("memory", "idle, all roles", idle, "% of a core", "≤ 1 %", idle <= 1, note=f"{IDLE_S:.0f} s"),
    ]
