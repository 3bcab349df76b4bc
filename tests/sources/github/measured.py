"""A look-up in a process of its own, which tells what it came to and its own peak of memory.

`python -m tests.sources.github.measured URL` asks the fake there, and prints one line of JSON.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.core.errors import IngestError
from ingest.core.identity import Identity
from ingest.sources.access import Access
from ingest.sources.contract import Lookup
from ingest.sources.github.client import connect
from ingest.sources.github.files import branch_documents

_MOST_PARTS = 20


@dataclass(frozen=True)
class Measured:
    """What one look-up cost: memory above that of the idle process, and seconds."""

    mib: float
    seconds: float
    documents: int
    error: str | None


def measure(url: str, token: str, metadata: dict[str, Any]) -> Measured:
    """Look the branch up in a child process."""
    asked = json.dumps({"url": url, "token": token, "metadata": metadata})
    ran = subprocess.run(
        [sys.executable, "-m", "tests.sources.github.measured"],
        input=asked,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return Measured(**json.loads(ran.stdout))


def _peak_mib() -> float:
    """Of this process alone; `ru_maxrss` is also that of the parent it was forked from."""
    status = Path("/proc/self/status").read_text("utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def _look(told: dict[str, Any]) -> int:
    access = Access(told["url"], told["token"], told["metadata"], lambda: datetime.now(UTC))
    client = connect(access)
    asked = Identity("github", told["metadata"]["githubRepoId"], "branch", "main")
    documents, state = 0, None
    try:
        for _ in range(_MOST_PARTS):
            sight = client.fetch_one(Lookup(asked, {}, state))
            documents += len(branch_documents(Lookup(asked, raw=sight.raw, sent_at=access.now())))
            state = sight.state
            if not sight.more:
                break
    finally:
        client.close()
    return documents


def main() -> None:
    told = json.load(sys.stdin)
    before, began = _peak_mib(), time.process_time()
    documents, error = 0, None
    try:
        documents = _look(told)
    except IngestError as failure:
        error = f"{type(failure).__name__}: {failure}"
    seconds = time.process_time() - began
    found = Measured(_peak_mib() - before, seconds, documents, error)
    sys.stdout.write(json.dumps(found.__dict__))


if __name__ == "__main__":
    main()
