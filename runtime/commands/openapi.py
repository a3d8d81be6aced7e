"""``basecommerce openapi``."""

from __future__ import annotations

from runtime.commands.output import say


def openapi() -> None:
    """Print the OpenAPI document of the API as JSON; needs no server."""
    import orjson

    from handlers.permissions import PERMISSIONS
    from handlers.problem_codes import CODES
    from handlers.vertical import ROUTES
    from runtime.web import auth, documentation
    from runtime.web.problem_codes import SHARED_CODES

    document = documentation.document((auth.routes, *ROUTES), PERMISSIONS, {**SHARED_CODES, **CODES})
    say(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
