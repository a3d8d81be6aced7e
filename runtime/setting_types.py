"""Types of settings: how the text of a variable is read, and what is said when it cannot be."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

_ROLE = re.compile(r"api|relay|engines|scheduler|engine:[a-z]+")


def _split(value: object) -> object:
    """``"a, b"`` becomes ``("a", "b")``; anything that is not a string is left to pydantic."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _role(value: str) -> str:
    if not _ROLE.fullmatch(value):
        raise ValueError(f"'{value}' is not a role: api, relay, engines, engine:<name>, scheduler")
    return value


def _origin(value: str) -> str:
    if value == "*":
        raise ValueError("'*' is refused because requests carry credentials; list the origins")
    parts = urlsplit(value)
    if (
        parts.scheme not in ("http", "https")
        or not parts.netloc
        or value != f"{parts.scheme}://{parts.netloc}"
    ):
        raise ValueError(f"'{value}' is not an origin such as https://shop.example.com")
    return value.lower()


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise ValueError(f"'{value}' is not an address or network such as 10.0.0.0/8") from None


def _database_url(value: str) -> str:
    """``postgresql+driver://`` of other toolkits is accepted: the driver is ours to choose."""
    value = re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", value)
    if value and not value.startswith(("postgresql://", "postgres://")):
        raise ValueError("expected postgresql://user:password@host:port/database")
    return value


def redis_urls(value: str) -> list[str]:
    """The URLs of a comma-separated list; a comma within one is part of it."""
    return re.split(r",\s*(?=rediss?://)", value)


def _redis_url(value: str) -> str:
    if value and not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("expected redis://host:port/0, rediss://... or unix:///path")
    return value


def _domain(value: str) -> str:
    value = value.strip().strip(".").lower()
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*", value):
        raise ValueError("expected a domain such as shop.example.com, without scheme or port")
    return value


Roles = Annotated[tuple[Annotated[str, AfterValidator(_role)], ...], NoDecode, BeforeValidator(_split)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_split)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode, BeforeValidator(_split)]


def _bucket_url(value: str) -> str:
    if value and re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?", value) is None:
        raise ValueError("expected s3://bucket or s3://bucket/prefix")
    return value


BucketUrl = Annotated[str, AfterValidator(_bucket_url)]
"""``s3://bucket/prefix``, or nothing."""

DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
Port = Annotated[int, Field(ge=0, le=65535)]
PoolSize = Annotated[int, Field(ge=1, le=500)]
RedisUrl = Annotated[str, AfterValidator(_redis_url)]
Domain = Annotated[str, AfterValidator(_domain)]
