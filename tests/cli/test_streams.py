"""Where the command line speaks: streams that are closed, and locales without a letter."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.cli import output

INGEST = Path(sys.executable).with_name("ingest")
TEXT = "déjà vu \N{RIGHTWARDS ARROW} \N{PARTY POPPER}"


def shell(command: str, tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it as a stranger's shell does; `$0` is our command."""
    told = {"PATH": os.environ["PATH"], "INGEST_DATA_DIR": str(tmp_path / "none"), **environ}
    return subprocess.run(
        ["/bin/sh", "-c", command, str(INGEST)],
        env=told,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_stops_no_command(closed: str, tmp_path: Path) -> None:
    """Bug: with stderr closed the program ended at its first note, and nobody was told."""
    done = shell(f'"$0" store list {closed}', tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert ("no database" in done.stderr) == ("2>&-" not in closed)


def printed(data: object, *, encoding: str) -> bytes:
    """What `--json` prints there."""
    said = io.BytesIO()
    standing, sys.stdout = sys.stdout, io.TextIOWrapper(said, encoding=encoding)
    try:
        output.document(data)
        sys.stdout.flush()
        return said.getvalue()
    finally:
        sys.stdout = standing


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_json_is_json_in_every_locale(encoding: str) -> None:
    said = printed({"title": TEXT}, encoding=encoding)
    assert json.loads(said) == {"title": TEXT}
    assert (TEXT.encode() in said) == (encoding == "utf-8")


def test_a_letter_without_a_code_is_escaped() -> None:
    code = "from ingest.cli.main import open_standard_streams as o; o(); print('caf\\xe9')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("caf\\xe9\n", "")
