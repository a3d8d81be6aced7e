"""Steps: statements whose arguments stand in their text, because they share a message with ``begin`` or ``commit``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.data.connection import Step
from runtime.data.database import Database
from runtime.data.ids import new_id
from runtime.data.literals import literal
from runtime.data.queries import Query, sql
from runtime.errors import InvalidError
from runtime.events.log import MissingHeadError, emit
from tests.support.events import stock_event

NASTY = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.text("'\"\\{},;$-/*NULL nE:\n\t%é😀", max_size=30),
    st.sampled_from(
        ["", "null", "NULL", "'", "\\", "\\'", "''", "'; drop table users; --", "$1", "{}", '{"a"}']
    ),
)
TEXTS = st.lists(st.none() | NASTY, max_size=6)
MOMENTS = st.datetimes(timezones=st.just(UTC)).filter(lambda moment: 1 < moment.year < 9998)


@pytest.fixture
async def server(database_url: str):
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.none() | NASTY,
    texts=TEXTS,
    content=st.binary(max_size=20),
    number=st.integers(-(2**63), 2**63 - 1),
    numbers=st.lists(st.integers(-(2**15), 2**15 - 1), max_size=4),
    ids=st.lists(st.uuids(), max_size=4),
    moment=MOMENTS,
)
async def test_the_server_reads_every_literal_as_the_value_it_was(server, **values: Any) -> None:
    types = ["text", "text[]", "bytea", "bigint", "smallint[]", "uuid[]", "timestamptz"]
    columns = ", ".join(
        f"{literal(value)}::{name}" for value, name in zip(values.values(), types, strict=True)
    )
    assert list(await server.fetchrow(f"select {columns}")) == list(values.values())


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d", ["fine", "not\0fine"]])
def test_text_that_postgresql_cannot_hold_is_refused_before_it_is_sent(text: Any) -> None:
    with pytest.raises(asyncpg.DataError):
        literal(text)


@pytest.mark.parametrize(
    "value", [1.5, True, {"a": 1}, [[1]], datetime.fromisoformat("2026-01-01"), object()]
)
def test_a_value_of_any_other_kind_is_a_fault_of_ours(value: Any) -> None:
    with pytest.raises(TypeError):
        literal(value)


@pytest.fixture(params=["none", "transaction"])
async def opened(request: pytest.FixtureRequest, settings):
    """The API's database with a session of its own, and as behind a pooler that may change it."""
    database = await Database.open(settings.database_url_of("api"), "api", size=2, pooler=request.param)
    yield database
    await database.close()


def claim_of(key: str) -> Step:
    return Step(sql.claim_idempotency_key, {"key": key, "route": "POST /'x'", "request_hash": b"\xff" * 32})


async def test_a_transaction_opens_and_ends_with_its_steps(opened, owner, new_tenant) -> None:
    tenant_id, user_id = await new_tenant(), new_id()
    for expected in (1, 0):
        async with opened.tenant(tenant_id, user_id=user_id, first=claim_of("it's $1 \\")) as tx:
            assert tx.opened == expected
            if tx.opened:
                emit(tx, stock_event(1))
                emit(tx, stock_event(2))
    kept = await owner.fetch("select tenant_id, key, user_id, route, request_hash from idempotency_keys")
    assert [tuple(row) for row in kept] == [(tenant_id, "it's $1 \\", user_id, "POST /'x'", b"\xff" * 32)]
    assert [row[0] for row in await owner.fetch("select tenant_seq from event_outbox order by 1")] == [1, 2]


async def test_what_a_last_step_fails_with_undoes_the_transaction(opened, owner) -> None:
    with pytest.raises(MissingHeadError):
        async with opened.tenant(new_id(), first=claim_of("k")) as tx:
            emit(tx, stock_event(1))
    assert await owner.fetchval("select count(*) from idempotency_keys") == 0


async def test_a_first_step_sees_only_its_own_store(opened, owner, new_tenant) -> None:
    """Row security holds for steps as for every other statement."""
    step = Step(
        Query(
            "claim_for_another",
            "insert into idempotency_keys (tenant_id, key, route, request_hash) values ($1::uuid, 'k', 'r', $2)",
            ("other", "hash"),
            "",
        ),
        {"other": await new_tenant(), "hash": b"\0" * 32},
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with opened.tenant(await new_tenant(), first=step):
            pass
    assert await owner.fetchval("select count(*) from idempotency_keys") == 0


async def test_a_step_with_text_that_cannot_be_stored_is_refused_and_leaves_the_connection_whole(
    opened, new_tenant
) -> None:
    tenant_id = await new_tenant()
    with pytest.raises(InvalidError):
        async with opened.tenant(tenant_id, first=claim_of("a\0b")):
            pass
    async with opened.tenant(tenant_id, first=claim_of("ab")) as tx:
        assert tx.opened == 1


def test_ids_of_any_kind_are_written_as_ids() -> None:
    assert literal(UUID(int=1)) == literal(asyncpg.pgproto.pgproto.UUID(str(UUID(int=1))))
