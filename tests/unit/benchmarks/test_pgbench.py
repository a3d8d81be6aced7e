"""What a server's log says was sent becomes a script that sends the same, with new ids each time."""

from __future__ import annotations

from benchmarks.pgbench import is_preparing, name_of, script, sent, uuids

MADE = "01900000-0000-7000-8000-0000000000aa"
LOG = f"""2026-11-24 15:00:00.000 UTC [7] postgres LOG:  statement: prepare "keep" as insert into kept -- all of it
\tvalues ($1, ';')
2026-11-24 15:00:00.001 UTC [7] postgres LOG:  statement: begin; set local app.tenant_id = 'a;b'
2026-11-24 15:00:00.002 UTC [7] postgres LOG:  execute __asyncpg_stmt_3__: select $1::uuid, $2
2026-11-24 15:00:00.002 UTC [7] postgres DETAIL:  Parameters: $1 = '{MADE}', $2 = 'it''s, $1'
2026-11-24 15:00:00.003 UTC [7] postgres LOG:  statement: execute "keep" ('{MADE}'); commit
"""


def test_every_statement_is_found_with_its_parameters() -> None:
    prepare, begin, prepare_read, read, end = sent(LOG)
    assert prepare == "prepare \"keep\" as insert into kept -- all of it\nvalues ($1, ';')"
    assert begin == "begin; set local app.tenant_id = 'a;b'"
    assert prepare_read.endswith("as select $1::uuid, $2")
    assert read == f"execute {name_of(prepare_read)} ('{MADE}', 'it''s, $1')"
    assert end == f"execute \"keep\" ('{MADE}'); commit"
    assert [is_preparing(each) for each in (prepare, begin, prepare_read, read)] == [True, False, True, False]
    assert uuids([read, end]) == {MADE}


def test_a_script_prepares_once_keeps_messages_whole_and_makes_new_ids() -> None:
    prepare, begin, _, _, end = sent(LOG)
    lines = script([begin, end], [prepare], [MADE]).splitlines()
    assert lines[0] == "\\if :ready = 0"
    assert lines[1:5] == [
        'prepare "keep" as insert into kept  ',
        "values ($1, ';');",
        "\\set ready 1",
        "\\endif",
    ]
    assert lines[5] == "\\set made0 random(100000000000, 999999999999)"
    assert lines[6:] == [
        "begin\\; set local app.tenant_id = 'a;b';",
        "execute \"keep\" ('01900000-0000-7000-8000-:made0')\\; commit;",
    ]
