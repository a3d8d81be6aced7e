"""Which store a request is for: a trusted header, else the host name, else the token."""

from __future__ import annotations

import hmac
import ipaddress
import re
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from aiohttp import web

from runtime.data.database import Database
from runtime.data.ids import NIL
from runtime.data.queries import Query, sql
from runtime.errors import ForbiddenError, NotFoundError, RefusedError
from runtime.host.logs import security_event
from runtime.settings import Settings
from runtime.web.call import Tenant
from runtime.web.limits import RateLimits

REMEMBER_S = 5.0
_REMEMBERED = 10_000
_SLUG = re.compile(r"[a-z0-9](?:-?[a-z0-9])*")
_RESERVED = (
    "admin api app assets auth cdn docs ftp grafana health help login mail metrics ns1 ns2 ops platform "
    "prometheus root smtp static status support suporte test webhook webhooks www"
)
RESERVED_SLUGS = frozenset(_RESERVED.split())


def is_slug(text: str) -> bool:
    """Whether a store may have this slug: its form, its length, and not a reserved word."""
    return 3 <= len(text) <= 40 and _SLUG.fullmatch(text) is not None and text not in RESERVED_SLUGS


class Directory:
    """The stores by slug and id, remembered for five seconds: a suspension takes effect within that."""

    def __init__(self, database: Database, parse_settings: Callable[[Any], Any]) -> None:
        self._database = database
        self._parse_settings = parse_settings
        self._known: dict[str | UUID, tuple[float, Tenant | None]] = {}

    def recall(self, key: str | UUID) -> Tenant | None:
        """The store if it is remembered freshly; costs no I/O."""
        entry = self._known.get(key)
        return entry[1] if entry is not None and entry[0] > time.monotonic() else None

    async def by_slug(self, slug: str) -> Tenant | None:
        """The store with this slug, or None."""
        return await self._find(slug, sql.get_tenant_by_slug, slug=slug) if is_slug(slug) else None

    async def by_id(self, tenant_id: UUID) -> Tenant | None:
        """The store with this id (the platform's reserved tenant included), or None."""
        return await self._find(tenant_id, sql.get_tenant_by_id, id=tenant_id)

    async def platform(self) -> Tenant | None:
        """The reserved tenant of the platform's administrators."""
        return await self.by_id(NIL)

    def forget(self, tenant: Tenant) -> None:
        """Read this store again next time, because it has just changed."""
        self._known.pop(tenant.slug, None)
        self._known.pop(tenant.id, None)

    def forget_all(self) -> None:
        """Read every store again next time."""
        self._known.clear()

    async def _find(self, key: str | UUID, query: Query, **parameters: Any) -> Tenant | None:
        entry = self._known.get(key)
        if entry is not None and entry[0] > time.monotonic():
            return entry[1]
        async with self._database.transaction() as tx:
            row = await tx.fetch_one(query, **parameters)
        tenant = None if row is None else self._tenant(row)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[key] = (time.monotonic() + REMEMBER_S, tenant)
        return tenant

    def _tenant(self, row: Any) -> Tenant:
        return Tenant(
            id=UUID(int=row["id"].int),
            slug=row["slug"],
            name=row["name"],
            status=row["status"],
            locale=row["locale"],
            time_zone=row["time_zone"],
            branding=row["branding"],
            settings=self._parse_settings(row["settings"]),
        )


class Peers:
    """Which connections come from our own edge, and so may speak for others (tenant and address headers)."""

    def __init__(self, settings: Settings) -> None:
        self._networks = [ipaddress.ip_network(network, strict=False) for network in settings.trusted_proxies]
        self._secret = settings.edge_secret.get_secret_value().encode()
        self._is_in_network = lru_cache(maxsize=4096)(self._look_up)

    def is_trusted(self, request: web.Request) -> bool:
        """True for a connection from TRUSTED_PROXIES, or with the edge's secret in X-Edge-Auth."""
        if self._networks and self._is_in_network(request.remote or ""):
            return True
        if not self._secret:
            return False
        given = request.headers.get("X-Edge-Auth", "")
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._secret)

    def address(self, request: web.Request) -> str:
        """The client's address: the last hop that the trusted edge names, else the connection's own."""
        own = request.remote or ""
        forwarded = request.headers.get("X-Forwarded-For")
        if forwarded and self.is_trusted(request):
            last = forwarded.rsplit(",", 1)[-1].strip()
            try:
                return str(ipaddress.ip_address(last))
            except ValueError:
                return own
        return own

    def scheme(self, request: web.Request) -> str:
        """ "https" or "http" as the client came: what the trusted edge says, else the connection's own."""
        forwarded = request.headers.get("X-Forwarded-Proto")
        if forwarded and self.is_trusted(request):
            last = forwarded.rsplit(",", 1)[-1].strip().lower()
            if last in ("http", "https"):
                return last
        return request.scheme

    def _look_up(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)


class Hosts:
    """Reads the store's slug from the host name."""

    def __init__(self, base_domain: str) -> None:
        bases: Sequence[str] = (base_domain, "localhost")
        self._suffixes = tuple(f".{base}" for base in dict.fromkeys(bases))
        self.slug = lru_cache(maxsize=4096)(self._slug)

    def _slug(self, host: str) -> str | None:
        """The first label under the base domain; None for the bare host, an address or a foreign name."""
        name = re.sub(r":[0-9]*$", "", host.strip().lower()).rstrip(".")
        for suffix in self._suffixes:
            if name.endswith(suffix):
                return name.removesuffix(suffix)
        return None


class Tenancy:
    """Resolves and admits the store of a request."""

    def __init__(self, settings: Settings, directory: Directory, limits: RateLimits) -> None:
        self.peers = Peers(settings)
        self._limits = limits
        self._hosts = Hosts(settings.base_domain)
        self._directory = directory

    def slug(self, request: web.Request) -> str | None:
        """The slug that the request names; None on the bare host. A header only counts from our own edge."""
        from_host = self._hosts.slug(request.headers.get("Host", ""))
        given = request.headers.get("X-Tenant-Slug")
        if not given or not self.peers.is_trusted(request):
            return from_host
        if from_host is not None and given != from_host:
            security_event("tenant_header_mismatch", header=given[:64], host=from_host[:64])
            raise RefusedError(
                "tenant_mismatch",
                "X-Tenant-Slug and Host name different stores.",
                "X-Tenant-Slug e Host indicam lojas diferentes.",
            )
        return given

    async def named(self, request: web.Request) -> Tenant | None:
        """The store that the request names, admitted; None on the bare host, 404 for an unknown one."""
        slug = self.slug(request)
        if slug is None:
            return None
        known = self._directory.recall(slug)
        if known is None:
            # Made-up names each cost a query, and come before anybody has signed in.
            self._limits.check_address(self.peers.address(request))
            known = await self._directory.by_slug(slug)
        return admit(known)


def admit(tenant: Tenant | None) -> Tenant:
    """The store, if it exists (404) and is not suspended (403)."""
    if tenant is None:
        raise NotFoundError("unknown_tenant", "There is no such store.", "Esta loja não existe.")
    if tenant.status != "active":
        raise ForbiddenError("tenant_suspended", "This store is suspended.", "Esta loja está suspensa.")
    return tenant
