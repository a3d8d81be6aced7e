"""The executable file on a bare Debian: ``python -m tests.edge.binary``, as root, after ``make binary``.

The root it runs in is made by debootstrap, has no Python and is read only; the program runs there without privileges
and with a /tmp of its own. It goes the whole journey of tests/edge/journey.py against real servers.
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio
import psutil

from tests.edge.journey import Installation, Service, answers, servers_on_loopback, travel
from tests.faults.process import ROOT, free_port

PROGRAM = "/usr/local/bin/basecommerce"
STARTS = 5
_USER = "10001:10001"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=ROOT / "dist" / "basecommerce")
    parser.add_argument("--root", type=Path, help="a bare root to use; made there when there is none")
    parser.add_argument("--suite", default="bookworm", help="the release of Debian")
    given = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("only root may change the root")
    with tempfile.TemporaryDirectory(prefix="basecommerce-binary-") as name:
        directory = Path(name)
        root = given.root or directory / "root"
        if not root.exists():
            subprocess.run(
                ["debootstrap", "--variant=minbase", given.suite, root], check=True, stdout=subprocess.DEVNULL
            )
        shutil.copy(given.file, root / PROGRAM.removeprefix("/"))
        found = [path for place in ("usr/bin", "usr/local/bin") for path in (root / place).glob("python*")]
        assert not found, found
        print(
            f"{given.file.name}: {given.file.stat().st_size / 1e6:.1f} MB, on {_release(root)} without Python"
        )
        _time_starts(root)
        anyio.run(_journey, root, directory, backend_options={"use_uvloop": True})
    return 0


def _time_starts(root: Path) -> None:
    """How long the shortest command takes: unpacking, and starting the interpreter."""
    walls, processors = [], []
    for _ in range(STARTS):
        began, used = time.monotonic(), _processor_s()
        subprocess.run(_command(root, {}, "--version"), check=True, stdout=subprocess.DEVNULL)
        walls.append(time.monotonic() - began)
        processors.append(_processor_s() - used)
    print(
        f"--version: {statistics.median(walls):.2f} s, of which {statistics.median(processors):.2f} s of processor"
        f" (median of {STARTS})"
    )


async def _journey(root: Path, directory: Path) -> None:
    async with servers_on_loopback(directory) as ports:
        common = ports.environment("127.0.0.1")
        api_port = free_port()
        services = []
        for name, roles in (("api", "api"), ("engines", "relay,engines,scheduler")):
            ops_port = free_port()
            environment = {**common, "API_PORT": str(api_port), "OPS_PORT": str(ops_port)}
            command = _command(root, environment, "run", "--roles", roles)
            services.append(Service(name, command, partial(answers, f"http://127.0.0.1:{ops_port}/ready")))
        installation = Installation(partial(_command, root, common), services, api_port)
        await travel(installation, ports, directory, at_rest=_print_memory)


def _command(root: Path, environment: Mapping[str, str], *arguments: str) -> Sequence[str]:
    """The file run inside the root; every step replaces itself, so that signals reach the program."""
    at = shlex.quote(str(root))
    inside = [f"{name}={value}" for name, value in environment.items()]
    program = ["chroot", f"--userspec={_USER}", str(root), "/usr/bin/env", "-i", *inside, PROGRAM, *arguments]
    steps = (
        f"mount --bind {at} {at}",
        f"mount -o remount,bind,ro {at}",
        f"mount -t tmpfs -o mode=1777 tmpfs {at}/tmp",
        f"mount -t proc proc {at}/proc",
        f"exec {shlex.join(program)}",
    )
    return ["unshare", "--mount", "sh", "-c", " && ".join(steps)]


def _print_memory() -> None:
    """What every process of the file holds, beside the unpacked files in /tmp."""
    for process in psutil.process_iter(["cmdline", "memory_info"]):
        line = process.info["cmdline"] or []
        if line[:1] == [PROGRAM]:
            print(f"    {process.info['memory_info'].rss / 2**20:.0f} MiB  {shlex.join(line[1:])}")


def _release(root: Path) -> str:
    return f"Debian {(root / 'etc' / 'debian_version').read_text().strip()}"


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
