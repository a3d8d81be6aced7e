"""A deploy: every process restarts in turn, and nobody at the counter notices."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.settings import Settings
from tests.edge.rolling import roll
from tests.support.stores import Store

# Both that serve, for each has to stand in for the other; of the rest one each.
RESTARTED = ("api", "api-2", "relay", "engines")


@pytest.mark.timeout(180)
async def test_no_request_fails_while_every_process_is_restarted_in_turn(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    outcome = await roll(settings, tmp_path, restarts=1, per_second=30, names=RESTARTED)
    assert outcome.failed == {}, outcome.text()
    assert outcome.answered > 100
    assert outcome.restarts.total() == len(RESTARTED)
