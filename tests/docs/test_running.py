"""The commands of the pages are run, each on an installation that has what it speaks of.

Each ends with 0, but for those of `endings.CODES`. A sentence that names a command without what it
needs is asked for its help.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import which

import pytest

from tests.conftest import database_on
from tests.databases import empty_databases
from tests.docs import endings
from tests.docs.command_lines import of_ours, problem
from tests.docs.installation import Installation, installed
from tests.docs.pages import ROOT, commands
from tests.docs.stand_ins import WORDS, Line
from tests.docs.typed import FIRST, LINES, NAMES, RUN, LegacyDatabases, Typed
from tests.factories import SECRET
from tests.legacy.database import build
from tests.spares import Spares

pytestmark = [
    pytest.mark.integration,
    pytest.mark.once,
    pytest.mark.xdist_group("documented-commands"),
]


@pytest.fixture(scope="module")
def installation(
    postgres_url: str,
    spares: Spares,
    _redis_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    name = spares.take()
    url = database_on(postgres_url, name)
    with installed(url, _redis_server, tmp_path_factory.mktemp("documented")) as made:
        yield made
    spares.give_back(name)


@pytest.fixture(scope="module")
def legacy(postgres_url: str) -> Iterator[LegacyDatabases]:
    with empty_databases(postgres_url) as make:
        yield LegacyDatabases(lambda: build(make(), oddities=()).url)


@pytest.mark.parametrize("line", RUN, ids=lambda line: f"{line.source_type}: {line.text[:100]}")
def test_a_command_of_a_page_does_what_it_says(
    installation: Installation,
    legacy: LegacyDatabases,
    line: Line,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    typed = Typed(installation, line, legacy)
    with ExitStack() as beside:
        typed.prepare(beside)
        ran = typed.run()
    code, _ = endings.CODES.get(line.text, (0, ""))
    assert ran.code == code, f"{line.text}\n{typed.argv}\n{ran.out}{ran.noted}"


@pytest.mark.parametrize(
    "text",
    [
        "ingest source update ID --sync-every often",
        "ingest docs show ENG-404",
        "ingest sync show 4711",
    ],
)
def test_a_command_that_can_be_read_and_does_not_work_is_found(
    installation: Installation, legacy: LegacyDatabases, text: str
) -> None:
    assert problem(text) is None
    typed = Typed(installation, Line.of(text, "README"), legacy)
    typed.prepare(ExitStack(), state=endings.GROWN)
    assert typed.run().code != 0


def test_nearly_all_are_run() -> None:
    """What is not is in few words."""
    assert len([line for line in RUN if line not in NAMES]) > 130
    assert len(endings.NOT_RUN) < 8
    assert len(endings.CODES) < 8


def test_every_entry_of_the_tables_is_of_a_command_that_is_documented() -> None:
    texts = {line.text for line in LINES}
    assert texts >= endings.NOT_RUN.keys() | endings.CODES.keys()
    beginnings = (*endings.STATES, *endings.ASKED, *endings.HEARD, *FIRST)
    assert not [one for one in beginnings if not any(text.startswith(one) for text in texts)]


def test_every_stand_in_stands_for_something() -> None:
    told = [shlex.split(line.text)[1:] for line in LINES]
    unused = [
        (beginning, word)
        for beginning, word in WORDS
        if not any(word in one and " ".join(one).startswith(beginning) for one in told)
    ]
    assert not unused


@pytest.mark.skipif(which("curl") is None, reason="curl is not on this machine")
def test_the_webhook_that_the_readme_makes_by_hand_becomes_the_document_that_it_names(
    installation: Installation,
) -> None:
    """In a shell, as it stands there, but for the port."""
    typed = [*commands((ROOT / "README.md").read_text("utf-8"))]
    first = next(at for at, line in enumerate(typed) if line.startswith("body="))
    sending, (find,) = typed[first : first + 3], [*of_ours(typed[first + 3])]
    connecting = next(line for line in LINES if "--webhook-secret-env GITHUB_HOOK" in line.text)
    installation.rows.put_back(endings.BEGUN)
    connected = installation.run(connecting.argv(installation.words), GITHUB_HOOK_SECRET=SECRET)
    with installation.receiving() as port:
        script = "\n".join(sending).replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        environ = {"PATH": os.environ["PATH"], "ID": connected.out.strip()}
        sent = subprocess.run(
            ["sh", "-ec", script],
            env={**environ, "GITHUB_HOOK_SECRET": SECRET},
            capture_output=True,
            text=True,
            check=True,
        )
    assert json.loads(sent.stdout)["status"] == "accepted"
    with installation.working():
        assert installation.run(["drain"]).code == 0
    assert installation.run(shlex.split(find)[1:]).code == 0
