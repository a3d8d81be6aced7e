"""``basecommerce openapi``."""

from __future__ import annotations

from runtime.commands.output import say


def openapi() -> None:
    """Print the OpenAPI document of the API as JSON; needs no server."""
    import orjson

    from handlers.vertical import openapi_document

    say(orjson.dumps(openapi_document(), option=orjson.OPT_INDENT_2).decode())
