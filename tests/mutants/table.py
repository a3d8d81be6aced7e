"""All guards."""

from __future__ import annotations

from tests.mutants import business, pipeline, walls

GUARDS = (*pipeline.GUARDS, *walls.GUARDS, *business.GUARDS)
