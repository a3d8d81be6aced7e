"""What all requests of one application share; built once, by ``create_application``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.data.database import Database
    from runtime.data.files import Files
    from runtime.settings import Settings
    from runtime.web.cookies import Cookies
    from runtime.web.feeds import Feeds
    from runtime.web.limits import RateLimits
    from runtime.web.pagination import Cursors
    from runtime.web.passwords import Passwords
    from runtime.web.reads import Reads
    from runtime.web.sessions import Sessions
    from runtime.web.tenancy import Directory, Tenancy
    from runtime.web.throttle import Throttle
    from runtime.web.tokens import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The parts a request needs."""

    settings: Settings
    database: Database
    files: Files
    permissions: Mapping[str, frozenset[str]]
    cookies: Cookies
    cursors: Cursors
    directory: Directory
    feeds: Feeds
    reads: Reads
    sessions: Sessions
    tokens: Tokens
    passwords: Passwords
    throttle: Throttle
    limits: RateLimits
    tenancy: Tenancy
