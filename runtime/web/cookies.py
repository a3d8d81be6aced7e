"""Signing in pages: a cookie instead of a bearer token, and the proof that a request with it comes from our own page.

Stores are siblings under one domain, so to a browser they are the same site and SameSite keeps none of them out: the
cookie is bound to its host (``__Host-``), and a request that changes anything has to come from the very same origin and
carry the session's CSRF token.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from uuid import UUID

from aiohttp import web

from runtime.errors import ForbiddenError
from runtime.host.logs import security_event
from runtime.web.keys import KeyRing
from runtime.web.tenancy import Peers

COOKIE = "__Host-basecommerce"
LOCAL_COOKIE = "basecommerce"
"""Its name where there is no TLS: on ``localhost`` and below it, and nowhere else."""

CSRF_HEADER = "X-CSRF-Token"
_SAFE = frozenset({"GET", "HEAD"})
_FOREIGN = frozenset({"same-site", "cross-site"})


class Cookies:
    """Sets, reads and clears the cookie; ``check`` refuses a request that no page of the same origin has sent."""

    def __init__(self, peers: Peers, keys: KeyRing) -> None:
        self._peers = peers
        self._keys = keys

    def read(self, request: web.Request) -> str | None:
        """The access token in the request's cookie, if it has one."""
        token = request.cookies.get(COOKIE)
        if token is None and _is_local(request):
            token = request.cookies.get(LOCAL_COOKIE)
        return token

    def setting(self, request: web.Request, token: str, seconds: int) -> str:
        """The Set-Cookie header that has the browser keep a token for so long; 0 seconds has it forget."""
        if _is_local(request) and self._peers.scheme(request) == "http":
            name, secure = LOCAL_COOKIE, ""
        else:
            name, secure = COOKIE, "; Secure"
        return f"{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"

    def csrf_token(self, session_id: UUID) -> str:
        """What the page sends in ``X-CSRF-Token``; good as long as the session and the key that signs."""
        return _signed(self._keys.signing, session_id)

    def check_origin(self, request: web.Request) -> None:
        """Raise 403 unless the browser says that a page of this very origin sends the request.

        Reading is also refused to scripts, images and frames of other origins, but not to somebody who follows a link.
        """
        site = request.headers.get("Sec-Fetch-Site")
        if request.method in _SAFE:
            if site in _FOREIGN and request.headers.get("Sec-Fetch-Mode") != "navigate":
                raise _refused(request)
            return
        origin = request.headers.get("Origin")
        own = f"{self._peers.scheme(request)}://{request.headers.get('Host', '').lower()}"
        if (
            (origin is None and site is None)
            or origin not in (None, own)
            or site not in (None, "same-origin")
        ):
            raise _refused(request)

    def check(self, request: web.Request, session_id: UUID) -> None:
        """The same, and the session's CSRF token on whatever may change something."""
        self.check_origin(request)
        if request.method in _SAFE:
            return
        given = request.headers.get(CSRF_HEADER, "").encode("utf-8", "surrogateescape")
        if not any(
            hmac.compare_digest(given, _signed(key, session_id).encode()) for key in self._keys.verifying
        ):
            raise _refused(request)


def _signed(key: bytes, session_id: UUID) -> str:
    return hmac.new(key, session_id.bytes, sha256).hexdigest()


def _is_local(request: web.Request) -> bool:
    name = request.headers.get("Host", "").rsplit(":", 1)[0].lower()
    return name == "localhost" or name.endswith(".localhost")


def _refused(request: web.Request) -> ForbiddenError:
    security_event(
        "csrf_refused",
        origin=request.headers.get("Origin", "")[:100],
        site=request.headers.get("Sec-Fetch-Site", "")[:20],
        host=request.headers.get("Host", "")[:100],
    )
    return ForbiddenError(
        "csrf",
        "The request does not come from a page of this store, or lacks its CSRF token.",
        "A requisição não vem de uma página desta loja ou não traz o token CSRF.",
    )
