"""``python -m tests.security.fuzz --inputs 100000 --seed 7``: the long run, against the real program."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from pathlib import Path

import aiohttp

from tests.faults.process import Program
from tests.security.fuzz.inputs import Inputs
from tests.security.fuzz.judge import Judge
from tests.security.fuzz.run import Run
from tests.security.running import running

MOST_GROWTH_MIB = 50
# What is loaded and cached on the way belongs to the program as it works, and is no leak.
WARM_UP = 0.2
_PORTIONS = 20


def main() -> int:
    """Run, report, and say by the exit status whether every answer was as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--json", type=Path, help="write the report to this file")
    given = parser.parse_args()
    report = asyncio.run(_fuzz(given.inputs, given.seed))
    text = json.dumps(report, indent=2, ensure_ascii=False)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(text + "\n")
    print(text)
    return 0 if report["good"] else 1


async def _fuzz(count: int, seed: int) -> dict[str, object]:
    closing = aiohttp.TCPConnector(force_close=True)
    async with running() as site, aiohttp.ClientSession(connector=closing) as fresh:
        rng = random.Random(seed)
        judge = Judge(site.document, site.stores.secrets)
        inputs = Inputs(site.document, rng, site.stores.own)
        run = Run(site.session, fresh, site.program.url, inputs, judge, rng)
        await run.sign_in()
        began = time.monotonic()
        memory = await _all_inputs(run, inputs, site.program, count, rng)
        seconds = time.monotonic() - began
        return _report(judge, site.program, run.sent, seed, seconds, memory, await site.violations())


async def _all_inputs(
    run: Run, inputs: Inputs, program: Program, count: int, rng: random.Random
) -> list[float]:
    """The corpus at every place, as far as half of the inputs go, the rest of chance; returns the MiB on the way."""
    memory, places = [], inputs.places()
    rng.shuffle(places)
    portion = min(len(places), count // 2) // _PORTIONS
    for number in range(_PORTIONS):
        await run.texts(places[number * portion : (number + 1) * portion])
        await run.chance(count * (number + 1) // _PORTIONS - run.sent)
        memory.append(_resident_mib(program))
        print(f"{run.sent} inputs, {memory[-1]:.0f} MiB", file=sys.stderr)
    return memory


def _report(
    judge: Judge,
    program: Program,
    sent: int,
    seed: int,
    seconds: float,
    memory: list[float],
    violations: list[str],
) -> dict[str, object]:
    verdicts = judge.verdicts
    warm = memory[int(len(memory) * WARM_UP)]
    growth = memory[-1] - warm
    log = program.output()
    tracebacks = log.count("Traceback")
    return {
        "seed": seed,
        "inputs": sent,
        "inputs_per_second": round(sent / seconds),
        "statuses": {str(status): count for status, count in sorted(verdicts.statuses.items())},
        "operations_that_succeeded": len(verdicts.succeeded),
        "answers_of_500_and_above": sum(n for status, n in verdicts.statuses.items() if status >= 500),
        "exit_code": program.exit_code,
        "tracebacks_in_the_log": tracebacks,
        "faults_in_the_log": [line[:3000] for line in log.splitlines() if "Traceback" in line][:5],
        "memory_mib": [round(value) for value in memory],
        "memory_growth_mib": round(growth, 1),
        "oracle_violations": violations,
        "wrong": dict(verdicts.wrong.most_common()),
        "examples": verdicts.examples,
        "good": not verdicts.wrong
        and not violations
        and program.exit_code is None
        and tracebacks == 0
        and growth < MOST_GROWTH_MIB,
    }


def _resident_mib(program: Program) -> float:
    assert program._process is not None
    [line] = [
        line
        for line in Path(f"/proc/{program._process.pid}/status").read_text().splitlines()
        if line.startswith("VmRSS")
    ]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
