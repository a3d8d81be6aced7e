"""Search that understands what was typed: first by words as they are, then by words that look alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runtime.data.queries import Query
from runtime.web.pagination import page_reply
from runtime.web.routing import Call, Reply


async def find(call: Call[Any], by_words: Query, by_likeness: Query, parameters: Mapping[str, Any]) -> Reply:
    """A page of the best matches for ``call.query.q``.

    Likeness answers only when no row has all the words; the cursor remembers which of the two answered, so
    that later pages go on with it. Both queries take ``parameters``, ``$question`` and the last row's rank,
    name and id.
    """
    tx, question = call.tx, call.query.q
    cursor = call.cursor()
    found_by, rank, name, row_id = cursor or ("words", None, None, None)
    after = {
        "after_rank": None if rank is None else int(rank),
        "after_name": name,
        "after_id": row_id,
    }
    rows = []
    if found_by == "words":
        rows = await tx.fetch_all(by_words, question=question, **after, **parameters)
        if not rows and cursor is None:
            found_by = "likeness"
    if found_by == "likeness":
        rows = await tx.fetch_all(by_likeness, question=question, **after, **parameters)
    return page_reply(
        call, rows, call.query.limit, lambda row: [found_by, row["rank"], row["name_key"], row["id"]]
    )
