"""Where the executable file begins: the command line, or a worker process of its own.

``sys.executable`` is the file itself, so what a library starts as ``python -m module`` begins here as well.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping, MutableMapping

_WORKER = ["-u", "-m", "anyio.to_process"]


def start() -> None:
    """Run what ``sys.argv`` asks for."""
    multiprocessing.freeze_support()
    environment = os.environ  # noqa: TID251 - not a setting: PyInstaller's
    if sys.argv[1:] == _WORKER:
        if "LD_LIBRARY_PATH" not in environment:
            _take_libraries(environment)
        from anyio.to_process import process_worker

        process_worker()
    else:
        give_back_libraries(environment)
        from runtime.__main__ import main

        main()


def give_back_libraries(environment: MutableMapping[str, str]) -> None:
    """Let programs that we start find the machine's libraries again: pg_dump must not get the ones in the file."""
    environment.pop("LD_LIBRARY_PATH", None)
    if (original := environment.pop("LD_LIBRARY_PATH_ORIG", None)) is not None:
        environment["LD_LIBRARY_PATH"] = original


def _take_libraries(environment: Mapping[str, str]) -> None:
    """Begin again with the libraries in the file, which the parent has kept from its children; does not return."""
    inside: str = vars(sys)["_MEIPASS"]
    os.execve(sys.executable, [sys.executable, *_WORKER], {**environment, "LD_LIBRARY_PATH": inside})


if __name__ == "__main__":
    start()
