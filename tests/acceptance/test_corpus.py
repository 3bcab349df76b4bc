"""`python -m tests.corpus` on folders made here: it must see what is wrong with one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import state
from tests.embedded.watching import REPOSITORY, nothing_runs

pytestmark = [pytest.mark.integration, pytest.mark.once, pytest.mark.xdist_group("stack")]

REPO = {"id": 101, "full_name": "halcyon/web"}
WHOLE = {"number": 1, "title": "Lamp", "state": "open", "updated_at": "2026-01-05T09:00:00Z"}


def test_a_folder_is_sent_twice_and_every_end_is_told(tmp_path: Path) -> None:
    webhook(tmp_path, "github/form", "issues", {"issue": WHOLE}, form=True)
    webhook(tmp_path, "github/dead", "issues", {"issue": {"number": 2, "title": "Lamp"}})
    webhook(tmp_path, "github/app", "installation", {"installation": {"id": 7}, "repository": None})
    webhook(tmp_path, "wiki/unknown", "page", {})
    code, told = corpus(tmp_path)
    ends = {(row["event"], row["status"]): row for row in told["rows"]}
    assert set(ends) == {
        ("issues", "processed"),
        ("issues", "dead"),
        ("installation", "skipped"),
        ("", "not built"),
    }
    assert ends["issues", "processed"]["documents"] == 1
    assert ends["issues", "dead"]["reason"].startswith("payload field issue.")
    assert told["failures"] == []
    assert code == 0


def test_an_empty_folder_is_a_failure(tmp_path: Path) -> None:
    code, told = corpus(tmp_path)
    assert code == 1
    assert told["failures"] == ["the folder holds no payload"]


def test_answers_of_an_api_are_read_without_the_stack(tmp_path: Path) -> None:
    """What is of no document, what nobody asks for and what nobody built is told and no failure."""
    answer(tmp_path, "github/list", "/repos/halcyon/web/issues", [{**WHOLE, "id": 1_001}])
    answer(tmp_path, "github/other", "/rate_limit", {"resources": {}})
    answer(tmp_path, "github/gone", "/repos/halcyon/web/issues/9", {"message": "no"}, status=404)
    answer(tmp_path, "wiki/unknown", "/pages", [])
    code, told = corpus(tmp_path)
    ends = {(row["source"], row["status"], row["end"]): row for row in told["api"]["rows"]}
    assert set(ends) == {
        ("github", "200", "read"),
        ("github", "200", "not asked for"),
        ("github", "404", "gone"),
        ("wiki", "200", "not built"),
    }
    assert ends["github", "200", "read"]["documents"] == 1
    assert told["failures"] == []
    assert code == 0


def test_an_answer_that_becomes_no_document_is_a_failure(tmp_path: Path) -> None:
    dateless = {name: told for name, told in WHOLE.items() if name != "updated_at"}
    answer(tmp_path, "github/one", "/repos/halcyon/web/issues/1", {**dateless, "id": 1_001})
    code, told = corpus(tmp_path)
    assert code == 1
    assert any("object.updated_at: required and missing" in one for one in told["failures"])


def test_a_row_that_is_written_anew_is_seen_although_it_says_the_same() -> None:
    before = {"documents": {"1": {"title": "Lamp", "xmin": "700"}}}
    after = {"documents": {"1": {"title": "Lamp", "xmin": "701"}}}
    assert state.differences(before, before) == []
    (line,) = state.differences(before, after)
    assert "1 written anew (xmin)" in line


def webhook(
    folder: Path, name: str, event: str, objects: dict[str, Any], *, form: bool = False
) -> None:
    headers = {"X-GitHub-Event": event}
    if form:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    path = folder / "webhooks" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    body = {"action": "opened", "repository": REPO, **objects}
    told = {"source": name.partition("/")[0], "origin": "here", "headers": headers, "body": body}
    path.write_text(json.dumps(told))


def answer(folder: Path, name: str, path: str, body: object, *, status: int = 200) -> None:
    file = folder / "api" / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    request = {"method": "GET", "url": f"https://api.example{path}"}
    told = {"source": name.partition("/")[0], "origin": "here", "request": request}
    file.write_text(json.dumps({**told, "status": status, "headers": {}, "body": body}))


def corpus(folder: Path) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "tests.corpus", "--twice", "--json", "--corpus", str(folder)]
    ended = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=90
    )
    assert ended.stdout, ended.stderr
    assert nothing_runs(str(folder))
    return ended.returncode, json.loads(ended.stdout)
