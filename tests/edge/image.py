"""Both images built from the Dockerfile and run: ``python -m tests.edge.image``, as root, with podman.

The base image is made here by debootstrap, so that no registry is needed, unless the storage has it already. The
services get what compose.yaml gives them (command, environment, user, read-only root, capabilities), each in a network
of its own, and are asked for their health as the Dockerfile says. They go the whole journey of tests/edge/journey.py.
Needs podman, runc, catatonit, slirp4netns and debootstrap. An option that only this machine's build needs is handed
on: ``--build-option=--volume=/etc/pip.conf:/etc/pip.conf:ro``.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio
import yaml

from tests.edge.journey import Installation, Ports, Service, servers_on_loopback, travel
from tests.faults.process import ROOT, free_port

SERVICES = ("construction", "relay", "engines")
HOST = "10.0.2.2"
_PACKAGES = "python3,python3-venv,ca-certificates"
_PATH = "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


class Engine:
    """podman with a storage of its own, that nothing else on the machine sees."""

    def __init__(self, storage: Path, runtime: str) -> None:
        own = ["--root", str(storage / "images"), "--runroot", str(storage / "run")]
        self._command = ["podman", *own, "--runtime", runtime]

    def __call__(self, *arguments: str | Path) -> list[str]:
        return [*self._command, *map(str, arguments)]

    def do(self, *arguments: str | Path) -> str:
        """Run to the end; raises when it fails."""
        done = subprocess.run(self(*arguments), check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--storage", type=Path, help="where images are kept for the next time")
    parser.add_argument("--runtime", default="/usr/sbin/runc", help="what runs containers")
    parser.add_argument("--build-option", action="append", default=[], help="handed on to podman build")
    given = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("only root may make a base image")
    with tempfile.TemporaryDirectory(prefix="basecommerce-image-") as name:
        directory = Path(name)
        engine = Engine(given.storage or directory / "storage", given.runtime)
        [base] = set(re.findall(r"^FROM (\S+:\S+) AS", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
        _make_base(engine, f"docker.io/library/{base}", directory)
        for target in ("construction", "engines"):
            began = time.monotonic()
            image = f"basecommerce-{target}"
            options = ("--format=docker", "--isolation=chroot", "--pull=never", *given.build_option)
            engine.do("build", *options, "--target", target, "--tag", image, ROOT)
            size = int(engine.do("image", "inspect", "--format", "{{.Size}}", image))
            print(f"{image}: {size / 1e6:.0f} MB, built in {time.monotonic() - began:.0f} s", flush=True)
        anyio.run(_journey, engine, directory, backend_options={"use_uvloop": True})
    return 0


def _make_base(engine: Engine, name: str, directory: Path) -> None:
    """Debian with its Python under the name that the Dockerfile asks for, unless there is such an image."""
    if subprocess.run(engine("image", "exists", name), check=False).returncode == 0:
        return
    root, archive = directory / "base", directory / "base.tar"
    made = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", str(root)]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
    (root / "usr" / "local" / "bin" / "python").symlink_to("/usr/bin/python3")
    subprocess.run(["tar", "-C", root, "-cf", archive, "."], check=True)
    engine.do("import", "--change", _PATH, archive, name)


async def _journey(engine: Engine, directory: Path) -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    async with servers_on_loopback(directory) as ports:
        api_port = free_port()
        published = {"construction": ("--publish", f"127.0.0.1:{api_port}:8000")}
        services = [
            Service(
                name,
                engine("run", "--name", name, *published.get(name, ()), *_as_composed(compose[name], ports)),
                partial(_is_healthy, engine, name),
            )
            for name in SERVICES
        ]
        migrate = compose["migrate"]

        def run(*arguments: str) -> Sequence[str]:
            return engine("run", *_as_composed({**migrate, "command": arguments}, ports))

        at_rest = partial(_print_confinement, engine)
        await travel(Installation(run, services, api_port), ports, directory, at_rest=at_rest)


def _as_composed(service: Mapping[str, object], ports: Ports) -> list[str]:
    """Arguments of ``podman run`` for a service of compose.yaml, with the servers of this run."""
    environment = {**service["environment"], **ports.environment(HOST)}
    # Limits that only a machine with more privileges than this one could raise stay as they are.
    limits = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")
    return [
        *("--rm", "--init", "--network=slirp4netns:allow_host_loopback=true", *limits),
        *(f"--read-only={str(service['read_only']).lower()}", f"--pids-limit={service['pids_limit']}"),
        *(f"--tmpfs={place}" for place in service["tmpfs"]),
        *(f"--cap-drop={name}" for name in service["cap_drop"]),
        *(f"--security-opt={option.split(':')[0]}" for option in service["security_opt"]),
        *(f"--volume={volume}" for volume in service.get("volumes", ())),
        *(f"--env={name}={value}" for name, value in environment.items()),
        *(f"localhost/{service['image']}", *service.get("command", ())),
    ]


def _is_healthy(engine: Engine, name: str) -> bool:
    asked = subprocess.run(engine("healthcheck", "run", name), check=False, capture_output=True)
    return asked.returncode == 0


def _print_confinement(engine: Engine) -> None:
    """Who the services are, what they may do, and that their root cannot be written to."""
    status = "grep -hE '^(Uid|CapEff|NoNewPrivs)' /proc/1/status | tr -s '\\t\\n' '  '"
    for name in SERVICES:
        told = engine.do("exec", name, "sh", "-c", f"{status}; touch /opt/basecommerce/x 2>&1 || true")
        assert "Read-only file system" in told
        assert "CapEff: 0000000000000000" in told
        print(f"    {name}: {told}")


if __name__ == "__main__":
    sys.exit(main())
