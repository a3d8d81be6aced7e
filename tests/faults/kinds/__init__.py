"""The kinds of faults: a table of injectors, filled by the modules of this package."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module

from tests.faults.site import Site

Injector = Callable[[Site], Awaitable[str | None]]
FAMILIES = ("processes", "redis_server", "postgres", "network", "events")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault. ``inject`` does harm, undoes it, and says in a few words what it did.

    ``quick`` ones take part in the short run; ``needs`` says why this machine cannot do it, if so.
    """

    name: str
    inject: Injector
    quick: bool
    needs: Callable[[Site], str | None]


KINDS: dict[str, Kind] = {}


def fault(
    name: str, *, quick: bool = True, needs: Callable[[Site], str | None] = lambda _site: None
) -> Callable[[Injector], Injector]:
    """Register an injector under its kind's name."""

    def register(inject: Injector) -> Injector:
        assert name not in KINDS, name
        KINDS[name] = Kind(name, inject, quick, needs)
        return inject

    return register


def load_kinds() -> dict[str, Kind]:
    """All kinds, by name."""
    for family in FAMILIES:
        import_module(f"{__name__}.{family}")
    return KINDS
