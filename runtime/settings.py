"""Every setting of the program: read once from the environment and ``.env``, checked, frozen and handed down.

No other module looks at the environment. What is wrong is reported all at once, a line per variable, before
anything is touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from runtime.errors import StartupError
from runtime.secret_key import development_key, weakness
from runtime.setting_types import (
    BucketUrl,
    DatabaseUrl,
    Domain,
    Networks,
    Origins,
    PoolSize,
    Port,
    RedisUrl,
    Roles,
    redis_urls,
)

_DEVELOPMENT_DEFAULTS = {"environment": "development", "log_format": "console"}


class Settings(BaseSettings):
    """All settings; ``api_port`` is read from ``API_PORT``. Descriptions are lines of docs/settings.md."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_file=".env", env_ignore_empty=True)

    environment: Literal["development", "production"] = Field(
        "production", description="`development` relaxes the checks of `SECRET_KEY`; never use it on a server"
    )
    basecommerce_home: Path = Field(
        Path(".basecommerce"),
        description="Directory of everything that keeps state: embedded servers, development key",
    )
    files_directory: str = Field(
        "",
        description="Where images and logos lie, a directory per store; default `BASECOMMERCE_HOME`/files",
    )
    files_url: BucketUrl = Field(
        "",
        description="Keeps images in a bucket of an S3-compatible service instead: `s3://bucket` or `s3://bucket/prefix`",
    )
    files_s3_endpoint: str = Field("", description="Address of that service; empty for AWS")
    files_s3_region: str = Field("us-east-1", description="Region of the bucket")
    files_s3_access_key_id: str = Field("", description="Key with which the bucket is read and written")
    files_s3_secret_access_key: SecretStr = Field(SecretStr(""), description="The secret of that key")

    backup_directory: str = Field(
        "", description="Where `basecommerce backup` writes; default `BASECOMMERCE_HOME`/backups"
    )

    database_url: DatabaseUrl = Field(
        "",
        repr=False,
        description="PostgreSQL 15 or newer, as the owner of the schema (migrations run with it)",
    )
    database_url_api: DatabaseUrl = Field(
        "", repr=False, description="Connection of the `api` role; default `DATABASE_URL`, then `set role`"
    )
    database_url_relay: DatabaseUrl = Field("", repr=False, description="The same for the `relay` role")
    database_url_engine: DatabaseUrl = Field("", repr=False, description="The same for the engines")
    database_url_scheduler: DatabaseUrl = Field(
        "", repr=False, description="The same for the `scheduler` role"
    )
    database_read_url: DatabaseUrl = Field(
        "",
        repr=False,
        description="A streaming standby that answers lists, searches, dashboard, exports and insights; empty for none",
    )
    database_read_max_lag_seconds: int = Field(
        5,
        ge=1,
        le=300,
        description="The primary answers instead while the standby may lack more seconds of writes",
    )
    database_url_backup: DatabaseUrl = Field(
        "",
        repr=False,
        description="What `backup`, `restore` and `tenant export` use; default `DATABASE_URL`. A superuser or a role "
        "with BYPASSRLS, and no pooler between",
    )
    database_pooler: Literal["none", "transaction"] = Field(
        "none", description="`transaction` when PgBouncer in transaction mode stands before PostgreSQL"
    )
    database_pool_api: PoolSize = Field(10, description="Most connections of the `api` role of this process")
    database_pool_relay: PoolSize = Field(2, description="Most connections of the `relay` role")
    database_pool_engine: PoolSize = Field(6, description="Most connections of the engines")
    database_pool_scheduler: PoolSize = Field(
        8, description="Most connections of the `scheduler` role; a job holds none while it works"
    )
    redis_url: RedisUrl = Field(
        "",
        repr=False,
        description="Redis 7 or newer, or Valkey, with AOF and `noeviction`; of a cluster one node or several, "
        "comma-separated",
    )
    redis_cluster: bool = Field(False, description="Whether `REDIS_URL` names nodes of a Redis Cluster")

    secret_key: SecretStr = Field(
        SecretStr(""),
        description="32 random bytes or more; keys of tokens, CSRF, cursors and webhooks come from it. "
        "Development makes its own",
    )
    secret_key_previous: SecretStr = Field(
        SecretStr(""), description="The key before the last rotation: still verifies, never signs"
    )
    algorithm: Literal["HS256", "HS384", "HS512"] = Field("HS256", description="Signature of access tokens")
    access_token_expire_minutes: int = Field(
        1440, ge=1, le=43200, description="Life of an access token, minutes"
    )
    refresh_token_days: int = Field(30, ge=1, le=365, description="Life of a refresh token, days")
    cors_origins: Origins = Field(
        (), description="Browser origins that may call the API, comma-separated; `*` is refused"
    )
    rate_limit_user: int = Field(300_000, ge=1, description="Requests a minute of one user")
    rate_limit_tenant: int = Field(600_000, ge=1, description="Requests a minute of one store")

    roles: Roles = Field(
        ("api", "relay", "engines", "scheduler"),
        description="What this process runs: `api`, `relay`, `engines` (or `engine:stock`, ...), `scheduler`",
    )
    api_host: str = Field("127.0.0.1", description="Address the API listens on (images set `0.0.0.0`)")
    api_port: Port = Field(8000, description="Port of the API; 0 takes a free one")
    ops_host: str = Field(
        "127.0.0.1", description="Address of `/health`, `/ready` and `/metrics`; keep it private"
    )
    ops_port: Port = Field(9464, description="Port of `/health`, `/ready` and `/metrics`; 0 takes a free one")
    base_domain: Domain = Field("localhost", description="Stores live at `<slug>.<BASE_DOMAIN>`")
    trusted_proxies: Networks = Field(
        (),
        description="Addresses or networks whose `X-Tenant-Slug` and `X-Forwarded-*` count, comma-separated",
    )
    edge_secret: SecretStr = Field(
        SecretStr(""), description="Shared with nginx (`X-Edge-Auth`), an alternative to `TRUSTED_PROXIES`"
    )

    webhook_allowed_networks: Networks = Field(
        (),
        description="Networks that webhooks may reach although they are not public; empty on a shared installation",
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least important level written"
    )
    traces_endpoint: str = Field(
        "",
        description="Where traces go (OTLP over HTTP), such as `http://collector:4318/v1/traces`; the extra `tracing` "
        "is needed. Empty: none are made",
    )
    traces_share: float = Field(
        0.01, ge=0, le=1, description="Share of the requests that are traced, of those that no trace led to"
    )
    log_format: Literal["console", "json"] = Field(
        "json", description="`console` for people, `json` for collectors"
    )
    event_partitions: int = Field(
        8,
        ge=1,
        le=256,
        description="Streams the event log is spread over; the same in every process of a deployment",
    )
    retention_days: int = Field(
        7, ge=1, le=3650, description="Days that events stay in the log after every consumer has them"
    )
    drain_seconds: int = Field(
        30, ge=0, le=600, description="Grace between SIGTERM and cancelling what still runs"
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("roles")
    @classmethod
    def _some_role(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("name at least one role")
        return value

    @property
    def is_development(self) -> bool:
        """True only on a developer's machine."""
        return self.environment == "development"

    @property
    def home(self) -> Path:
        """``BASECOMMERCE_HOME``, absolute."""
        return self.basecommerce_home.expanduser().resolve()

    @property
    def files_home(self) -> Path:
        """``FILES_DIRECTORY``, absolute."""
        given = self.files_directory
        return Path(given).expanduser().resolve() if given else self.home / "files"

    @property
    def backups_home(self) -> Path:
        """``BACKUP_DIRECTORY``, absolute."""
        given = self.backup_directory
        return Path(given).expanduser().resolve() if given else self.home / "backups"

    def database_url_of(self, role: Literal["api", "relay", "engine", "scheduler", "backup"]) -> str:
        """The connection for one database role: its own URL when set, else ``DATABASE_URL``."""
        own: str = getattr(self, f"database_url_{role}")
        return own or self.database_url

    def required(self, name: str) -> str:
        """The value of a URL that ``load`` was told may be missing; raises StartupError when it is."""
        value: str = getattr(self, name.lower())
        if not value:
            raise StartupError(f"{name}: missing")
        return value

    def having(self, **changes: Any) -> Settings:
        """A copy with some fields replaced by values that are already of the right type."""
        return self.model_copy(update=changes)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the base class names it)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Explicit values, environment, ``.env``, then the defaults of ``basecommerce dev``."""
        given = dict(init_settings())
        defaults = given.pop("fallbacks", {})
        return (
            InitSettingsSource(settings_cls, given),
            env_settings,
            dotenv_settings,
            InitSettingsSource(settings_cls, defaults),
        )


def load(
    *,
    development: bool = False,
    servers: bool = True,
    secrets: bool = True,
    env_file: Path | str | None = ".env",
    **overrides: Any,
) -> Settings:
    """Read and check all settings; raises StartupError with one line per wrong or missing variable.

    ``development`` changes defaults only: a set variable wins. ``servers=False`` lets ``DATABASE_URL``
    and ``REDIS_URL`` be missing, for commands that start their own or need none; ``secrets=False`` does not ask
    for keys, for commands that sign nothing. ``overrides`` win over all.
    """
    fallbacks = _DEVELOPMENT_DEFAULTS if development else {}
    given: dict[str, Any] = {**overrides, "fallbacks": fallbacks, "_env_file": env_file}
    problems: dict[str, str] = {}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        problems, wrong = _refused(error), {str(problem["loc"][0]) for problem in error.errors()}
        # The rest is judged as if those were not set, so that one start tells everything there is to mend.
        settings = Settings(**{**given, **{name: Settings.model_fields[name].default for name in wrong}})
    missing = _missing_servers(settings) if servers else {}
    problems = {**missing, **_unfit_redis(settings), **(weak_keys(settings) if secrets else {}), **problems}
    if problems:
        raise StartupError(*(f"{name}: {problem}" for name, problem in problems.items()))
    if secrets and not settings.secret_key.get_secret_value():
        return settings.having(secret_key=SecretStr(development_key(settings.home)))
    return settings


def variable(field: str) -> str:
    """The environment variable of a settings field."""
    return field.upper()


def documented() -> Mapping[str, tuple[str, str]]:
    """Variable -> (default as written in an environment file, description), in the order of the code."""
    return {
        variable(name): (_default_text(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    }


def _default_text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _refused(error: ValidationError) -> dict[str, str]:
    lines: dict[str, str] = {}
    for problem in error.errors(include_url=False, include_input=False):
        lines.setdefault(variable(str(problem["loc"][0])), problem["msg"].removeprefix("Value error, "))
    return lines


def _missing_servers(settings: Settings) -> dict[str, str]:
    wanted = {
        "DATABASE_URL": (settings.database_url, "postgresql://user:password@host:5432/basecommerce"),
        "REDIS_URL": (settings.redis_url, "redis://host:6379/0"),
    }
    return {name: f"missing; expected {shape}" for name, (value, shape) in wanted.items() if not value}


def _unfit_redis(settings: Settings) -> dict[str, str]:
    """What a cluster's client, or a server's, can do nothing with."""
    urls = [urlsplit(url) for url in redis_urls(settings.redis_url)]
    if not settings.redis_cluster:
        return {"REDIS_URL": "several servers; that is for REDIS_CLUSTER=true"} if len(urls) > 1 else {}
    if any(url.scheme == "unix" or url.path.strip("/") not in ("", "0") for url in urls):
        return {"REDIS_URL": "a cluster has database 0 only, at redis://host:port or rediss://host:port"}
    return {}


def weak_keys(settings: Settings) -> dict[str, str]:
    """The keys that must not sign anything, by variable, each with the reason; none on a development machine."""
    if settings.is_development:
        return {}
    problems = {}
    key, previous = settings.secret_key.get_secret_value(), settings.secret_key_previous.get_secret_value()
    if reason := weakness(key) if key else "missing":
        problems["SECRET_KEY"] = f"{reason}; make one with: openssl rand -base64 48"
    if previous and (reason := weakness(previous)):
        problems["SECRET_KEY_PREVIOUS"] = reason
    return problems
