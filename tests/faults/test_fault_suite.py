"""The short run of the fault suite; ``make faults`` runs as long as one likes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults.suite import run_suite

SEED = 1


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: the servers' sockets lie in it."""
    with TemporaryDirectory(prefix="basecommerce-faults-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest.mark.timeout(300)
async def test_under_every_quick_kind_of_fault_nothing_is_lost_doubled_reordered_leaked_or_miscounted(
    directory: Path,
) -> None:
    report = await run_suite(directory, seconds=None, seed=SEED)
    print(report.text())
    assert report.violations == []
    assert report.control_is_red, "the same faults without protections must show"
