"""How settings are read, which are refused, and that every problem is named at once."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from runtime.errors import StartupError
from runtime.secret_key import development_key, weakness
from runtime.setting_types import redis_urls
from runtime.settings import load

GOOD_KEY = "mW4vQ9zR2kT7xB1nY6cH8fL3pD5sJ0gU"


@pytest.fixture(autouse=True)
def production(monkeypatch, no_settings_around) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app@db/basecommerce")
    monkeypatch.setenv("REDIS_URL", "redis://cache:6379/0")
    monkeypatch.setenv("SECRET_KEY", GOOD_KEY)


def problems(**arguments) -> list[str]:
    with pytest.raises(StartupError) as refused:
        load(env_file=None, **arguments)
    return list(refused.value.problems)


def test_a_complete_environment_is_enough() -> None:
    settings = load(env_file=None)
    assert settings.api_port == 8000
    assert settings.roles == ("api", "relay", "engines", "scheduler")
    assert settings.database_url_of("relay") == "postgresql://app@db/basecommerce"


def test_a_role_may_have_its_own_connection(monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL_RELAY", "postgresql+asyncpg://relay@db/basecommerce")
    assert load(env_file=None).database_url_of("relay") == "postgresql://relay@db/basecommerce"


def test_lists_are_comma_separated(monkeypatch) -> None:
    monkeypatch.setenv("ROLES", "api, engine:stock")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.7, 192.168.0.0/16")
    settings = load(env_file=None)
    assert settings.roles == ("api", "engine:stock")
    assert settings.trusted_proxies == ("10.0.0.7/32", "192.168.0.0/16")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_PORT", "eighty"),
        ("OPS_PORT", "70000"),
        ("ROLES", "api,everything"),
        ("ROLES", ","),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://shop.example.com/path"),
        ("TRUSTED_PROXIES", "everyone"),
        ("LOG_LEVEL", "loud"),
        ("EVENT_PARTITIONS", "0"),
        ("DATABASE_URL", "mysql://db/x"),
        ("REDIS_URL", "cache:6379"),
        ("BASE_DOMAIN", "https://example.com"),
        ("ALGORITHM", "none"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(monkeypatch, name, value) -> None:
    monkeypatch.setenv(name, value)
    (problem,) = problems()
    assert problem.startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("url", "cluster"),
    [
        ("redis://a:6379,redis://b:6379", "false"),
        ("redis://a:6379/3", "true"),
        ("redis://a:6379,redis://b:6379/1", "true"),
        ("unix:///run/redis.sock", "true"),
    ],
)
def test_a_redis_url_fits_a_server_alone_or_a_cluster(monkeypatch, url, cluster) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    monkeypatch.setenv("REDIS_CLUSTER", cluster)
    [problem] = problems()
    assert problem.startswith("REDIS_URL")


def test_a_cluster_is_named_by_some_of_its_nodes(monkeypatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://u:p,q@a:6379,rediss://u:p,q@b:6379/0")
    monkeypatch.setenv("REDIS_CLUSTER", "true")
    settings = load(env_file=None)
    assert settings.redis_cluster
    assert redis_urls(settings.redis_url) == ["redis://u:p,q@a:6379", "rediss://u:p,q@b:6379/0"]


def test_all_problems_are_said_at_once(monkeypatch) -> None:
    monkeypatch.setenv("API_PORT", "x")
    monkeypatch.setenv("LOG_FORMAT", "xml")
    monkeypatch.delenv("REDIS_URL")
    monkeypatch.setenv("SECRET_KEY", "short")
    named = {problem.split(":")[0] for problem in problems()}
    assert named == {"API_PORT", "LOG_FORMAT", "REDIS_URL", "SECRET_KEY"}


@pytest.mark.parametrize(
    "key",
    [
        "",
        "short",
        "a" * 64,
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "k3Jd" * 16,
        "changeme" * 5,
        "ChangeMe-ChangeMe-ChangeMe-ChangeMe",
        "supersecretkeysupersecretkeysupersecret1",
        "0123456789abcdef0123456789abcdef",
        "deadbeefdeadbeefdeadbeefdeadbeef",
        "qwertyuiopasdfghjklzxcvbnm123456",
        "00000000-0000-0000-0000-000000000000",
        "the quick brown fox jumps over the lazy dog",
        "Lorem ipsum dolor sit amet consectetur",
        "dev-key-dev-key-dev-key-dev-key-dev-key",
        "a-string-secret-at-least-256-bits-long",
        "keyboard cat keyboard cat keyboard cat",
        "correct horse battery staple correct horse",
        "shhhhh-shhhhh-shhhhh-shhhhh-shhhhh-shhhhh",
        "your-256-bit-secret-your-256-bit-secret",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    ],
)
def test_a_weak_secret_key_is_refused_in_production(monkeypatch, key) -> None:
    monkeypatch.setenv("SECRET_KEY", key)
    (problem,) = problems()
    assert problem.startswith("SECRET_KEY: ")


def test_random_keys_are_accepted() -> None:
    for _ in range(200):
        assert weakness(secrets.token_hex(32)) is None
        assert weakness(secrets.token_urlsafe(32)) is None


def test_a_development_machine_makes_a_key_and_keeps_it_to_itself(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SECRET_KEY")
    first = load(env_file=None, development=True, basecommerce_home=tmp_path / "home")
    again = load(env_file=None, development=True, basecommerce_home=tmp_path / "home")
    assert first.secret_key == again.secret_key
    assert weakness(first.secret_key.get_secret_value()) is None
    assert (tmp_path / "home" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert development_key(tmp_path / "other") != development_key(tmp_path / "home")


def test_development_changes_defaults_but_never_what_is_set(monkeypatch) -> None:
    assert load(env_file=None, development=True).log_format == "console"
    monkeypatch.setenv("LOG_FORMAT", "json")
    monkeypatch.setenv("ENVIRONMENT", "production")
    settings = load(env_file=None, development=True)
    assert (settings.log_format, settings.environment) == ("json", "production")


def test_settings_are_read_from_a_file_and_the_environment_wins(monkeypatch, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("API_PORT=8100\nOPS_PORT=9100\n")
    monkeypatch.setenv("OPS_PORT", "9200")
    settings = load(env_file=file)
    assert (settings.api_port, settings.ops_port) == (8100, 9200)


def test_showing_settings_shows_no_credential(monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app:hunter2@db/x")
    monkeypatch.setenv("EDGE_SECRET", "hunter2")
    assert "hunter2" not in repr(load(env_file=None))
    assert GOOD_KEY not in repr(load(env_file=None))
