"""Waiting inside an actor's loop without standing in the way of a drain."""

from __future__ import annotations

import anyio


async def pause(stop: anyio.Event, seconds: float) -> None:
    """Wait ``seconds``, or until ``stop`` is set."""
    with anyio.move_on_after(seconds):
        await stop.wait()
