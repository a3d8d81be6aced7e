"""What the documentation names is there: files, modules, make targets, commands and addresses of the API."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.vertical import ROUTES
from runtime.web import auth

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Made by a run, and ignored.
OUTPUTS = {"benchmarks/results/"}
_CODE = re.compile(r"```\w*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
_PATH = re.compile(r"(?:runtime|handlers|actors|tests|sql|infra|benchmarks|docs)/[\w./*-]+")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_OPERATION = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (?:/api/v1)?(/[\w/{}.,-]+)")
_NOT_OURS = {"venv", "pip"}


def codes(page: Path) -> Iterator[str]:
    for block, inline in _CODE.findall(page.read_text()):
        yield block or inline


def said(pattern: str) -> set[tuple[str, str]]:
    """What any page says that fits, with the page's name."""
    return {
        (page.name, found) for page in PAGES for code in codes(page) for found in re.findall(pattern, code)
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_links_of_a_page_are_there(page: Path) -> None:
    named = {code for code in codes(page) if _PATH.fullmatch(code)} - OUTPUTS
    assert {path for path in named if not any(ROOT.glob(path.rstrip("/")))} == set()
    tests = {code for code in codes(page) if re.fullmatch(r"test_\w+\.py", code)}
    assert {name for name in tests if not any((ROOT / "tests").rglob(name))} == set()
    assert {link for link in _LINK.findall(page.read_text()) if not (page.parent / link).exists()} == set()


def test_modules_and_make_targets_are_there() -> None:
    modules = {(page, name) for page, name in said(r"\bpython -m ([\w.]+)") if name not in _NOT_OURS}
    assert len(modules) > 10
    assert {(page, name) for page, name in modules if importlib.util.find_spec(name) is None} == set()
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {(page, name) for page, name in said(r"\bmake ([a-z][\w-]*)") if name not in targets} == set()


def test_commands_are_there() -> None:
    words = {found.split()[0] for _, found in said(r"\bbasecommerce ((?:[a-z][a-z-]+)(?: [a-z][a-z-]+)?)")}
    assert len(words) > 8
    shown = subprocess.run(
        [sys.executable, "-m", "runtime", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    commands = set(re.findall(r"^│ ([a-z]+) ", shown, re.MULTILINE))
    assert words - commands == set()


def test_operations_of_the_api_are_there() -> None:
    known = {
        (operation.method, _plain(operation.path))
        for group in (auth.routes, *ROUTES)
        for operation in group.operations
    }
    named = {
        (page.name, method, path)
        for page in PAGES
        for code in codes(page)
        for method, listed in _OPERATION.findall(code)
        for path in _each(listed.rstrip(".,/"))
    }
    assert len(named) > 50
    outside = {("GET", "/health"), ("GET", "/ready"), ("GET", "/metrics"), ("GET", "/tenant.json")}
    missing = {
        (page, method, path) for page, method, path in named if (method, _plain(path)) not in known | outside
    }
    assert missing == set()


def _each(path: str) -> list[str]:
    """`/a/{b,c}` means two addresses."""
    found = re.search(r"\{([\w-]+(?:,[\w-]+)+)\}", path)
    if found is None:
        return [path]
    return [
        one
        for name in found[1].split(",")
        for one in _each(path[: found.start()] + name + path[found.end() :])
    ]


def _plain(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path.removeprefix("/api/v1"))
