"""``basecommerce openapi``."""

from __future__ import annotations

from runtime.commands.output import say


def openapi() -> None:
    """Print the OpenAPI document of the API as JSON; needs no server."""
    import orjson

    from handlers.permissions import PERMISSIONS
    from handlers.vertical import ROUTES
    from runtime.web import auth, documentation

    document = documentation.document((auth.routes, *ROUTES), PERMISSIONS)
    say(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
