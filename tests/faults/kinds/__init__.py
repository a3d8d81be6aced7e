"""The kinds of faults: a table of injectors, filled by the modules of this package."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from tests.faults.site import Site

Redis = Literal["server", "cluster"]
Injector = Callable[[Site], Awaitable[str | None]]
FAMILIES = ("processes", "redis_server", "redis_cluster", "postgres", "network", "events")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault. ``inject`` does harm, undoes it, and says in a few words what it did.

    ``quick`` ones take part in the short run; ``needs`` says why this machine cannot do it, if so. ``redis`` says which
    sort of Redis it is a fault of: one server, a cluster, or (None) whatever there is.
    """

    name: str
    inject: Injector
    quick: bool
    needs: Callable[[Site], str | None]
    redis: Redis | None


KINDS: dict[str, Kind] = {}


def fault(
    name: str,
    *,
    quick: bool = True,
    needs: Callable[[Site], str | None] = lambda _site: None,
    redis: Redis | None = None,
) -> Callable[[Injector], Injector]:
    """Register an injector under its kind's name."""

    def register(inject: Injector) -> Injector:
        assert name not in KINDS, name
        KINDS[name] = Kind(name, inject, quick, needs, redis)
        return inject

    return register


def load_kinds() -> dict[str, Kind]:
    """All kinds, by name."""
    for family in FAMILIES:
        import_module(f"{__name__}.{family}")
    return KINDS
