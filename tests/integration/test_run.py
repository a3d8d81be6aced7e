"""The real program in a process of its own: how it starts, drains, and refuses to start."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from runtime.settings import Settings

ROOT = Path(__file__).parents[2]
DEADLINE_S = 30.0


class Run:
    """``basecommerce run`` with the roles that need no HTTP of their own."""

    def __init__(self, settings: Settings, **changes: str) -> None:
        self.ops_port = changes.get("OPS_PORT") or str(free_port())
        environment = {
            "PATH": os.environ["PATH"],
            "ENVIRONMENT": "development",
            "BASECOMMERCE_HOME": str(settings.home),
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "ROLES": "relay,engines,scheduler",
            "OPS_PORT": self.ops_port,
            "LOG_FORMAT": "json",
            **changes,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "runtime", "run"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{self.ops_port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            try:
                if self.get("/ready")[0] == 200:
                    return
            except URLError:
                pass
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)
        raise AssertionError("not ready in time")

    def ended(self) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        out, err = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, out, err


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def runs() -> Iterator[list[Run]]:
    started: list[Run] = []
    yield started
    for run in started:
        if run.process.poll() is None:
            run.process.kill()
        run.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_the_process_and_it_exits_with_0(settings, runs, number) -> None:
    run = Run(settings)
    runs.append(run)
    run.wait_until_ready()
    run.process.send_signal(number)
    code, out, err = run.ended()
    events = [json.loads(line)["event"] for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert events[-2:] == ["draining", "drained"]


def test_health_readiness_and_metrics_are_served(settings, runs) -> None:
    run = Run(settings)
    runs.append(run)
    run.wait_until_ready()
    assert run.get("/health") == (200, '{"status": "ok"}')
    assert run.get("/ready") == (200, '{"status": "ready"}')
    status, text = run.get("/metrics")
    assert status == 200
    assert "basecommerce_event_loop_delay_seconds_bucket" in text
    assert "process_resident_memory_bytes" in text


def test_a_second_signal_exits_at_once(settings, runs) -> None:
    """A stopped process takes both signals together, so the second is there before the drain can end."""
    run = Run(settings)
    runs.append(run)
    run.wait_until_ready()
    run.process.send_signal(signal.SIGSTOP)
    run.process.send_signal(signal.SIGTERM)
    run.process.send_signal(signal.SIGINT)
    run.process.send_signal(signal.SIGCONT)
    code, out, _ = run.ended()
    assert code in (128 + signal.SIGTERM, 128 + signal.SIGINT)
    assert "exiting at once" in out


def test_wrong_settings_are_named_before_anything_is_touched(settings, runs) -> None:
    run = Run(settings, API_PORT="x", LOG_LEVEL="loud", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    runs.append(run)
    code, out, err = run.ended()
    assert (code, out) == (1, "")
    assert sorted(line.split(":")[1].strip() for line in err.splitlines()) == ["API_PORT", "LOG_LEVEL"]


def test_an_ops_port_in_use_is_named(settings, runs) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        run = Run(settings, OPS_PORT=str(taken.getsockname()[1]))
        runs.append(run)
        code, _, err = run.ended()
    assert code == 1
    assert "OPS_PORT: cannot listen" in err


def test_a_database_that_is_away_stops_the_start_with_one_line(settings, runs) -> None:
    run = Run(settings, DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    runs.append(run)
    code, _, err = run.ended()
    assert code == 1
    assert err.startswith("basecommerce: DATABASE_URL: ")
    assert "Traceback" not in err
