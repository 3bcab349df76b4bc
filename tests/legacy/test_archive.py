"""An archive is whole or is none; it is read line by line, and no number loses a digit."""

from __future__ import annotations

import contextlib
import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.errors import BadInput
from ingest.flows.legacy import lines
from ingest.flows.legacy.archive import Archive
from ingest.flows.legacy.checking import Flaw
from ingest.flows.legacy.known import KnownTexts
from ingest.flows.legacy.lines import Value
from ingest.flows.legacy.manifest import MANIFEST
from ingest.flows.legacy.writing import ArchiveUnwritable, drafting
from ingest.store.legacy_tables import LEGACY_TABLES
from tests.legacy import small_archives as small

DOCUMENTS = [small.document("a", '{"n": 1.10}'), small.document("b")]
WHOLE = {**small.ABOVE, "documents": DOCUMENTS}


def test_rows_come_out_as_they_went_in(tmp_path: Path) -> None:
    small.make(tmp_path / "new" / "archive", WHOLE)
    archive = Archive.open(tmp_path / "new" / "archive")
    first, second = archive.rows("documents")
    assert first["frontmatter"] == {"n": Decimal("1.10")}
    assert (second["id"], second["frontmatter"]) == ("b", None)
    assert [*archive.rows("commits")] == []
    assert archive.tables["commits"] is None
    assert list(archive.tables) == list(LEGACY_TABLES)
    assert archive.verify() == []


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    small.make(tmp_path / "archive", WHOLE)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "archive").iterdir()}
    assert modes == {0o600}
    assert (tmp_path / "archive").stat().st_mode & 0o777 == 0o700


def test_what_is_no_archive_is_told_with_what_to_do(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(BadInput, match=r"no whole archive.*ingest legacy export"):
            Archive.open(place)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "format"),
        ({"colour": "blue"}, "colour"),
        ({"tables": {}}, "tables"),
        ({"takenAt": None}, "takenAt"),
    ],
)
def test_another_format_is_refused_with_the_place(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    small.make(tmp_path, WHOLE)
    told = json.loads((tmp_path / MANIFEST).read_text()) | change
    (tmp_path / MANIFEST).write_text(json.dumps(told))
    with pytest.raises(BadInput, match=f"{said}.*export again"):
        Archive.open(tmp_path)


def test_a_file_of_another_place_is_refused(tmp_path: Path) -> None:
    small.make(tmp_path, WHOLE)
    told = (tmp_path / MANIFEST).read_text().replace("documents.jsonl", "../documents.jsonl")
    (tmp_path / MANIFEST).write_text(told)
    with pytest.raises(BadInput, match="file of documents is"):
        Archive.open(tmp_path)


# What ends early.


def _write_half(directory: Path) -> None:
    with contextlib.suppress(ZeroDivisionError), drafting(directory, replace=True) as draft:
        small.write(draft, "documents", [])
        raise ZeroDivisionError


def test_an_archive_that_is_not_finished_is_none(tmp_path: Path) -> None:
    _write_half(tmp_path)
    assert [*tmp_path.iterdir()] == []
    small.make(tmp_path, WHOLE)
    assert Archive.open(tmp_path).verify() == []


def test_what_was_there_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    small.make(tmp_path, WHOLE)
    with pytest.raises(BadInput, match="--force"):
        small.make(tmp_path, small.ABOVE)
    _write_half(tmp_path)
    assert len([*Archive.open(tmp_path).rows("documents")]) == 2
    small.make(tmp_path, small.ABOVE, replace=True)
    assert Archive.open(tmp_path).tables["documents"] is None
    assert not (tmp_path / "documents.jsonl").exists()


def test_killed_at_any_step_it_leaves_the_old_one_or_the_new_one_or_none(tmp_path: Path) -> None:
    """And the next attempt succeeds, without a word about what the last one left."""
    command = [sys.executable, "-m", "tests.legacy.killed_drafts", str(tmp_path)]
    subprocess.run(command, check=True)
    places = sorted(tmp_path.iterdir(), key=lambda place: int(place.name))
    assert len(places) > 10
    seen = [_what_is_there(place) for place in places]
    assert list(dict.fromkeys(seen)) == ["old", "none", "new"]
    for place, left in zip(places, seen, strict=True):
        small.make(place, WHOLE, replace=left != "none")
        assert Archive.open(place).verify() == []
        assert not [*place.glob("*.partial")]


def _what_is_there(place: Path) -> str:
    try:
        archive = Archive.open(place)
    except BadInput:
        return "none"
    assert archive.verify() == []
    return "old" if len([*archive.rows("documents")]) == 2 else "new"


def test_two_at_once_are_told_apart(tmp_path: Path) -> None:
    with (
        drafting(tmp_path, replace=False) as draft,
        pytest.raises(BadInput, match="another export"),
    ):
        small.make(tmp_path, WHOLE)
    small.make(tmp_path, WHOLE)
    assert Archive.open(tmp_path).verify() == []
    assert draft.directory == tmp_path


def test_a_file_that_is_no_archives_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "documents.jsonl").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine too")
    with pytest.raises(BadInput, match=r"documents.jsonl of no archive"):
        small.make(tmp_path, small.ABOVE)
    (tmp_path / "documents.jsonl").unlink()
    small.make(tmp_path, small.ABOVE)
    assert (tmp_path / "notes.txt").read_text() == "mine too"


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="no directory"):
        small.make(tmp_path / "file", WHOLE)
    with pytest.raises(ArchiveUnwritable, match=r"/proc/.*another directory"):
        small.make(Path("/proc/archive"), WHOLE)


