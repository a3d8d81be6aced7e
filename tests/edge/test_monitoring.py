"""Dashboards and alerts: they speak of metrics that exist, and every question of a panel is answered."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest
import yaml

from runtime.data.database import Database
from runtime.host import metrics
from runtime.settings import Settings
from tests.faults.process import ROOT, Program, free_port
from tests.support.events import emit_events
from tests.support.stores import Store

PROMETHEUS = ROOT / "infra" / "prometheus"
DASHBOARDS = sorted((ROOT / "infra" / "grafana" / "dashboards").glob("*.json"))
RULES = [
    rule
    for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
PANELS = [
    pytest.param(target["expr"], id=f"{path.stem}: {panel['title']} {target['refId']}")
    for path in DASHBOARDS
    for panel in json.loads(path.read_text())["panels"]
    for target in panel["targets"]
]
EXPRESSIONS = [*(rule["expr"] for rule in RULES), *(panel.values[0] for panel in PANELS)]
# How soon what a test has done must show: scrapes are a second apart, rates need two of them.
DEADLINE_S = 45.0


def _metrics_in(expression: str) -> set[str]:
    return {
        name if name in metrics.documented() else re.sub(r"_(bucket|sum|count)$", "", name)
        for name in re.findall(r"\bbasecommerce_[a-z_]+", re.sub(r'"[^"]*"', '""', expression))
    }


def test_every_metric_is_asked_for_by_a_dashboard_or_an_alert_and_each_they_ask_for_exists() -> None:
    assert set().union(*map(_metrics_in, EXPRESSIONS)) == metrics.documented().keys()


def test_labels_that_are_asked_for_exist() -> None:
    of_prometheus = {"instance", "job", "le", "role"}
    for expression in EXPRESSIONS:
        known = of_prometheus.union(*(metrics.documented()[name][1] for name in _metrics_in(expression)))
        grouped = {label for text in re.findall(r"by \(([^)]*)\)", expression) for label in text.split(", ")}
        assert grouped <= known, expression


def test_every_alert_says_what_to_do_in_the_runbook() -> None:
    runbook = (ROOT / "docs" / "operations.md").read_text()
    explained = set(re.findall(r"^\| `([A-Za-z]+)` \|", runbook, re.MULTILINE))
    assert {rule["alert"] for rule in RULES} <= explained


def test_every_alert_has_a_severity_and_a_sentence() -> None:
    for rule in RULES:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not installed")
def test_every_alert_fires_when_its_cause_is_there_and_not_before() -> None:
    for command in (["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run(
            ["promtool", *command], cwd=PROMETHEUS, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    tested = (PROMETHEUS / "alerts_test.yml").read_text()
    assert [rule["alert"] for rule in RULES if f"alertname: {rule['alert']}" not in tested] == []


class Prometheus:
    """A real one that scrapes one program every second."""

    def __init__(self, directory: Path, target: str) -> None:
        self._directory = directory
        self._port = free_port()
        self._settings = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(PROMETHEUS / "alerts.yml")],
            "scrape_configs": [
                {
                    "job_name": "basecommerce",
                    "static_configs": [{"targets": [target], "labels": {"role": "all"}}],
                }
            ],
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = self._directory / "prometheus.yml"
        settings.write_text(yaml.safe_dump(self._settings))
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={settings}",
                f"--storage.tsdb.path={self._directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{self._port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    async def answer(self, client: aiohttp.ClientSession, expression: str) -> list[Any]:
        """The series that answer an expression now; none while Prometheus starts."""
        asked = expression.replace("$__rate_interval", "30s")
        url = f"http://127.0.0.1:{self._port}/api/v1/query"
        try:
            async with client.get(url, params={"query": asked}) as answer:
                body = await answer.json()
                assert body.get("status") == "success" or answer.status == 503, (asked, body)
                result: list[Any] = body.get("data", {}).get("result", [])
                return result
        except aiohttp.ClientConnectionError:
            return []


@pytest.fixture
async def watched(
    settings: Settings, database: Database, store: Store, tmp_path: Path
) -> AsyncIterator[Prometheus]:
    """The whole program, busy with a little of everything, and a Prometheus that watches it."""
    program = Program(settings, tmp_path / "program.log")
    prometheus = Prometheus(tmp_path, program.ops_url.removeprefix("http://"))
    await program.start()
    try:
        prometheus.start()
        try:
            async with aiohttp.ClientSession(headers={"Host": "yard.localhost"}) as client:
                for _ in range(3):
                    await emit_events(database, store.id, 1, 2, 3)
                    async with client.get(f"{program.url}/health") as answer:
                        assert answer.status == 200
                    wrong = {"email": "nobody@yard.localhost", "password": "not-this-one"}
                    async with client.post(f"{program.url}/api/v1/auth/login", json=wrong) as answer:
                        assert answer.status == 401
                    await anyio.sleep(1)
            yield prometheus
        finally:
            prometheus.stop()
    finally:
        await program.terminate()


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")
@pytest.mark.timeout(180)
async def test_every_question_of_every_panel_is_answered_by_the_running_program(watched: Prometheus) -> None:
    waiting = {panel.values[0]: panel.id for panel in PANELS}
    async with aiohttp.ClientSession() as client:
        with anyio.move_on_after(DEADLINE_S):
            while waiting:
                for expression in list(waiting):
                    if await watched.answer(client, expression):
                        del waiting[expression]
                await anyio.sleep(0.5)
        assert list(waiting.values()) == []
        assert [
            alert["metric"] for alert in await watched.answer(client, 'ALERTS{alertstate="firing"}')
        ] == []
