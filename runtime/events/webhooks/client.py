"""The way out: HTTP to addresses that strangers choose, and never to our own networks (SSRF).

The address is judged when the connection is made, so a name that resolves to another address than a moment ago
(DNS rebinding), a number written as a name and a redirect gain nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import aiohttp

TIMEOUT_S = 10.0
_CONNECTIONS = 50
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_USER_AGENT = "BaseCommerce-Webhooks"


class ForbiddenAddressError(OSError):
    """The name leads to an address that is not public."""


class WebhookClient:
    """Posts to public addresses. ``allowed`` are networks that may be reached although they are not public."""

    def __init__(self, allowed: Sequence[str] = (), *, timeout_s: float = TIMEOUT_S) -> None:
        self._allowed = [ipaddress.ip_network(network, strict=False) for network in allowed]
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> WebhookClient:
        connector = aiohttp.TCPConnector(
            limit=_CONNECTIONS, force_close=True, use_dns_cache=False, socket_factory=self._open_socket
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": _USER_AGENT, "Content-Type": "application/json"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int | None, str | None]:
        """The status of the answer, and None; or what went wrong. Redirects are not followed, nor is the body read."""
        if self._session is None:
            raise RuntimeError("the client is entered first")
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                return answer.status, None if 200 <= answer.status < 300 else f"answered {answer.status}"
        except ForbiddenAddressError:
            return None, "the address is not public"
        except aiohttp.ClientConnectorError as error:
            forbidden = isinstance(error.os_error, ForbiddenAddressError) or "not public" in str(error)
            return None, "the address is not public" if forbidden else "no connection"
        except TimeoutError:
            return None, f"no answer within {self._timeout.total:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return None, type(error).__name__

    def _open_socket(self, found: Any) -> socket.socket:
        family, kind, protocol, _, target = found
        if not self._may_reach(target[0]):
            raise ForbiddenAddressError("the address is not public")
        opened = socket.socket(family, kind, protocol)
        opened.setblocking(False)
        return opened

    def _may_reach(self, text: str) -> bool:
        address = ipaddress.ip_address(text.partition("%")[0])
        meant = _meant(address)
        if any(meant in network for network in self._allowed if network.version == meant.version):
            return True
        return all(one.is_global and not one.is_multicast for one in (address, meant))


def _meant(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that an IPv6 one only wraps, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address
