"""`make audit`: contradictions, yanked pins, known vulnerabilities, and the licences.

Law: it fails on what is known to be wrong, never on a service that cannot be reached; that is said.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.dependencies import findings
from tests.dependencies.findings import Finding, Ran, State
from tests.dependencies.pins import CONSTRAINTS, needed, pins

Run = Callable[[Sequence[str], Mapping[str, str]], Ran]

SERVICES = ("pypi", "osv")
"""Of pip-audit; the next is asked where one cannot tell all."""
WAIT = ("--timeout", "15", "--retries", "1")
KEPT = ("cert", "client-cert", "index-url", "proxy", "trusted-host")
"""Settings of pip that say how the index is reached. Others add places that tell of no yanks."""


def audit(run: Run, environ: Mapping[str, str], *, tools: Path | None) -> Iterator[Finding]:
    """The checks, each as soon as it is known. `tools` is a Python with pip and pip-audit."""
    if tools is None:
        for check in ("requirements", "index", "vulnerabilities"):
            yield Finding(check, State.SKIPPED, "the tools of the audit could not be installed")
    else:
        pip = (str(tools), "-m", "pip", "--disable-pip-version-check")
        yield findings.requirements(run([*pip, "--python", sys.executable, "check"], environ))
        configured = index_environment(run([*pip, "config", "list"], environ).out, environ)
        look = ("install", "--dry-run", "--no-deps", "--ignore-installed", "--quiet", *WAIT)
        wanted = ("--report", "-", "--requirement", str(CONSTRAINTS))
        yield findings.index(run([*pip, *look, *wanted], configured), pins())
        yield findings.vulnerabilities(dict(_asked(run, configured, tools)))
    there = {name: found.metadata.json for name, found in needed().items() if found is not None}
    yield findings.licences(there)


def _asked(run: Run, environ: Mapping[str, str], tools: Path) -> Iterator[tuple[str, Ran]]:
    """What each service answered, until one could tell of every pin."""
    command = [str(tools), "-m", "pip_audit", "--no-deps", "--disable-pip", "--format", "json"]
    command += ["--progress-spinner", "off", "--requirement", str(CONSTRAINTS)]
    for service in SERVICES:
        ran = run([*command, "--vulnerability-service", service], environ)
        yield service, ran
        if ran.out and "skip_reason" not in ran.out:
            return


def index_environment(config: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which pip knows the one index and nothing else: from `pip config list`."""
    told = {name: text for name, text in environ.items() if not name.startswith("PIP_")}
    for line in config.splitlines():
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name in KEPT:
            told[f"PIP_{name.upper().replace('-', '_')}"] = str(ast.literal_eval(value))
    return {**told, "PIP_CONFIG_FILE": os.devnull}


def run_tool(command: Sequence[str], environ: Mapping[str, str]) -> Ran:
    """Run a tool to its end."""
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


def main() -> int:
    """Print the findings; 1 where one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.dependencies.audit")
    parser.add_argument("--tools", type=Path, required=True, help="a Python that has pip-audit")
    path: Path = parser.parse_args().tools
    found: list[Finding] = []
    for one in audit(run_tool, os.environ, tools=path if path.exists() else None):
        found.append(one)
        for line in (f"{one.state:<8} {one.check}: {one.said}", *(f"{'':9}{m}" for m in one.more)):
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    ends = [f"{one.check} {one.state}" for one in found]
    sys.stdout.write(f"audit: {', '.join(ends)}\n")
    return int(any(one.state is State.FAILED for one in found))


if __name__ == "__main__":
    sys.exit(main())
