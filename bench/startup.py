"""What it takes to start: processor time of short commands and of each process's imports.

Every one is a fresh process; beside them a Python that does nothing, in the same run. The least of
all rounds counts, since whatever else the machine does only adds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.sources.registry import source_types
from ingest.variables import NAMES, PREFIX, SECRETS_SUFFIX

_COMMAND = ("-m", "ingest.cli")
_UNREACHABLE = 3
STARTS: Mapping[str, tuple[Sequence[str], int]] = {
    "python": (("-c", "pass"), 0),
    "library": (("-c", "import ingest"), 0),
    "help": ((*_COMMAND, "--help"), 0),
    "source_help": ((*_COMMAND, "source", "--help"), 0),
    "types": ((*_COMMAND, "types", "--format", "ts"), 0),
    "db_check": ((*_COMMAND, "db", "check"), _UNREACHABLE),
    "store_list": ((*_COMMAND, "store", "list"), _UNREACHABLE),
    "web": (("-c", "import ingest.web"), 0),
    "worker": (("-c", "import ingest.worker"), 0),
}
"""The arguments of Python, and the exit code: no database is there to be reached."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; the whole is less than a minute."""

    rounds: int = 7

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(rounds=1)


def startup(plan: Plan) -> dict[str, object]:
    """Milliseconds of processor time, user's and system's, of each start."""
    least_s = dict.fromkeys(STARTS, float("inf"))
    for _ in range(plan.rounds):
        for name, (arguments, code) in STARTS.items():
            least_s[name] = min(least_s[name], _processor_s(arguments, code))
    return {
        **{f"{name}_ms": round(seconds * 1000) for name, seconds in least_s.items()},
        "times_python_of_help": round(least_s["help"] / least_s["python"], 1),
    }


def _processor_s(arguments: Sequence[str], code: int) -> float:
    """Of one process, which has to end with this code."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env=_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == code, f"{arguments} ended with {process.returncode}"
    return used.ru_utime + used.ru_stime


def _environment() -> dict[str, str]:
    """Secrets are set, as in production, and no service is."""
    others = {
        name: text
        for name, text in os.environ.items()
        if name not in NAMES and not name.startswith(PREFIX)
    }
    secrets = {f"{PREFIX}{name.upper()}{SECRETS_SUFFIX}": "a secret" for name in source_types()}
    return {**others, **secrets, "INGEST_DATA_DIR": "/nowhere"}
