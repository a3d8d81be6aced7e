from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from runtime.commands.demo_stores import ensure_demo_stores
from runtime.settings import Settings
from tests.edge.edge import EDGE_SECRET, Edge
from tests.edge.journey import take_tour
from tests.faults.process import ROOT, Program

IMAGES = dict(re.findall(r"^FROM base AS (\w+)\nENV ROLES=(\S+)", (ROOT / "Dockerfile").read_text(), re.M))


@pytest.mark.timeout(120)
async def test_the_readmes_tour_passes_through_nginx_with_the_roles_of_both_images(
    settings: Settings, tmp_path: Path
) -> None:
    await ensure_demo_stores(settings)
    production = {"ENVIRONMENT": "production", "EDGE_SECRET": EDGE_SECRET, "BASE_DOMAIN": "localhost"}
    programs = {
        image: Program(settings, tmp_path / f"{image}.log", roles=roles, extra=production)
        for image, roles in IMAGES.items()
    }
    edge = Edge(tmp_path, programs["construction"].url.removeprefix("http://"))
    try:
        for program in programs.values():
            await program.start()
        await edge.start()
        told = take_tour(edge.port)
    finally:
        edge.stop()
        for program in programs.values():
            program.stop()
    lines = told.splitlines()
    steps = ["sent", "approved", "preparing", "out_for_delivery", "delivered", "delivered"]
    assert [line for line in lines if line in steps] == steps
    assert json.loads(lines[-1])["orders_today"] == 2
    assert {line["status"] for line in await edge.logged(20)} <= {200, 201, 202}
