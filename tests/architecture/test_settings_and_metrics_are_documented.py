"""docs/settings.md and docs/metrics.md are the same lists as the code's, line for line."""

from __future__ import annotations

import re
from pathlib import Path

from runtime import settings
from runtime.host import metrics

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CELL = re.compile(r"(?<!\\)\|")


def table(name: str) -> list[list[str]]:
    """The rows of the only table of a page, without its head."""
    lines = [line for line in (DOCS / name).read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in CELL.split(line)[1:-1]] for line in lines[2:]]


def test_every_setting_is_documented_with_its_default() -> None:
    expected = [
        [f"`{name}`", f"`{default}`" if default else "", description]
        for name, (default, description) in settings.documented().items()
    ]
    assert table("settings.md") == expected


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, (_, description) in settings.documented().items() if not description] == []


def test_every_metric_is_documented() -> None:
    expected = [
        [f"`{name}`", kind, ", ".join(f"`{label}`" for label in labels), text]
        for name, (kind, labels, text) in metrics.documented().items()
    ]
    assert table("metrics.md") == expected


def test_every_metric_is_recorded_by_the_program() -> None:
    text = "".join(
        path.read_text() for room in ("runtime", "handlers", "actors") for path in (ROOT / room).rglob("*.py")
    )
    assert [name for name in metrics.names() if f"metrics.{name}" not in text] == []


def test_every_setting_is_read_by_the_program() -> None:
    text = "".join(
        path.read_text() for room in ("runtime", "handlers") for path in (ROOT / room).rglob("*.py")
    )
    by_role = {f"DATABASE_URL_{role}" for role in ("API", "RELAY", "ENGINE", "SCHEDULER", "BACKUP")}
    read_as_property = {"ENVIRONMENT", "BASECOMMERCE_HOME", "FILES_DIRECTORY", "BACKUP_DIRECTORY"}
    unread = [
        name
        for name in settings.documented()
        if not re.search(rf"\b(settings|program)\.{name.lower()}\b", text)
    ]
    assert set(unread) <= by_role | read_as_property


def test_metric_names_carry_their_prefix_and_unit() -> None:
    for name, (kind, _, _) in metrics.documented().items():
        assert name.startswith("basecommerce_")
        assert (kind != "counter") or name.endswith("_total")
        assert (kind != "histogram") or name.endswith("_seconds")
