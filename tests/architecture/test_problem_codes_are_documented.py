"""The type of every problem leads to a place in /docs: whatever code the source can raise is described."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from handlers.problem_codes import CODES
from runtime import errors
from runtime.web.problem_codes import SHARED_CODES

ROOT = Path(__file__).parents[2]
SOURCES = [
    *(ROOT / "runtime" / "web").glob("*.py"),
    *(ROOT / "handlers").rglob("*.py"),
    ROOT / "runtime" / "errors.py",
    ROOT / "runtime" / "data" / "errors.py",
    ROOT / "runtime" / "events" / "dead_letters.py",
]
# The demo is loaded by a command: what it refuses, no client ever sees.
TREES = [ast.parse(path.read_text()) for path in SOURCES if "demo" not in path.parts]
RAISED_BY = {name for name in dir(errors) if name.endswith("Error")}


def names_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def code_positions() -> dict[str, int]:
    """Where the code stands among a function's arguments: the errors themselves, and helpers that pass one on."""
    positions = dict.fromkeys(RAISED_BY - {"StateConflictError", "InvalidError", "RetryLaterError"}, 0)
    positions["TooManyRequestsError"] = 1
    for tree in TREES:
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                names = [argument.arg for argument in function.args.args]
                makes = [
                    n for n in ast.walk(function) if isinstance(n, ast.Call) and names_of(n) in positions
                ]
                if "code" in names and any(
                    isinstance(argument, ast.Name) and argument.id == "code"
                    for call in makes
                    for argument in call.args
                ):
                    positions[function.name] = names.index("code")
    return positions


def raised() -> set[str]:
    found = set()
    positions = code_positions()
    for tree in TREES:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                given = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
                position = positions.get(names_of(node))
                if position is not None and len(node.args) > position:
                    given.append(node.args[position])
                if names_of(node) in positions or names_of(node) == "InvalidError":
                    found |= {text for value in given for text in literals(value)}
                if names_of(node) == "__init__":
                    found |= {text for value in node.args[:1] for text in literals(value)}
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                arguments = node.args
                defaults = [
                    *zip(reversed(arguments.args), reversed(arguments.defaults), strict=False),
                    *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
                ]
                found |= {
                    text
                    for argument, value in defaults
                    if argument.arg == "code" and value is not None
                    for text in literals(value)
                }
    return found


def literals(node: ast.expr) -> set[str]:
    """The texts that an expression may be: itself, or either branch of a choice."""
    if isinstance(node, ast.IfExp):
        return literals(node.body) | literals(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_every_code_that_can_be_raised_is_described() -> None:
    assert len(raised()) > 40, "the search itself is broken"
    assert raised() - SHARED_CODES.keys() - CODES.keys() == set()


def test_no_code_is_described_that_nothing_raises() -> None:
    from runtime.web.problems import server_codes

    assert (SHARED_CODES.keys() | CODES.keys()) - raised() - server_codes() == set()


def test_the_vertical_does_not_redefine_a_shared_code() -> None:
    assert SHARED_CODES.keys() & CODES.keys() == set()


@pytest.mark.parametrize("code", [*SHARED_CODES, *CODES])
def test_a_described_code_says_when_it_comes(code: str) -> None:
    described = {**SHARED_CODES, **CODES}[code]
    assert described.meaning.endswith(".")
    assert all(400 <= status < 600 for status in described.statuses)
