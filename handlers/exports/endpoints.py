"""Every list of the API as a file, under the list's own address with ``/exports`` before it."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from tempfile import TemporaryFile
from typing import IO, Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

import anyio
import anyio.to_thread
import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model
from pydantic_core import PydanticCustomError

from handlers.exports.columns import columns_of, columns_of_part, parts_of
from handlers.exports.formats import Cell, CsvFile, Workbook
from handlers.exports.rows import Names, Table
from handlers.own_transactions import transaction
from runtime.data.database import Database
from runtime.errors import ForbiddenError
from runtime.host.logs import get_logger
from runtime.web.pagination import NOT_TAKEN
from runtime.web.routing import Call, Operation, Reply, Routes
from runtime.web.writes import record_audit

log = get_logger(__name__)

PAGE_ROWS = 500
PART_BYTES = 1 << 16
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_ABOUT = (
    "All rows that the list has with these filters, with headings, days, numbers and words in the store's language. "
    "An answer that breaks off before its end is incomplete."
)

# Each has files on disk and keeps a thread busy.
_WORKBOOKS = anyio.CapacityLimiter(2)

Page = list[list[Cell]]


def routes_of(groups: Sequence[Routes]) -> Routes:
    """An export of each list of these operations, and of the parts of its items (e.g. the items of all quotes)."""
    routes = Routes(tag="exports")
    for listed, table in tables_of(groups):
        _declare(routes, listed, table)
    return routes


def tables_of(groups: Sequence[Routes]) -> Iterator[tuple[Operation, Table]]:
    """The stores' lists and what their files have."""
    for listed in (operation for group in groups for operation in group.operations):
        view = _item_of(listed)
        if view is None or listed.path.startswith("/api/v1/platform/"):
            continue
        parts = listed.path.removeprefix("/api/v1/").split("/")
        segments = tuple(part for part in parts if not part.startswith("{"))
        yield listed, Table(segments, columns_of(view))
        for name, part in parts_of(view):
            yield listed, Table((*segments, name.replace("_", "-")), columns_of_part(view, part), name)


def _item_of(operation: Operation) -> type[BaseModel] | None:
    """The model of a list's items; None when the operation answers no list in pages."""
    fields = getattr(operation.answers, "model_fields", {})
    if operation.method != "GET" or not {"items", "next_cursor"} <= fields.keys():
        return None
    [item] = get_args(fields["items"].annotation)
    return item  # type: ignore[no-any-return]


class _Asked(BaseModel):
    """What every export takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["csv", "xlsx"] = Field("csv", description="The kind of file")


def _whole(_value: object) -> None:
    raise PydanticCustomError("whole_list", "An export has all rows")


_NotTaken = Annotated[Any, BeforeValidator(_whole), WithJsonSchema(NOT_TAKEN)]


def _query_of(listed: Operation, name: str) -> type[BaseModel]:
    """The list's filters, and the format."""
    if listed.query is None:
        return _Asked
    fields: dict[str, Any] = {
        field: (_NotTaken, None) for field in ("limit", "cursor") if field in listed.query.model_fields
    }
    return create_model(name, __base__=(listed.query, _Asked), **fields)


def _declare(routes: Routes, listed: Operation, table: Table) -> None:
    async def export(call: Call[Any], **arguments: Any) -> Reply:
        return await _export(call, listed, table, arguments)

    name = "_".join(["export", listed.name.removeprefix("list_"), *([table.part] if table.part else [])])
    parameters = [inspect.Parameter(given, inspect.Parameter.KEYWORD_ONLY) for given in listed.parameters]
    export.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter("call", inspect.Parameter.POSITIONAL_ONLY), *parameters]
    )
    export.__annotations__ = dict(listed.parameters)
    export.__name__ = name
    export.__doc__ = f"{_ABOUT} Takes `{listed.may}` as well."
    path = listed.path.removeprefix(routes.prefix) + (f"/{table.segments[-1]}" if table.part else "")
    of_what = f"{listed.summary}: {table.segments[-1].replace('-', ' ')}" if table.part else listed.summary
    routes.get(
        f"/exports{path}",
        may="exports:create",
        summary=f"As a file: {of_what[0].lower()}{of_what[1:]}",
        transaction=False,
        query=_query_of(listed, f"{name.title().replace('_', '')}Query"),
        media="*/*",
        errors=(404,),
    )(export)