# What is damaged.


@pytest.mark.parametrize(
    ("documents", "what"),
    [
        ([b"{\n"], "a line is no row"),
        ([b"[]\n"], "a line is no row"),
        ([b'{"id": "\xff"}\n'], "a line is no row"),
        ([b'{"id": "a"}\n'], "a row has other columns than the manifest names"),
        ([small.document("a", "1"), small.document("a")], "an id is there twice"),
        ([small.document("b"), small.document("a")], "rows do not ascend by their id"),
        ([small.document("i" * 192)], "a value does not fit its column id"),
    ],
)
def test_each_damage_has_its_word(tmp_path: Path, documents: list[bytes], what: str) -> None:
    small.make(tmp_path, {**WHOLE, "documents": documents})
    assert Archive.open(tmp_path).verify() == [Flaw("documents", what, line=len(documents))]


def test_a_file_that_changed_is_told_by_rows_bytes_and_hash(tmp_path: Path) -> None:
    small.make(tmp_path, WHOLE)
    (tmp_path / "documents.jsonl").write_bytes(DOCUMENTS[1])
    told = [flaw.what.rpartition(": ")[2] for flaw in Archive.open(tmp_path).verify()]
    assert told == ["1 rows, not 2", f"{len(DOCUMENTS[1])} bytes, not {_size()}", "another SHA-256"]
    with pytest.raises(BadInput, match=r"holds 1 rows, not 2.*legacy verify"):
        [*Archive.open(tmp_path).rows("documents")]
    (tmp_path / "documents.jsonl").unlink()
    (flaw,) = Archive.open(tmp_path).verify()
    assert "cannot be read: No such file" in flaw.what
    with pytest.raises(BadInput, match="No such file"):
        [*Archive.open(tmp_path).rows("documents")]


def _size() -> int:
    return sum(map(len, DOCUMENTS))


def test_one_turned_bit_is_found(tmp_path: Path) -> None:
    small.make(tmp_path, WHOLE)
    raw = bytearray((tmp_path / "documents.jsonl").read_bytes())
    raw[raw.index(b"a.md")] ^= 1
    (tmp_path / "documents.jsonl").write_bytes(raw)
    (flaw,) = Archive.open(tmp_path).verify()
    assert flaw.what.endswith("another SHA-256")


def test_a_line_that_is_no_row_is_told_by_its_number(tmp_path: Path) -> None:
    small.make(tmp_path, {"documents": [*DOCUMENTS, b"no row\n"]})
    with pytest.raises(BadInput, match=r"documents.jsonl line 3.*legacy verify"):
        [*Archive.open(tmp_path).rows("documents")]


def test_rows_that_refer_to_nothing_are_odd_and_no_damage(tmp_path: Path) -> None:
    lost = [small.document(name, store_id="lost") for name in "ab"]
    small.make(tmp_path, {**WHOLE, "documents": lost})
    (flaw,) = Archive.open(tmp_path).verify()
    what = "store_id names a row that is not there"
    assert flaw == Flaw("documents", what, is_damage=False, line=1, times=2)


# Numbers and texts.

NUMBERS = ["1.10", "12345678901234567890.5", "1e-7", "18446744073709551617", "-0.0", "9" * 5_000]


@pytest.mark.parametrize("text", NUMBERS)
def test_no_number_loses_a_digit(text: str) -> None:
    row = lines.parse(f'{{"n": {text}}}'.encode())
    assert Decimal(lines.to_json(row)[6:-1]) == Decimal(text)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_no_row(text: str) -> None:
    with pytest.raises(ValueError, match="JSON"):
        lines.parse(f'{{"n": {text}}}'.encode())


@pytest.fixture
def _no_collection() -> Iterator[None]:
    """What is called when rubbish is collected would find no stack left."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collection")
def test_what_is_nested_too_deeply_is_no_row() -> None:
    with pytest.raises(ValueError, match="deep"):
        lines.parse(b'{"n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")


_decimals = st.decimals(allow_nan=False, allow_infinity=False)
_values: st.SearchStrategy[Value] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(), _values, max_size=3))
def test_what_is_written_is_read_again(row: dict[str, Value]) -> None:
    text = lines.to_json(row)
    assert "\n" not in text
    assert lines.to_json(lines.parse(text.encode())) == text


@settings(max_examples=40)
@given(st.lists(st.text(), max_size=20), st.lists(st.text(), max_size=20))
def test_known_texts_are_those_that_were_added(added: list[str], others: list[str]) -> None:
    known = KnownTexts()
    for text in added:
        known.add(text)
    for text in [*added, *others]:
        assert (text in known) == (text in set(added))


def test_known_texts_grow() -> None:
    known = KnownTexts()
    for number in range(5_000):
        known.add(str(number))
    assert all(str(number) in known for number in range(5_000))
    assert not any(str(number) in known for number in range(5_000, 10_000))
