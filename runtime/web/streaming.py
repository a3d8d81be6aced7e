"""An answer that is made while it is sent, so that its size takes no memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from aiohttp import hdrs, web

from runtime.host.logs import get_logger

log = get_logger(__name__)


class StreamedResponse(web.StreamResponse):
    """Sends ``parts`` as they come and closes them whatever happens, e.g. when the client goes away.

    A failure on the way cannot be told in the status, which is long gone: the connection closes before the answer's
    end, which every client sees.
    """

    def __init__(self, parts: AsyncGenerator[bytes], *, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(status=status, headers=headers)
        self._parts = parts
        self._asked_by: str | None = None

    async def prepare(self, request: web.BaseRequest) -> Any:
        """Send the headers."""
        self._asked_by = request.method
        return await super().prepare(request)

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the parts and the end."""
        async with aclosing(self._parts) as parts:
            if self._asked_by != hdrs.METH_HEAD:
                try:
                    async for part in parts:
                        await self.write(part)
                except ConnectionError:
                    raise
                except Exception:
                    log.exception("an answer broke off")
                    raise ConnectionAbortedError("the answer cannot be completed") from None
        await super().write_eof(data)
