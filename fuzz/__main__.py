"""`make fuzz [SECONDS=n] [SEED=n] [ONLY=names] [JSON=file]`: run it, print the figures."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import secrets
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from fuzz.every import every
from fuzz.run import Result
from fuzz.share import Share
from fuzz.target import Finding, judged, written

SECONDS = 120.0
SHOWN = 4_000
"""Characters of an input that are printed; the file has it whole."""
FOLDER = Path("fuzz-findings")


def main() -> int:
    """0 where no input did wrong, 1 where one did."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, help="all inputs come from it; else a new one")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="processor time, of all")
    parser.add_argument("--inputs", type=int, help="of each target, instead of seconds")
    parser.add_argument("--only", default="", help=f"by comma, or how they begin: {_known()}")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--again", type=Path, help="judge the one input of this file, no other")
    told = parser.parse_args()
    if told.again is not None:
        return _again(told.again)
    names = _chosen(told.only)
    if not names:
        parser.error(f"there is no {told.only}; there are {_known()}")
    seed = secrets.randbelow(10**6) if told.seed is None else told.seed
    print(f"seed {seed}; targets: {', '.join(names)}", flush=True)
    share = told.seconds / len(names)
    results = [_apart(Share(name, seed, share, told.inputs)) for name in names]
    found = [one for one in results if one is not None]
    for result in found:
        _tell(result, seed)
    _print(found)
    if told.json:
        told.json.write_text(json.dumps(_figures(found, seed), indent=2) + "\n", "utf-8")
    return 1 if any(one.findings for one in found) else 0


def _apart(share: Share) -> Result | None:
    """In a process of its own: what other targets left in memory changes nothing, and one that dies
    is told of.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as apart:
        result = apart.submit(share.run).result()
    if result is not None:
        print(_line(result), file=sys.stderr, flush=True)
    return result


def _known() -> str:
    return ", ".join(every())


def _chosen(only: str) -> list[str]:
    wanted = tuple(one.strip() for one in only.split(",") if one.strip())
    return [name for name in every() if not wanted or name.startswith(wanted)]


def _again(file: Path) -> int:
    """Judge one input that was kept."""
    told = json.loads(file.read_text("utf-8"))
    target = every()[told["target"]]()
    assert target is not None
    finding = judged(target, told["input"])
    print("nothing is wrong" if finding is None else finding.told)
    return 0 if finding is None else 1


def _tell(result: Result, seed: int) -> None:
    for number, finding in result.findings.values():
        print(f"\n== {result.target}, input {number} of SEED={seed}: {finding.kind}")
        print(finding.told.rstrip())
        print(written(finding.value)[:SHOWN])
        print(f"again with: python -m fuzz --again {_keep(result.target, number, finding)}")


def _keep(target: str, number: int, finding: Finding) -> Path:
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{target}-{number}.json"
    told = {"target": target, "kind": finding.kind, "input": finding.value}
    file.write_text(json.dumps(told), "utf-8")
    return file


def _print(results: list[Result]) -> None:
    for result in results:
        print(_line(result))
    inputs, found = sum(r.inputs for r in results), sum(len(r.findings) for r in results)
    seconds = sum(r.seconds for r in results)
    print(f"{inputs:,} inputs in {seconds:.0f} s of processor time; findings: {found}")


def _line(one: Result) -> str:
    return (
        f"{one.target:20} {one.inputs:9,} inputs {one.seconds:7.1f} s  kept {one.kept:5,}  "
        f"lines {one.lines:6,}  slowest {one.slowest_s * 1000:6.0f} ms  "
        f"grown {one.grown:5,}  findings {len(one.findings)}"
    )


def _figures(results: list[Result], seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "inputs": sum(one.inputs for one in results),
        "findings": sum(len(one.findings) for one in results),
        "targets": {
            one.target: {
                "inputs": one.inputs,
                "kept": one.kept,
                "lines": one.lines,
                "seconds": round(one.seconds, 1),
                "slowest_ms": round(one.slowest_s * 1000),
                "findings": [finding.kind for _, finding in one.findings.values()],
            }
            for one in results
        },
    }


if __name__ == "__main__":
    raise SystemExit(main())
