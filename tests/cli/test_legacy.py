"""`ingest legacy export` and `verify`, and what every other command says to a legacy database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.cli.legacy_progress import shown
from ingest.flows.legacy.passing import Passed
from tests.cli.conftest import Ingest
from tests.databases import empty_databases
from tests.legacy.database import build

pytestmark = pytest.mark.integration
ODD = ("store_with_two_repositories", "vector_entries_that_do_not_fit", "texts_of_every_kind")


@pytest.fixture(scope="module")
def legacy_url(postgres_url: str) -> Iterator[str]:
    """A legacy database, which nobody changes."""
    with empty_databases(postgres_url) as make:
        yield build(make(), oddities=ODD).url


def test_a_database_comes_out_and_is_looked_over(
    ingest: Ingest, legacy_url: str, tmp_path: Path
) -> None:
    place = str(tmp_path / "archive")
    told = ingest("legacy", "export", place, "--json", DATABASE_URL=legacy_url).json
    assert [table["logical"] for table in told["tables"]][:2] == ["organizations", "workspaces"]
    assert told["rows"] == sum(table["rows"] for table in told["tables"])
    assert told["taken_at"].endswith("Z")
    looked = ingest("legacy", "verify", place, "--json", DATABASE_URL="postgresql://nowhere").json
    assert looked == {**told, "sound": True, "flaws": []}
    shown = ingest("legacy", "verify", place)
    assert (shown.code, shown.err) == (0, "")
    assert "lightfast_docs_documents" in shown.out
    assert "The archive is sound." in shown.out


def test_an_export_for_people_says_what_next(
    ingest: Ingest, legacy_url: str, tmp_path: Path
) -> None:
    told = ingest("legacy", "export", str(tmp_path), DATABASE_URL=legacy_url)
    assert told.code == 0
    assert "vector_entries" in told.out
    assert told.err == f"Look it over with: ingest legacy verify {tmp_path}\n"


def test_an_archive_is_replaced_only_when_told(
    ingest: Ingest, legacy_url: str, tmp_path: Path
) -> None:
    command = ("legacy", "export", str(tmp_path))
    assert ingest(*command, DATABASE_URL=legacy_url).code == 0
    refused = ingest(*command, DATABASE_URL=legacy_url)
    assert (refused.code, refused.out) == (2, "")
    assert "holds an archive already" in refused.err
    assert ingest(*command, "--force", DATABASE_URL=legacy_url).code == 0


def test_a_damaged_archive_is_told_with_exit_1(
    ingest: Ingest, legacy_url: str, tmp_path: Path
) -> None:
    ingest("legacy", "export", str(tmp_path), DATABASE_URL=legacy_url)
    path = tmp_path / "documents.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"docs/one"', b'"docs/two"'))
    told = ingest("legacy", "verify", str(tmp_path))
    assert told.code == 1
    assert "damaged: documents: documents.jsonl is not as the manifest says" in told.err
    told = ingest("legacy", "verify", str(tmp_path), "--json")
    assert told.code == 1
    assert json.loads(told.out)["sound"] is False


def test_what_is_no_archive_is_wrong_use(ingest: Ingest, tmp_path: Path) -> None:
    told = ingest("legacy", "verify", str(tmp_path))
    assert (told.code, told.out) == (2, "")
    assert "ingest legacy export" in told.err


def test_a_database_without_legacy_tables_is_told(
    ingest: Ingest, database_url: str, tmp_path: Path
) -> None:
    told = ingest("legacy", "export", str(tmp_path / "a"), DATABASE_URL=database_url)
    assert (told.code, told.out) == (1, "")
    assert told.err.count("\n") == 1
    assert "holds no legacy table" in told.err


@pytest.mark.parametrize("as_json", [True, False])
def test_how_far_it_is_stands_on_stderr(
    capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    with shown("export", as_json=as_json, line_every_s=0.0) as tell:
        tell(Passed("documents", 1_000, 200_000))
        tell(Passed("documents", 2_000, 0))
    told = capsys.readouterr()
    assert told.out == ""
    if as_json:
        first = json.loads(told.err.splitlines()[0])
        assert first == {"step": "export", "table": "documents", "rows": 1000, "about": 200_000}
    else:
        assert told.err == (
            "export: documents: 1,000 rows of about 200,000\nexport: documents: 2,000 rows\n"
        )


def test_a_database_that_does_not_answer_is_told(ingest: Ingest, tmp_path: Path) -> None:
    told = ingest("legacy", "export", str(tmp_path), DATABASE_URL="postgresql://127.0.0.1:1/x")
    assert told.code == 3


@pytest.mark.parametrize(
    "command", [("db", "upgrade"), ("db", "check"), ("up", "--port", "18733")], ids=" ".join
)
def test_every_way_in_points_here(
    ingest: Ingest, legacy_url: str, redis_url: str, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """And changes nothing: the database comes out as it was."""
    told = ingest(*command, DATABASE_URL=legacy_url, REDIS_URL=redis_url)
    assert (told.code, told.out) == (1, "")
    (line,) = told.err.strip().splitlines()
    assert "a legacy Lightfast database (lightfast_connected_repository, " in line
    assert "`ingest legacy export DIR`" in line
    assert ingest("legacy", "export", str(tmp_path / "a"), DATABASE_URL=legacy_url).code == 0


def test_the_doctor_says_it_too(ingest: Ingest, legacy_url: str) -> None:
    told = ingest("doctor", DATABASE_URL=legacy_url)
    assert told.code != 0
    assert "ingest legacy export DIR" in " ".join(f"{told.out} {told.err}".split())
