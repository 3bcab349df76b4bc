"""`docs/tutorial.md`, command by command: with GitHub played, on the stack of the breakages.

Before them: where Redis was away, a backfill rests for a while.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.cli.up import DEFAULT_PORT
from tests.acceptance.breakages.installation import Installation
from tests.acceptance.breakages.page import Step, sections
from tests.acceptance.breakages.repository import PUBLIC, Sender
from tests.docs.pages import DOCS, ROOT

pytestmark = [
    pytest.mark.integration,
    pytest.mark.once,
    pytest.mark.xdist_group("breakages"),
]

STEPS = sections(DOCS / "tutorial.md")
ID, NAME, MADE = 102, "acme/web", "repository.json"
HERE = {"$REPOSITORY": NAME, "$PUBLIC": PUBLIC}
"""What stands here for what a reader has of his own."""


@pytest.fixture
def installation(stack: Installation) -> Iterator[Installation]:
    """It runs, and holds nothing; in the repository are a page and two issues, one of which fixes
    the other.
    """
    _empty(stack)
    github = stack.github.github
    github.add(ID, NAME)
    github.change(ID, "main", {"docs/start.md": "# Start\n\nHere."}, at="2026-03-02T14:00:00Z")
    sender = Sender(stack.github.leads_to, github, ID, NAME)
    sender.open_issue("It does, since noon.", title="It hangs")
    sender.open_issue("Fixes #1.", title="Restart it")
    yield replace(stack, github=sender, words={})
    _empty(stack)


def _empty(stack: Installation) -> None:
    """Every connection and every store, with all that they hold."""
    for one in json.loads(stack.command("ingest source list --json")[1]):
        stack.command(f"ingest source disconnect {one['id']} --purge --yes")
    for one in json.loads(stack.command("ingest store list --json")[1]):
        stack.command(f"ingest store delete {one['id']} --yes")


def test_every_command_of_the_tutorial_does_what_it_says(
    installation: Installation, tmp_path: Path
) -> None:
    """In its order, and each says the lines that stand below it."""
    reader = _Reader(installation, tmp_path)
    assert len(STEPS) == 7
    for steps in STEPS.values():
        for step in steps:
            reader.take(step)
    assert installation.command("ingest docs list")[1].strip() == "There is no such document."


class _Reader:
    """Who does what the page says, in a folder of his own."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self._installation = installation
        self._folder = folder
        self._elsewhere: Mapping[str, Callable[[str], object]] = {
            "# an issue is opened": lambda _: installation.issue("Once more."),
            "$ make up": _is_target,
            "$ . .venv/bin/activate": _is_ours,
            "$ export": lambda _: None,
            "$ cloudflared": _leads_to_the_receiver,
            "$ curl": self._in_shell,
            "$ python3": self._in_shell,
            "$ DOCUMENT=…": self._choose,
        }

    def take(self, step: Step) -> None:
        """One step: at the command line of the program, or what is done elsewhere."""
        does = _here(step.does)
        for beginning, do in self._elsewhere.items():
            if does.startswith(beginning):
                do(does)
                return
        does = does.replace(f"@{MADE}", f"'{self._made()}'") if MADE in does else does
        self._installation.says(does.removeprefix("$ "), tuple(map(_here, step.says)))

    def _made(self) -> str:
        """The metadata that the page has made."""
        return (self._folder / MADE).read_text("utf-8").strip()

    def _in_shell(self, line: str) -> None:
        github = self._installation.environ["INGEST_GITHUB_API_URL"]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        told = line.removeprefix("$ ").replace("https://api.github.com", github)
        environ = {"PATH": path, "GITHUB_TOKEN": self._installation.github.github.token}
        subprocess.run(["sh", "-ec", told], check=True, cwd=self._folder, env=environ)

    def _choose(self, _: str) -> None:
        """The id in the first column of what was listed last."""
        told = self._installation.command(f"ingest docs find {NAME}#1 --json")[1]
        self._installation.words["$DOCUMENT"] = json.loads(told)[0]["id"]


def _here(line: str) -> str:
    for of_readers, ours in HERE.items():
        line = line.replace(of_readers, ours)
    return line


def _is_target(line: str) -> None:
    assert f"\n{line.removeprefix('$ make ')}: " in (ROOT / "Makefile").read_text("utf-8")


def _is_ours(_: str) -> None:
    """Where `make` puts the environment."""
    assert "\nVENV ?= .venv\n" in (ROOT / "Makefile").read_text("utf-8")


def _leads_to_the_receiver(line: str) -> None:
    assert line.endswith(f"http://127.0.0.1:{DEFAULT_PORT}")
