"""`make chaos [SEED=n] [DELIVERIES=n] [FAULTS=n] [JSON=file]`: run it, print the figures."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from pathlib import Path
from typing import Any

from chaos.accounts import ACCOUNTS
from chaos.faults.draw import FAULTS
from chaos.plan import BROKERS, Plan
from chaos.run import run

_USUAL = Plan(seed=0)


def main() -> int:
    """0 where nothing was lost, doubled or wrong, 1 where something was."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="what is drawn is drawn from it; else a new one")
    parser.add_argument("--deliveries", type=int, default=_USUAL.deliveries)
    parser.add_argument("--faults", type=int, default=_USUAL.faults)
    parser.add_argument("--rate", type=float, default=_USUAL.a_second, help="postings a second")
    parser.add_argument("--only", default="", help=f"faults, by comma: {', '.join(sorted(FAULTS))}")
    parser.add_argument("--sources", default="", help="which send, by comma; all without it")
    parser.add_argument("--broker", choices=BROKERS, default=_USUAL.broker)
    parser.add_argument("--hosts", action="store_true", help="on several, in network namespaces")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    told = parser.parse_args()
    only, sources = _names(told.only), _names(told.sources)
    unknown = {*only} - {*FAULTS} | {*sources} - {*ACCOUNTS}
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    if told.hosts and told.broker != _USUAL.broker:
        parser.error("the broker of several hosts is Redis: leave --broker out")
    seed = secrets.randbelow(10**6) if told.seed is None else told.seed
    plan = Plan(
        seed,
        told.deliveries,
        told.faults,
        told.rate,
        only=only,
        sources=sources,
        broker=told.broker,
        hosts=told.hosts,
    )
    print(f"seed {seed}; again with: {plan.command()}", flush=True)
    figures = run(plan, lambda line: print(line, file=sys.stderr, flush=True))
    _print(figures)
    if told.json:
        told.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 1 if figures["lost"] or figures["doubled"] or figures["wrong"] else 0


def _names(told: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in told.split(",") if one.strip())


def _print(figures: dict[str, Any]) -> None:
    for kind, sentences in figures["told"].items():
        for sentence in sentences:
            print(f"{kind}: {sentence}")
    for thing, steps in figures["trails"].items():
        print(f"{thing}:", *steps, sep="\n  ")
    for name, figure in figures.items():
        if name not in ("told", "trails"):
            print(f"{name}: {figure}")


if __name__ == "__main__":
    raise SystemExit(main())
