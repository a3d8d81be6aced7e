"""What somebody does who installs the program: migrate, start it, take the README's tour through nginx, plan a day of
deliveries, ask the doctor, stop it. However the program came to the machine."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import anyio

from runtime.commands.demo_stores import DEMO_PASSWORD, ensure_demo_stores
from runtime.host.embedded import EmbeddedServers
from runtime.settings import load
from tests.edge.edge import EDGE_SECRET, Edge
from tests.faults.process import ROOT
from tests.faults.proxy import Proxy
from tests.support.delivering import STORE_AT, tomorrow

SECRET_KEY = "2xq8Zf4nTq7mWb1cKd9yRr5uHs3pLe6vJa0g"
DEADLINE_S = 60.0
STOPS = 6


@dataclass(frozen=True, slots=True)
class Service:
    """A command that stays until SIGTERM; ``is_ready`` asks it the way its supervisor would."""

    name: str
    command: Sequence[str]
    is_ready: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Installation:
    """The program as it lies on a machine; ``run`` makes the command line of one of its commands."""

    run: Callable[..., Sequence[str]]
    services: Sequence[Service]
    api_port: int


@dataclass(frozen=True, slots=True)
class Ports:
    """Where PostgreSQL and Redis answer on loopback."""

    postgres: int
    redis: int

    def environment(self, host: str) -> dict[str, str]:
        """Production's settings for a program that sees this machine's loopback as ``host``."""
        return {
            "DATABASE_URL": f"postgresql://postgres@{host}:{self.postgres}/postgres",
            "REDIS_URL": f"redis://{host}:{self.redis}/0",
            "SECRET_KEY": SECRET_KEY,
            "EDGE_SECRET": EDGE_SECRET,
            "BASE_DOMAIN": "localhost",
            "LOG_FORMAT": "json",
        }


@asynccontextmanager
async def servers_on_loopback(directory: Path) -> AsyncIterator[Ports]:
    """PostgreSQL and Valkey of our own, durable, on ports that were free."""
    servers = EmbeddedServers(directory / "servers")
    servers.start()
    postgres, valkey = (Proxy(server.socket) for server in servers._servers)
    try:
        await postgres.start()
        await valkey.start()
        yield Ports(postgres.port, valkey.port)
    finally:
        await postgres.stop()
        await valkey.stop()
        servers.stop()


async def travel(
    installation: Installation, ports: Ports, directory: Path, *, at_rest: Callable[[], None]
) -> None:
    """The whole journey, told on standard output; raises where it ends early.

    ``at_rest`` looks at what runs once all the work is done.
    """
    await _command("migrate", installation.run("migrate"))
    await _command("migrate --check", installation.run("migrate", "--check"))
    await ensure_demo_stores(load(env_file=None, **_lowered(ports.environment("127.0.0.1"))))
    async with AsyncExitStack() as stack:
        started: dict[str, subprocess.Popen[bytes]] = {}
        for service in installation.services:
            log = directory / f"{service.name}.log"
            stack.push(partial(_tell, log))
            started[service.name] = await _start(service, log)
            stack.callback(_end, started[service.name])
        edge = Edge(directory, f"127.0.0.1:{installation.api_port}")
        await edge.start()
        stack.callback(edge.stop)
        told = await anyio.to_thread.run_sync(take_tour, edge.port)
        print(
            f"the README's tour through nginx: {len(told.splitlines())} lines, the last {told[-100:].strip()}"
        )
        print(f"a day planned: {await plan_a_day(edge.port)}")
        await _command("doctor", installation.run("doctor"))
        at_rest()
        for name, process in started.items():
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            code = await anyio.to_thread.run_sync(process.wait)
            print(f"{name} drained and ended with {code} in {time.monotonic() - began:.2f} s")
            assert code == 0


def take_tour(port: int) -> str:
    """Run the README's tour with its own commands against an edge on ``port``; returns what it prints."""
    text = (ROOT / "README.md").read_text()
    [commands] = re.findall(r"<!-- tour:begin -->\n```sh\n(.*?)```\n<!-- tour:end -->", text, re.DOTALL)
    assert commands.count("localhost:8000") == 1
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands.replace("localhost:8000", f"localhost:{port}")],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def plan_a_day(port: int) -> str:
    """Deliveries to several sites, planned by the solver's own process; returns what came out in a few words."""
    headers = {"Host": "demo.localhost"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}/api/v1/", headers=headers) as http:

        async def call(method: str, path: str, body: Any) -> Any:
            async with http.request(method, path, json=body) as answer:
                content = await answer.json(content_type=None)
                assert answer.status < 300, (path, content)
                return content

        post = partial(call, "POST")
        tokens = await post("auth/login", {"email": "owner@demo.localhost", "password": DEMO_PASSWORD})
        http.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        place = {"latitude": STORE_AT[0], "longitude": STORE_AT[1]}
        await call("PATCH", "settings", {"settings": place})
        tag = tokens["access_token"][-6:]
        goods = {"sku": f"TIJ-{tag}", "name": "Tijolo", "unit": "UN", "base_price": "1.20", "weight_kg": "2"}
        product = (await post("products", goods))["id"]
        await post("stock/movements", {"product_id": product, "kind": "receipt", "quantity": "1000"})
        customer = (await post("customers", {"kind": "company", "name": "Construtora Ipê"}))["id"]
        await post(
            "vehicles", {"plate": "BRA-2E19", "name": "Truck", "capacity_kg": "9000", "capacity_m3": "90"}
        )
        for number in range(STOPS):
            site = {
                "name": f"Obra {number}",
                "latitude": STORE_AT[0] + 0.01 * number,
                "longitude": STORE_AT[1] + 0.02,
            }
            site_id = (await post(f"customers/{customer}/sites", site))["id"]
            items = [{"product_id": product, "quantity": "100"}]
            sale = {"customer_id": customer, "site_id": site_id, "fulfilment": "delivery", "items": items}
            order = await post("orders", sale)
            await post(f"orders/{order['id']}/prepare", None)
            await post(f"orders/{order['id']}/dispatch", None)
        planned = await post("routes/plan", {"day": tomorrow(), "seconds": 1})
        stops = sum(len(route["stops"]) for route in planned["routes"])
        assert stops == STOPS, planned
        return f"{stops} stops on {len(planned['routes'])} route"


