"""Guards of writes: idempotent answers, locks of quotes, orders and stock, transactions that end well."""

from __future__ import annotations

from tests.mutants.guard import taken_away

WRITES = "runtime/web/writes.py"
KEYS = "tests/integration/web/test_idempotency.py"
RACES = "tests/integration/handlers/test_selling_races.py"
DATABASE = "runtime/data/database.py"
DATABASE_TESTS = "tests/integration/data/test_database.py"

GUARDS = (
    taken_away(
        WRITES,
        "idempotency row: the first answer is repeated",
        "    if call.tx.opened:\n        return None\n    stored = await",
        f"{KEYS}::test_the_same_request_again_gets_the_same_answer_and_no_second_effect",
        f"{KEYS}::test_twenty_at_once_under_one_key_have_one_effect",
        without="    if True:\n        return None\n    stored = await",
    ),
    taken_away(
        WRITES,
        "an idempotency key belongs to one request of one user",
        '    if (row["user_id"], row["route"], row["request_hash"]) != (tx.user_id, route, digest):',
        f"{KEYS}::test_the_same_key_for_another_request_is_refused",
        f"{KEYS}::test_another_user_cannot_take_a_key_over",
        without="    if False:",
    ),
    taken_away(
        "sql/queries/quotes.sql",
        "quote lock",
        "where tenant_id = $tenant_id\n  and id = $id\nfor no key update\n",
        RACES,
        without="where tenant_id = $tenant_id\n  and id = $id\n",
    ),
    taken_away(
        "sql/queries/stock.sql",
        "reservation lock: what is short is refused",
        "join level on level.product_id = wanted.product_id\nwhere level.available < 0\n",
        f"{RACES}::test_the_last_pieces_are_sold_once",
        without="join level on level.product_id = wanted.product_id\nwhere false\n",
    ),
    taken_away(
        "sql/queries/stock.sql",
        "two bookings of one product are kept apart",
        "where products.tenant_id = $tenant_id\n  and products.id = $product_id\nfor no key update\n",
        "tests/integration/handlers/test_stock.py::test_receipts_of_one_product_at_once_average_their_costs",
        without="where products.tenant_id = $tenant_id\n  and products.id = $product_id\n",
    ),
    taken_away(
        DATABASE,
        "a connection that answers no more is given up",
        '                command_timeout=_LIMITS_S[role]["statement_timeout"] + _REPLY_GRACE_S,\n',
        f"{DATABASE_TESTS}::"
        "test_a_connection_that_answers_no_more_is_given_up_soon_after_the_servers_own_limit",
    ),
    taken_away(
        DATABASE,
        "a transaction that lasts too long is ended",
        "        await connection.execute(f\"set transaction_timeout = '{_TRANSACTION_LIMITS_S[role]}s'\")\n",
        f"{DATABASE_TESTS}::test_a_transaction_that_lasts_too_long_is_ended_by_the_server",
        without="        pass\n",
    ),
    taken_away(
        DATABASE,
        "one silent connection is a sign of others",
        "                if not await transaction.rollback():  # one silent connection is a sign of others\n"
        "                    await self._pool.expire_connections()\n",
        f"{DATABASE_TESTS}::test_when_one_connection_goes_silent_the_others_are_not_waited_for",
        without="                await transaction.rollback()\n",
    ),
    taken_away(
        DATABASE,
        "after a failover no connection leads to the former primary",
        "                    connection.terminate()\n                await self._pool.expire_connections()\n",
        f"{DATABASE_TESTS}::test_after_a_failover_no_connection_leads_to_the_former_primary",
        without="                    connection.terminate()\n",
    ),
    taken_away(
        "runtime/data/transactions.py",
        "a connection that breaks hides nothing",
        "        with anyio.CancelScope(shield=True), suppress(asyncpg.InterfaceError):",
        f"{DATABASE_TESTS}::test_a_connection_that_breaks_in_a_transaction_hides_nothing_of_what_went_wrong",
        without="        with anyio.CancelScope(shield=True):",
    ),
    taken_away(
        "runtime/data/transactions.py",
        "a commit is never cut short",
        '        with anyio.CancelScope(shield=True):\n            await self._send(last, "commit")',
        f"{DATABASE_TESTS}::test_a_commit_is_never_cut_short",
        without='        await self._send(last, "commit")',
    ),
    taken_away(
        "runtime/host/supervisor.py",
        "an actor that crashes too often ends its process",
        "            if len(crashes) > self._policy.crashes and now - crashes[0] <= self._policy.window_s:",
        "tests/unit/test_supervisor.py::"
        "test_an_actor_that_crashes_too_often_ends_the_process_after_draining_the_others",
        without="            if False:",
    ),
)
