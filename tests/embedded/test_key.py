"""The key that a data directory keeps: one for all, whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from ingest.core.errors import BadSettings
from ingest.core.vault import SHORTEST_KEY
from ingest.embedded.key import kept_key
from ingest.wiring import SECRET_KEY_FILE, program

STARTS = 8


@pytest.mark.parametrize("attempt", range(40))
def test_many_who_start_at_once_have_one_key(attempt: int, tmp_path: Path) -> None:
    """Bug: the file was made and then written, and who came in between read the empty key."""
    path, ready = tmp_path / f"data-{attempt}" / "secret.key", Barrier(STARTS)

    def start(_: int) -> str:
        ready.wait()
        return kept_key(path)

    with ThreadPoolExecutor(STARTS) as threads:
        keys = set(threads.map(start, range(STARTS)))
    assert len(keys) == 1
    assert len(keys.pop()) >= SHORTEST_KEY


def test_of_many_processes_too(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from ingest.embedded.key import kept_key; "
    code += "sys.stdout.write(kept_key(Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(tmp_path / "secret.key")]
    begun = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(STARTS)]
    keys = {process.communicate(timeout=60)[0] for process in begun}
    assert len(keys) == 1
    assert len(keys.pop()) >= SHORTEST_KEY


def test_the_key_is_its_owner_s_alone_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    kept_key(tmp_path / "secret.key")
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_crash_before_the_name_leaves_no_key(tmp_path: Path) -> None:
    """What a crash left aside is nobody's key."""
    (tmp_path / "secret.key.abc").write_text("half a k")
    assert len(kept_key(tmp_path / "secret.key")) >= SHORTEST_KEY


@pytest.mark.parametrize("left", ["", "\n", "half a key"], ids=["empty", "blank", "cut off"])
def test_a_short_key_in_the_file_is_refused_with_the_remedy(left: str, tmp_path: Path) -> None:
    """Bug: an empty file was the empty key for ever, with which everything was encrypted."""
    (tmp_path / SECRET_KEY_FILE).write_text(left)
    with pytest.raises(BadSettings, match=r"secret\.key holds a key of \d+ characters.*remove"):
        program({"INGEST_DATA_DIR": str(tmp_path)}).vault  # noqa: B018 - asking for it is the test


@pytest.mark.parametrize(
    "left",
    [b"\0" * 43, b"\xff" * 43, b" \n" * 40, b"k" + b"\n" * 40 + b"k", b"half a key" + b"\0" * 33],
    ids=["zeros", "no letters", "blanks", "blanks between", "half zeros"],
)
def test_what_is_long_and_holds_no_key_is_refused(left: bytes, tmp_path: Path) -> None:
    """Bug: the zeros that some file systems leave after a crash were a key that all know."""
    (tmp_path / SECRET_KEY_FILE).write_bytes(left)
    with pytest.raises(BadSettings, match=r"secret\.key holds a key of \d+ characters.*remove"):
        program({"INGEST_DATA_DIR": str(tmp_path)}).vault  # noqa: B018 - asking for it is the test


@pytest.mark.parametrize("name", ["secret.key", "elsewhere"])
def test_a_key_that_cannot_be_read_is_one_clear_line(name: str, tmp_path: Path) -> None:
    """A directory, or a link that leads nowhere."""
    path = tmp_path / SECRET_KEY_FILE
    path.mkdir() if name == SECRET_KEY_FILE else path.symlink_to(tmp_path / name)
    with pytest.raises(BadSettings, match="no encryption key can be kept in"):
        program({"INGEST_DATA_DIR": str(tmp_path)}).vault  # noqa: B018 - likewise


@pytest.mark.parametrize("keys", ["short", "a" * 40 + ",short", "s   h   o   r   t" + " " * 40])
def test_a_short_key_in_the_environment_is_refused(keys: str) -> None:
    with pytest.raises(BadSettings, match="INGEST_SECRET_KEY holds a key of 5 characters"):
        program({"INGEST_SECRET_KEY": keys})


def test_a_directory_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadSettings, match="no encryption key can be kept in"):
        program({"INGEST_DATA_DIR": str(tmp_path / "file" / "data")}).vault  # noqa: B018 - likewise


def test_a_key_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_text("k" * SHORTEST_KEY + "\n")
    before = path.stat()
    assert kept_key(path) == "k" * SHORTEST_KEY
    assert path.stat().st_mtime_ns == before.st_mtime_ns