def answers(url: str) -> bool:
    """Whether a page says 200."""
    asked = ["curl", "--silent", "--fail", "--max-time", "3", "--output", "/dev/null", url]
    return subprocess.run(asked, check=False).returncode == 0


async def _command(name: str, command: Sequence[str]) -> None:
    began = time.monotonic()
    done = await anyio.run_process(command, check=False)
    print(f"{name}: exit code {done.returncode} after {time.monotonic() - began:.1f} s")
    output = (done.stdout + done.stderr).decode(errors="replace").rstrip()
    print(*(f"    {line}" for line in output.splitlines()), sep="\n")
    assert done.returncode == 0


async def _start(service: Service, log: Path) -> subprocess.Popen[bytes]:
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(service.command, stdout=output, stderr=output)
    with anyio.fail_after(DEADLINE_S):
        while not await anyio.to_thread.run_sync(service.is_ready):
            assert process.poll() is None, f"{service.name} ended with {process.returncode}"
            await anyio.sleep(0.05)
    print(f"{service.name}: ready after {time.monotonic() - began:.1f} s")
    return process


def _tell(log: Path, kind: object, *_: object) -> None:
    """Show the end of what a service logged when the journey has failed."""
    if kind is not None:
        print(f"{log.stem} said:", *log.read_text(errors="replace").splitlines()[-30:], sep="\n    ")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        process.wait()


def _lowered(environment: Mapping[str, str]) -> dict[str, Any]:
    return {name.lower(): value for name, value in environment.items()}
