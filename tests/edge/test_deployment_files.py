"""What can be said of Dockerfile and compose.yaml without an engine to run them."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from runtime.settings import documented, load
from tests.faults.process import ROOT

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SECRETS = {
    "SECRET_KEY": "R7v0pQm2Zx9LkT4wYb6NcE1sHd8GfUaJ",
    "EDGE_SECRET": "e" * 32,
    "POSTGRES_PASSWORD": "p",
}


def _filled(text: str) -> str:
    return re.sub(
        r"\$\{([A-Z_]+)(?::[?-]([^}]*))?\}", lambda match: SECRETS.get(match[1], match[2] or ""), text
    )


@pytest.mark.parametrize("name", ["migrate", "construction", "relay", "engines"])
def test_every_service_of_ours_has_settings_that_the_program_accepts(
    name: str, monkeypatch: pytest.MonkeyPatch, no_settings_around: None
) -> None:
    service = COMPOSE["services"][name]
    for variable, value in service["environment"].items():
        assert variable in documented()
        monkeypatch.setenv(variable, _filled(value))
    settings = load(env_file=None)
    assert settings.environment == "production"
    assert settings.roles == tuple(
        service["environment"].get("ROLES", "api,relay,engines,scheduler").split(",")
    )


def test_compose_yaml_is_as_the_compose_specification_says() -> None:
    checker = ["check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    checked = subprocess.run(
        [sys.executable, "-m", *checker, ROOT / "compose.yaml"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_services_start_in_order_and_our_own_run_without_privileges() -> None:
    services = COMPOSE["services"]
    for name in ("construction", "relay", "engines"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
    assert services["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert [port for port in published if not port.startswith("127.0.0.1:")] == ["80:80"]


def test_redis_keeps_what_it_is_given() -> None:
    command = COMPOSE["services"]["redis"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_every_mounted_file_is_there() -> None:
    for service in COMPOSE["services"].values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert (ROOT / source).exists() if source.startswith("./") else source in COMPOSE["volumes"], (
                mount
            )


def test_images_outlive_their_container_and_the_scheduler_reaches_them() -> None:
    for name in ("construction", "engines"):
        service = COMPOSE["services"][name]
        place = service["environment"]["FILES_DIRECTORY"]
        assert service["volumes"] == [f"files:{place}"]
    assert f"install -d -o 10001 -g 10001 -m 700 {place}" in DOCKERFILE


def test_what_watches_is_asked_for_by_profile_and_reaches_every_role() -> None:
    services = COMPOSE["services"]
    assert [name for name, service in services.items() if service.get("profiles")] == [
        "prometheus",
        "grafana",
    ]
    scraped = yaml.safe_load((ROOT / "infra" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    targets = [target for config in scraped[0]["static_configs"] for target in config["targets"]]
    assert targets == ["construction:9464", "relay:9464", "engines:9464"]
    for target in targets:
        assert services[target.split(":")[0]]["environment"]["OPS_HOST"] == "0.0.0.0"


def test_the_image_copies_what_exists_runs_as_nobody_and_serves_both_roles() -> None:
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for name in source.split():
            assert (ROOT / name).exists(), name
    assert "USER 10001:10001" in DOCKERFILE
    assert re.findall(r"^FROM base AS (\w+)\nENV ROLES=(\S+)", DOCKERFILE, re.MULTILINE) == [
        ("construction", "api"),
        ("engines", "relay,engines,scheduler"),
    ]


def test_programs_that_the_executable_file_starts_get_the_machines_own_libraries() -> None:
    give_back = runpy.run_path(str(ROOT / "infra" / "binary" / "start.py"))["give_back_libraries"]
    inside = {"PATH": "/usr/bin", "LD_LIBRARY_PATH": "/tmp/_MEI"}
    give_back(inside)
    assert inside == {"PATH": "/usr/bin"}
    inside = {"LD_LIBRARY_PATH": "/tmp/_MEI:/opt/lib", "LD_LIBRARY_PATH_ORIG": "/opt/lib"}
    give_back(inside)
    assert inside == {"LD_LIBRARY_PATH": "/opt/lib"}


def test_the_wheel_carries_the_program_and_its_sql(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        str(path.relative_to(ROOT))
        for room in ("runtime", "handlers", "actors", "sql")
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]
