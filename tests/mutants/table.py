"""All guards."""

from __future__ import annotations

from tests.mutants import business, gates, pipeline, walls

GUARDS = (*pipeline.GUARDS, *walls.GUARDS, *business.GUARDS, *gates.GUARDS)
