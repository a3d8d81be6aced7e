"""Which of PostgreSQL's answers may pass, which are the request's fault, and which are ours."""

from __future__ import annotations

import asyncpg
import pytest

from runtime.data.errors import (
    LockTimeoutError,
    ReadOnlyServerError,
    TooMuchAtOnceError,
    UniqueViolationError,
    not_connected,
    translate,
)
from runtime.errors import RefusedError, RetryLaterError


def of_state(state: str) -> asyncpg.PostgresError:
    return asyncpg.PostgresError.new({"C": state, "M": "as the server says"})


@pytest.mark.parametrize(
    "state",
    [
        "08006",
        "25P03",  # the server ended a transaction that idled
        "25P04",  # ... or that took too long
        "40001",
        "40P01",
        "53100",  # disk full
        "53300",  # too many connections
        "57P01",  # the server is shut down
        "57P02",
        "57P03",  # it starts or recovers
        "57P05",
        "58030",  # it cannot read or write
    ],
)
def test_what_may_pass_is_tried_again(state: str) -> None:
    assert isinstance(translate(of_state(state)), RetryLaterError)


@pytest.mark.parametrize(
    "state",
    ["25P02", "42703", "42501", "54001", "55000", "0A000", "XX000"],
)
def test_what_fails_again_for_ever_is_no_passing_cause(state: str) -> None:
    assert translate(of_state(state)) is None


def test_a_server_that_was_demoted_is_told_apart() -> None:
    assert isinstance(translate(of_state("25006")), ReadOnlyServerError)


@pytest.mark.parametrize("state", ["57014", "53200", "53400"])
def test_work_that_is_too_much_at_once_is_told_apart(state: str) -> None:
    error = translate(of_state(state))
    assert isinstance(error, TooMuchAtOnceError)
    assert isinstance(error, RetryLaterError)


def test_refusals_stay_refusals() -> None:
    assert isinstance(translate(of_state("23505")), UniqueViolationError)
    assert isinstance(translate(of_state("22003")), RefusedError)
    assert isinstance(translate(of_state("55P03")), LockTimeoutError)


def test_a_backend_that_was_terminated_under_the_driver_is_a_passing_cause() -> None:
    assert isinstance(translate(asyncpg.InternalClientError("unexpected")), RetryLaterError)


@pytest.mark.parametrize("error", [of_state("28P01"), of_state("3D000"), OSError(), ValueError("odd")])
def test_without_a_connection_nothing_was_done_so_everything_may_be_tried_again(error: Exception) -> None:
    assert isinstance(not_connected(error), RetryLaterError)
