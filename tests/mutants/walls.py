"""Guards between stores and at the door: row security, keys, headers, origins, sessions, permissions, durability."""

from __future__ import annotations

from tests.mutants.guard import taken_away

PLATFORM = "sql/migrations/0001_platform.sql"
ENDPOINT = "runtime/web/endpoint.py"
COOKIES = "runtime/web/cookies.py"
WEB = "tests/integration/web"
HOLES = "tests/architecture/test_sql.py::test_a_hole_in_the_walls_between_tenants_stops_the_start"
EDGE = "tests/edge/test_nginx.py"
SHARES = "tests/unit/data/test_shares.py"

GUARDS = (
    taken_away(
        PLATFORM,
        "row security of a store's tables is restrictive",
        "  execute format(\n"
        "    'create policy tenant on %s as restrictive for all to basecommerce_api '\n"
        "    'using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid)) '\n"
        "    'with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid))',\n"
        "    table_name);\n"
        "  execute format('grant select, insert, update on %s to basecommerce_api', table_name);",
        "tests/architecture/test_sql.py::test_the_migrated_schema_passes_the_start_up_check",
        without="  execute format('grant select, insert, update on %s to basecommerce_api', table_name);",
    ),
    taken_away(
        PLATFORM,
        "an engine reaches the tenants of its batch only",
        "    'with check (tenant_id = any ((select nullif(current_setting(''app.tenant_ids'', true), '''')"
        "::uuid[])::uuid[]))',",
        "tests/architecture/test_sql.py::test_an_engine_writes_the_rows_of_its_batch_only",
        without="    'with check (true)',",
    ),
    taken_away(
        "runtime/data/catalogue_check.py",
        "tables without forced row security stop the start",
        '            (sql.find_unprotected_tables, "table {} is not under forced row level security"),\n',
        HOLES,
    ),
    taken_away(
        "runtime/data/catalogue_check.py",
        "composite keys: a foreign key without tenant_id stops the start",
        '            (sql.find_loose_foreign_keys, "foreign key {} between tenant tables leaves tenant_id out"),\n',
        HOLES,
    ),
    taken_away(
        "runtime/data/catalogue_check.py",
        "unique keys: one without tenant_id stops the start",
        '            (sql.find_loose_unique_indexes, "unique index {} of a tenant table leaves tenant_id out"),\n',
        HOLES,
    ),
    taken_away(
        "runtime/data/catalogue_check.py",
        "an owner's rights stop the start",
        "                sql.find_excess_rights,\n",
        "tests/architecture/test_sql.py::test_a_connection_that_kept_the_owners_rights_stops_the_start",
        without="                sql.find_lost_durability,\n",
    ),
    taken_away(
        "runtime/data/catalogue_check.py",
        "asynchronous commits stop the start",
        '            (sql.find_lost_durability, "synchronous_commit is {}: an acknowledged write could be lost"),\n',
        "tests/compat/test_postgres.py::test_a_server_that_acknowledges_before_it_writes_is_refused",
    ),
    taken_away(
        "infra/nginx/locations.conf",
        "header include in every location",
        "    limit_req zone=sign_in burst=20 nodelay;\n    include /etc/nginx/proxy.conf;\n",
        f"{EDGE}::test_every_location_that_proxies_has_all_the_headers",
        f"{EDGE}::test_the_subdomain_names_the_store_whatever_the_client_sends",
        without="    limit_req zone=sign_in burst=20 nodelay;\n    proxy_set_header Host $host;\n"
        "    proxy_pass http://basecommerce_api;\n",
    ),
    taken_away(
        "runtime/web/tenancy.py",
        "a tenant header counts from our own edge only",
        "        if not given or not self.peers.is_trusted(request):",
        f"{WEB}/test_tenancy.py::test_a_tenant_header_from_an_untrusted_peer_changes_nothing",
        without="        if not given:",
    ),
    taken_away(
        "runtime/web/tenancy.py",
        "the edge's secret",
        '        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._secret)',
        f"{WEB}/test_tenancy.py::test_a_tenant_header_counts_with_the_edge_secret_only",
        without="        return bool(given)",
    ),
    taken_away(
        "runtime/data/reading.py",
        "the tenant of a reading ends with its statement",
        "set_config('app.tenant_id', ${number}::text, true)",
        "tests/integration/data/test_reading.py::test_no_tenant_stays_on_the_connection",
        without="set_config('app.tenant_id', ${number}::text, false)",
    ),
    taken_away(
        ENDPOINT,
        "a sign-in belongs to its store",
        "            if tenant.id != claims.tenant_id:",
        f"{WEB}/test_tenancy.py::test_a_token_of_another_store_is_refused",
        without="            if False:",
    ),
    taken_away(
        ENDPOINT,
        "permissions",
        "        if may is not None and may not in identity.permissions:",
        f"{WEB}/test_permissions.py::test_a_role_may_do_what_the_table_says_and_nothing_else",
        without="        if False:",
    ),
    taken_away(
        ENDPOINT,
        "a session that was ended is out at once",
        "        if session is None or session.user_id != claims.user_id:",
        f"{WEB}/test_sessions.py::test_signing_out_ends_the_session_at_once",
        without="        if False:",
    ),
    taken_away(
        "runtime/web/sessions.py",
        "a copy written late does not bring a session back",
        "_encode(session), nx=True, ex=COPY_S",
        f"{WEB}/test_sessions.py::test_a_copy_written_late_does_not_bring_a_revoked_session_back",
        without="_encode(session), ex=COPY_S",
    ),
    taken_away(
        "sql/queries/auth.sql",
        "a refresh token is good once",
        "  and t.token_hash = $token_hash\n  and t.used_at is null\n",
        f"{WEB}/test_sessions.py::test_a_refresh_token_is_good_once",
        f"{WEB}/test_sessions.py::test_of_many_uses_at_once_at_most_one_gets_tokens",
        without="  and t.token_hash = $token_hash\n",
    ),
    taken_away(
        COOKIES,
        "origin check",
        "            or origin not in (None, own)\n",
        f"{WEB}/test_cookies.py::test_a_change_that_no_page_of_the_store_asked_for_is_refused",
    ),
    taken_away(
        COOKIES,
        "CSRF token",
        "        if not any(\n            hmac.compare_digest",
        f"{WEB}/test_cookies.py::test_a_change_without_the_sessions_csrf_token_is_refused",
        without="        if False and not any(\n            hmac.compare_digest",
    ),
    taken_away(
        "runtime/web/throttle.py",
        "throttle count: what is under way counts",
        "                if standing.under_way <= max(1, subject.allowed - standing.failures):",
        f"{WEB}/test_throttle.py::test_guesses_made_at_once_get_no_further_than_guesses_made_one_by_one",
        without="                if True:",
    ),
    taken_away(
        "runtime/web/throttle.py",
        "throttle: an account that is guessed at has to wait",
        "            if delay_s := subject.delay_s(failures):",
        f"{WEB}/test_throttle.py::test_an_account_that_is_guessed_at_has_to_wait",
        without="            if delay_s := 0 * subject.delay_s(failures):",
    ),
    taken_away(
        "runtime/settings.py",
        "weak keys are refused",
        '    if reason := weakness(key) if key else "missing":',
        "tests/unit/test_settings.py::test_a_weak_secret_key_is_refused_in_production",
        without="    if reason := None:",
    ),
    taken_away(
        "handlers/pages.py",
        "a day is written as a day",
        "    BeforeValidator(_written_as_a_day),\n",
        "tests/security/test_days.py",
    ),
    taken_away(
        "runtime/web/protocol.py",
        "a request's head has a deadline",
        "        elif waits and data:",
        "tests/security/test_slow_clients.py::test_headers_that_trickle_in_end_with_their_deadline",
        without="        elif False:",
    ),
    taken_away(
        "runtime/web/protocol.py",
        "who takes nothing of an answer is cut off",
        "        super().pause_writing()\n        self._look_again()",
        "tests/security/test_slow_clients.py::test_who_takes_nothing_of_an_answer_is_cut_off",
        without="        super().pause_writing()",
    ),
    taken_away(
        "runtime/web/server.py",
        "compressed bodies are not unpacked",
        "            auto_decompress=False,\n",
        f"{WEB}/test_protocol.py::test_a_compressed_body_is_refused_without_unpacking_it",
    ),
    taken_away(
        "runtime/data/shares.py",
        "a store at full speed keeps to few turns while others work",
        "return self._most if now - others_at > PRESENT_S else self._beside",
        SHARES,
        without="return self._most",
    ),
    taken_away(
        "runtime/data/shares.py",
        "a line of slow work gets another turn",
        "if now - line.moved_at >= PATIENCE_S and line.held < self._most:",
        SHARES,
        without="if False:",
    ),
    taken_away(
        "runtime/data/shares.py",
        "who goes away in the moment of its turn gives it back",
        "            if not turn.cancelled():  # it was our turn in the moment we left\n"
        "                self.give(tenant_id)\n"
        "            elif turn",
        SHARES,
        without="            if turn",
    ),
)
