"""``basecommerce dev``, as ``make run`` starts it: from nothing, again with its data, and after a kill."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.integration.test_run import free_port

ROOT = Path(__file__).parents[2]


class Dev:
    """One installation in ``home``, started as often as a test likes."""

    def __init__(self, home: Path, roles: str) -> None:
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "BASECOMMERCE_HOME": str(home),
            "API_PORT": str(free_port()),
            "OPS_PORT": str(free_port()),
            "ROLES": roles,
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start and return what it printed until it said that it runs."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "runtime", "dev"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("  API reference"):
                return "".join(lines)
        raise AssertionError("".join(lines))

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode

    def signs_in(self, email: str, *, host: str) -> bool:
        """Whether the API gives this user of the store at ``host`` a token for the password of the welcome."""
        request = Request(
            f"http://127.0.0.1:{self.environment['API_PORT']}/api/v1/auth/login",
            data=json.dumps({"email": email, "password": "basecommerce-demo"}).encode(),
            headers={"Host": host, "Content-Type": "application/json"},
        )
        try:
            with urlopen(request, timeout=10) as answer:
                return "access_token" in json.load(answer)
        except HTTPError as refused:
            refused.close()
            return False

    def command(self, *words: str) -> str:
        """Another command; it finds the servers of this installation by its home."""
        return subprocess.run(
            [sys.executable, "-m", "runtime", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    started = Dev(tmp_path / "home", "relay,engines,scheduler")
    yield started
    if started.process is not None and started.process.poll() is None:
        started.end(signal.SIGTERM)


def test_the_welcome_is_true_everybody_it_names_can_sign_in(tmp_path: Path) -> None:
    whole = Dev(tmp_path / "home", "api,relay,engines,scheduler")
    try:
        welcome = whole.start()
        for email in ("owner@demo.localhost", "driver@demo.localhost", "owner@acme.localhost"):
            store = email.partition("@")[2]
            assert f"http://{store}:{whole.environment['API_PORT']}" in welcome
            assert whole.signs_in(email, host=store)
        assert whole.signs_in("admin@platform.localhost", host="localhost")
        assert not whole.signs_in("owner@acme.localhost", host="demo.localhost")
        assert whole.end(signal.SIGINT) == 0
    finally:
        if whole.process is not None and whole.process.poll() is None:
            whole.end(signal.SIGTERM)


def test_a_demo_is_loaded_into_the_running_installation_once(dev) -> None:
    dev.start()
    assert re.match(
        r"demo: \d+ products, \d+ customers", dev.command("demo", "load", "--days", "2", "--size", "0.2")
    )
    with pytest.raises(subprocess.CalledProcessError):
        dev.command("demo", "load", "--days", "2")


def test_one_command_makes_a_whole_installation_and_ctrl_c_ends_it(dev) -> None:
    welcome = dev.start()
    assert "owner@demo.localhost" in welcome
    assert "basecommerce-demo" in welcome
    stores = dev.command("tenant", "list")
    assert "demo  active" in stores
    assert "acme  active" in stores
    assert dev.end(signal.SIGINT) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_second_start_finds_what_the_first_left_however_that_ended(dev, number) -> None:
    dev.start()
    dev.command("tenant", "create", "loja", "Loja")
    dev.end(number)
    began = time.monotonic()
    dev.start()
    assert time.monotonic() - began < 20
    assert "loja  active" in dev.command("tenant", "list")
    assert dev.command("tenant", "list").count("demo  active") == 1


def test_a_second_copy_on_the_same_home_is_refused(dev) -> None:
    dev.start()
    assert dev.process is not None
    second = subprocess.run(
        [sys.executable, "-m", "runtime", "dev"],
        cwd=ROOT,
        env=dev.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert second.returncode == 1
    assert f"in use by process {dev.process.pid}" in second.stderr


def test_dev_refuses_to_run_as_a_production_installation(tmp_path: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "runtime", "dev"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "BASECOMMERCE_HOME": str(tmp_path / "home"),
            "ENVIRONMENT": "production",
            "SECRET_KEY": "mW4vQ9zR2kT7xB1nY6cH8fL3pD5sJ0gU",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith("basecommerce: ENVIRONMENT: ")
    assert not (tmp_path / "home").exists()
