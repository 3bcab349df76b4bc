"""Every command that a page shows is one that there is, with options that it has."""

from __future__ import annotations

import pytest

from tests.docs.command_lines import PAST, commands_of, is_name, of_ours, problem
from tests.docs.pages import every_page


def test_every_command_of_a_page_could_be_run() -> None:
    pages = [page for page in every_page() if page not in PAST]
    found = {(page.name, line) for page in pages for line in commands_of(page.read_text("utf-8"))}
    assert len(found) > 150
    assert not sorted(f"{page}: {why}" for page, line in found if (why := problem(line)))


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("ingest doctor --offline", True),
        ("ingest sync ID --full --wait", True),
        ("ingest changes --consumer NAME --from snapshot", True),
        ("ingest source doctor ID --fix", True),
        ("ingest --version", True),
        ("ingest db upgrade now", False),
        ("ingest doctor --loud", False),
        ("ingest docs lost ID", False),
        ("ingest repair", False),
        ("ingest source update ID --filter", False),
    ],
)
def test_what_could_be_run(line: str, is_one: bool) -> None:
    assert (problem(line) is None) == is_one


@pytest.mark.parametrize(
    ("shown", "line"),
    [
        ("ingest docs list  # all", "ingest docs list"),
        ("ingest types --format ts > ingest.ts", "ingest types --format ts"),
        ("ID=$(ingest source connect github); echo $ID", "ingest source connect github"),
        ("DATABASE_URL=postgresql://host/x ingest legacy export DIR", "ingest legacy export DIR"),
        ("docker compose exec worker ingest doctor", "ingest doctor"),
    ],
)
def test_what_a_prompt_runs_of_ours(shown: str, line: str) -> None:
    assert [*of_ours(shown)] == [line]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("ingest store", True),
        ("ingest docs show", True),
        ("ingest sync", True),
        ("ingest reprocess", False),
        ("ingest changes", False),
        ("ingest docs show ID", False),
        ("ingest --version", False),
    ],
)
def test_which_line_only_names_a_command(line: str, names: bool) -> None:
    assert is_name(line) == names
