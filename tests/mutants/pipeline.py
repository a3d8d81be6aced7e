"""Guards of the log, its consumers and the streams."""

from __future__ import annotations

from tests.mutants.guard import taken_away

CONSUMERS = "sql/queries/consumers.sql"
SLOW_START = "runtime/events/slow_start.py"
EVENTS = "tests/integration/events"
CONSUMER_TESTS = f"{EVENTS}/test_consumer.py"
CLUSTER_TESTS = "tests/compat/test_redis_cluster.py"
RELAY_TESTS = f"{EVENTS}/test_relay.py"
SECOND = f"{EVENTS}/test_second_chances.py"

GUARDS = (
    taken_away(
        CONSUMERS,
        "cursor lock",
        "order by tenant_id\nfor update;",
        f"{CONSUMER_TESTS}::test_several_consumers_at_once_apply_each_event_once",
        without="order by tenant_id;",
    ),
    taken_away(
        CONSUMERS,
        "pause after a failure",
        "  and tenant_id = any ($tenant_ids::uuid[])\n"
        "  and coalesce(next_attempt_at, '-infinity') <= clock_timestamp()\n",
        f"{CONSUMER_TESTS}::test_a_failing_event_waits_between_its_attempts",
        without="  and tenant_id = any ($tenant_ids::uuid[])\n",
    ),
    taken_away(
        CONSUMERS,
        "a log that never rests is reconciled",
        "    or coalesce(c.updated_at, '-infinity') < clock_timestamp() - 2 * $grace::interval\n",
        f"{RELAY_TESTS}::test_the_reconciler_finds_a_tenant_whose_log_never_rests",
    ),
    taken_away(
        "runtime/events/log.py",
        "gapless counter: the head moves by as much as is written",
        '            "count": len(events),',
        f"{EVENTS}/test_log.py::test_events_of_concurrent_transactions_are_numbered_without_gaps",
        without='            "count": len(events) + 1,',
    ),
    taken_away(
        "sql/queries/events.sql",
        "a tenant without a counter cannot commit events",
        "left join head on true;\n\n-- name: append_events_and_record_write",
        f"{EVENTS}/test_log.py::test_a_tenant_without_a_counter_cannot_commit_events",
        without="cross join head;\n\n-- name: append_events_and_record_write",
    ),
    taken_away(
        "runtime/events/cursors.py",
        "stream order check: no event is stepped over",
        '            if row["tenant_seq"] != expected[tenant_id]:',
        f"{CONSUMER_TESTS}::test_a_hole_in_the_log_is_reported_and_never_stepped_over",
        without="            if False:",
    ),
    taken_away(
        "runtime/events/cursors.py",
        "time limit of a batch",
        "asyncio.timeout(self._deadline_s) as deadline",
        f"{EVENTS}/test_too_much_at_once.py::test_an_event_that_never_ends_does_not_hold_up_the_others",
        without="asyncio.timeout(None) as deadline",
    ),
    taken_away(
        "runtime/events/event.py",
        "a newer version waits for the upgrade",
        'row["version"] > model.version',
        f"{CONSUMER_TESTS}::test_an_event_of_a_newer_release_waits_for_the_upgrade",
        without="False",
    ),
    taken_away(
        SLOW_START,
        "poison counter: counted before the work",
        "            if not counted:\n                await self._cursors.count_attempt(tx, self._tenant_id)\n",
        f"{CONSUMER_TESTS}::test_an_event_that_kills_its_process_ends_in_the_dead_letters",
    ),
    taken_away(
        SLOW_START,
        "an event that failed often enough is parked",
        "if row is not None and attempts >= MAX_ATTEMPTS and",
        f"{CONSUMER_TESTS}::test_a_poison_event_is_parked_after_its_attempts_and_the_others_never_wait",
        without="if row is not None and attempts < 0 and",
    ),
    taken_away(
        SLOW_START,
        "an attempt under way elsewhere is not taken for a death",
        '                if cursor["rested"] < ATTEMPT_OVER:',
        f"{EVENTS}/test_slow_start.py::"
        "test_an_attempt_that_another_process_may_still_be_making_is_not_taken_for_its_death",
        without="                if False:",
    ),
    taken_away(
        SLOW_START,
        "dead-letter limit",
        "        if self._limit.reached:",
        f"{CONSUMER_TESTS}::test_a_bad_deploy_does_not_park_a_days_events",
        without="        if False:",
    ),
    taken_away(
        SLOW_START,
        "events on which later ones build block",
        ' or row["event_type"] in self._blocking',
        f"{CONSUMER_TESTS}::test_an_engine_stands_still_at_an_event_on_which_later_ones_build",
    ),
    taken_away(
        SLOW_START,
        "a passing cause is not counted against the event",
        "            if passing or not alone:",
        f"{SECOND}::test_an_attempt_that_failed_for_a_passing_cause_does_not_use_up_the_last_one",
        without="            if False:",
    ),
    taken_away(
        SLOW_START,
        "a failure told late changes nothing",
        '            if row is not None and row["tenant_seq"] != cursor["last_seq"] + 1:',
        f"{SECOND}::test_a_failure_told_late_neither_parks_nor_moves_the_cursor_back",
        without="            if False:",
    ),
    taken_away(
        SLOW_START,
        "suspected stores return to whole batches",
        "size = min(2 * size, self._turn_events)",
        f"{EVENTS}/test_slow_start.py::test_a_store_that_was_only_suspected_is_soon_at_whole_batches_again",
        without="size = 1",
    ),
    taken_away(
        "runtime/events/consumer.py",
        "bystanders of a killer come first",
        "sorted(failed.items(), key=lambda found: found[1])",
        f"{EVENTS}/test_too_much_at_once.py::"
        "test_events_that_share_a_batch_with_a_killer_are_applied_before_the_process_dies_a_third_time",
        without="failed.items()",
    ),
    taken_away(
        "sql/queries/dead_letters.sql",
        "a letter that was closed elsewhere stays closed",
        "    attempts = attempts + 1\nwhere tenant_id = $tenant_id\n  and id = $id\n  and state = 'replay_requested';",
        f"{SECOND}::test_a_replay_that_fails_here_after_it_succeeded_elsewhere_stays_closed",
        without="    attempts = attempts + 1\nwhere tenant_id = $tenant_id\n  and id = $id;",
    ),
    taken_away(
        "runtime/events/replay.py",
        "a rebuild closes the letters that it applies",
        "        await tx.execute(sql.close_dead_letters, consumer=cursors.engine.name, tenant_id=tenant_id)\n",
        f"{SECOND}::test_a_rebuild_closes_the_dead_letters_that_it_applies",
    ),
    taken_away(
        "runtime/events/relay.py",
        "an error reply keeps the relay's cursor",
        "            if failure is not None:\n",
        f"{RELAY_TESTS}::test_an_error_reply_of_redis_keeps_the_cursor_where_it_was",
        without="            if False:\n",
    ),
    taken_away(
        "runtime/events/relay.py",
        "memory bound of the streams",
        "if length >= self._stream_limit",
        f"{RELAY_TESTS}::test_a_full_stream_leaves_the_events_in_the_log",
        without="if False",
    ),
    taken_away(
        "runtime/events/relay.py",
        "a server that says nothing is given up",
        "        with anyio.fail_after(REDIS_DEADLINE_S):\n            connection = await pool.get_connection()",
        f"{RELAY_TESTS}::test_a_server_that_accepts_and_says_nothing_costs_the_relay_its_deadline_and_no_more",
        without="        with anyio.fail_after(30):\n            connection = await pool.get_connection()",
    ),
    taken_away(
        "runtime/events/maintenance.py",
        "trimming bound",
        "minid=min(bounds, key=_order)",
        f"{EVENTS}/test_registry.py::test_streams_are_trimmed_behind_what_the_running_engines_have_done",
        without="minid=max(bounds, key=_order)",
    ),
    taken_away(
        "sql/queries/maintenance.sql",
        "retention waits for every consumer",
        "    and o.tenant_seq <= done.last_seq\n",
        f"{EVENTS}/test_registry.py::test_retention_deletes_only_what_every_registered_consumer_has_left_behind",
    ),
    taken_away(
        "runtime/events/streams.py",
        "groups begin at 0",
        'stream_key(partition), group, id="0", mkstream=True',
        f"{RELAY_TESTS}::test_forged_and_ghost_entries_have_no_effect",
        "tests/compat/test_redis.py::test_a_group_that_is_made_late_reads_what_was_published_before",
        without='stream_key(partition), group, id="$", mkstream=True',
    ),
    taken_away(
        "runtime/events/streams.py",
        "a group that is gone is made again",
        '    return "NOGROUP" in text or "no longer exists" in text or "UNBLOCKED" in text',
        "tests/compat/test_redis.py::test_every_way_in_which_a_group_goes_is_told_from_other_errors",
        without="    return bool(text) and False",
    ),
    taken_away(
        "runtime/app.py",
        "a server that forgets is refused at the start",
        "        await check_redis(client)\n",
        "tests/compat/test_redis.py::test_the_program_does_not_start_on_a_server_that_forgets",
    ),
    taken_away(
        "runtime/events/streams.py",
        "the driver repeats no command",
        "retry=Retry(NoBackoff(), 0)",
        "tests/compat/test_redis.py::test_a_command_whose_reply_is_lost_is_not_sent_again",
        without="retry=Retry(NoBackoff(), 3)",
    ),
    taken_away(
        "runtime/events/relay.py",
        "a node of a cluster that fails holds no other up",
        "                cluster.learn(node, error)\n",
        f"{CLUSTER_TESTS}::test_a_dead_node_leaves_its_partitions_to_the_reconciler_and_its_return_heals_them",
        without="                raise\n",
    ),
    taken_away(
        "runtime/events/relay.py",
        "what a node did not take stays behind the cursor",
        'if row["partition"] not in failed]',
        f"{CLUSTER_TESTS}::test_a_dead_node_leaves_its_partitions_to_the_reconciler_and_its_return_heals_them",
        without="]",
    ),
    taken_away(
        "runtime/events/redis_cluster.py",
        "a slot that moved is looked for where it went",
        "            self._places[error.slot_id] = address\n            self._is_current = False\n",
        f"{CLUSTER_TESTS}::test_a_slot_that_moves_takes_its_stream_along",
        without="            pass\n",
    ),
    taken_away(
        "runtime/events/redis_check.py",
        "a cluster that is not expected is refused",
        'if int(told.get("cluster_enabled", 0)) and not isinstance(client, ClusterClient):',
        f"{CLUSTER_TESTS}::test_a_cluster_that_is_not_expected_is_refused_and_a_server_alone_where_one_is",
        without="if False:",
    ),
)
