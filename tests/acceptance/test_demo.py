"""`ingest demo`, as a stranger runs it first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingest.testing.sample import all_samples
from tests.embedded.watching import REPOSITORY, nothing_runs

pytestmark = [pytest.mark.integration, pytest.mark.once, pytest.mark.xdist_group("stack")]


def test_the_demo_tells_its_story_and_leaves_nothing_behind(tmp_path: Path) -> None:
    kept = {name: text for name, text in os.environ.items() if not name.endswith("_URL")}
    environ = {**kept, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "ingest.cli", "demo", "--json"]
    ended = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert ended.returncode == 0, ended.stderr
    told: dict[str, Any] = json.loads(ended.stdout)
    assert [row for row in told["deliveries"] if row["status"] != row["expected"]] == []
    assert {row["source"] for row in told["documents"]} == {s.source_type for s in all_samples()}
    assert all(row["bound"] for row in told["relationships"])
    assert {row["target_source"] for row in told["relationships"]} >= {"github", "linear"}
    assert not any("Wrong thread" in row["title"] for row in told["documents"])
    returned = {row["source"]: row for row in told["returned"]}
    assert returned["notion"]["why"] == "stood there before"
    assert returned["notion"]["documents"]
    assert returned["vercel"]["documents"] == ["dpl_Br1nd1eBoards0002Preview"]
    assert nothing_runs(str(tmp_path))
    assert list(tmp_path.iterdir()) == []