async def _export(call: Call[Any], listed: Operation, table: Table, arguments: dict[str, Any]) -> Reply:
    if listed.may not in call.identity.permissions:
        raise ForbiddenError(
            "list_not_allowed", "Your role may not see this list.", "Seu perfil não pode ver esta lista."
        )
    kind: str = call.query.format
    locale = call.tenant.locale
    pages = _pages(call, listed, table, arguments)
    # The first page is read before the answer begins, so that what is wrong can still be said.
    first = await anext(pages)
    parts = _csv if kind == "csv" else _xlsx
    return Reply(
        parts(call, table, first, pages),
        headers={
            "Content-Type": MEDIA[kind],
            "Content-Disposition": f'attachment; filename="{table.title(locale)}.{kind}"',
        },
    )


async def _pages(
    call: Call[Any], listed: Operation, table: Table, arguments: dict[str, Any]
) -> AsyncGenerator[Page]:
    """The rows, page by page, each read in a transaction of its own that ends before anybody waits for the client.

    The replica may be the one to answer; that they were exported is written before the first of them goes out.
    """
    asked, zone = call.query, ZoneInfo(call.tenant.time_zone)
    paged = "cursor" in type(asked).model_fields
    cursor: str | None = None
    count = 0

    async def read(database: Database) -> tuple[Any, Names]:
        async with database.tenant(call.tenant.id, user_id=call.identity.user_id) as tx:
            call.tx = tx
            answer = orjson.loads((await listed.handler(call, **arguments)).content())
            return answer, await table.names(tx, answer["items"])

    while True:
        if paged:
            call.query = asked.model_copy(update={"cursor": cursor, "limit": PAGE_ROWS})
        answer, names = await call.context.reads.run(call.identity, read)
        if not call.audited:
            filters = asked.model_dump(mode="json", exclude_defaults=True, exclude={"format", "q"})
            after = {"list": listed.path, "part": table.part, "format": asked.format, "filters": filters}
            call.audit("data.exported", "export", after=after)
            async with transaction(call) as tx:
                await record_audit(call, tx)
        rows = await anyio.to_thread.run_sync(table.rows, answer["items"], names, call.tenant.locale, zone)
        count += len(rows)
        cursor = answer["next_cursor"]
        yield rows
        if cursor is None:
            log.info("exported", list=listed.path, part=table.part, rows=count, request_id=call.request_id)
            return
        if call.request.transport is None:
            raise ConnectionResetError("the client has gone")


async def _csv(
    call: Call[Any], table: Table, first: Page, pages: AsyncGenerator[Page]
) -> AsyncGenerator[bytes]:
    locale = call.tenant.locale
    file = CsvFile(table.headings(locale), locale)
    async with aclosing(pages):
        yield file.start() + await anyio.to_thread.run_sync(file.lines, first)
        async for rows in pages:
            yield await anyio.to_thread.run_sync(file.lines, rows)


async def _xlsx(
    call: Call[Any], table: Table, first: Page, pages: AsyncGenerator[Page]
) -> AsyncGenerator[bytes]:
    with TemporaryFile() as file:
        async with aclosing(pages), _WORKBOOKS:
            await _write_workbook(call, table, first, pages, file)
        file.seek(0)
        while part := await anyio.to_thread.run_sync(file.read, PART_BYTES):
            yield part


async def _write_workbook(
    call: Call[Any], table: Table, first: Page, pages: AsyncGenerator[Page], file: IO[bytes]
) -> None:
    locale = call.tenant.locale
    book = await anyio.to_thread.run_sync(Workbook, table.title(locale), table.headings(locale), locale, file)
    try:
        await anyio.to_thread.run_sync(book.add, first)
        async for rows in pages:
            await anyio.to_thread.run_sync(book.add, rows)
        await anyio.to_thread.run_sync(book.finish)
    finally:
        await anyio.to_thread.run_sync(book.discard)
