"""The pulse of a process, and what a probe makes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery.beat import Scheduler
from celery.worker.consumer import Consumer

from ingest import pulse
from ingest.bell.alive import PulsingScheduler
from ingest.broker.consumer import PatientConsumer
from ingest.pulse import DIRECTORY, STALE_S, WORKER, Pulse, feel

_BEATS = """
import sys, time
from pathlib import Path
from ingest.pulse import OF_PROCESS
OF_PROCESS.start(Path(sys.argv[1]), ["worker", "syncer"])
print("beats", flush=True)
time.sleep(60)
"""


@pytest.fixture
def beating(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", _BEATS, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as made:
        assert made.stdout is not None
        assert made.stdout.readline() == "beats\n"
        yield made
        made.kill()


def test_a_process_is_felt_until_it_is_killed(
    beating: subprocess.Popen[str], tmp_path: Path
) -> None:
    for kind in (WORKER, "syncer"):
        (felt,) = feel(tmp_path, kind)
        assert felt.pid == beating.pid
        assert felt.is_well
    assert feel(tmp_path, "fetcher") == []
    beating.send_signal(signal.SIGKILL)
    beating.wait()
    assert feel(tmp_path, WORKER) == []
    assert [path.name for path in (tmp_path / DIRECTORY).iterdir()] == [
        _name("syncer", beating.pid)
    ]


def test_one_that_does_not_turn_hangs(beating: subprocess.Popen[str], tmp_path: Path) -> None:
    path = tmp_path / DIRECTORY / _name(WORKER, beating.pid)
    long_ago = time.time() - STALE_S - 5
    os.utime(path, (long_ago, long_ago))
    (felt,) = feel(tmp_path, WORKER)
    assert not felt.is_well


def test_what_is_told_is_the_last_turn_unless_a_service_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "PULSE_S", 0.01)
    beats = Pulse()
    beats.start(tmp_path, [WORKER])
    path = tmp_path / DIRECTORY / _name(WORKER, os.getpid())
    try:
        assert _age(path, 0.3) >= 0.3
        beats.turn()
        assert _age(path, 0.1) < 0.3
        with beats.waiting():
            assert _age(path, 0.4) < 0.3
        beats.turn()
    finally:
        beats.stop()
    assert not path.exists()


def _name(kind: str, pid: int) -> str:
    return f"{kind}@{os.uname().nodename}.{pid}"


def _age(path: Path, after_s: float) -> float:
    """How long ago the file says the last turn was, once so much time has passed."""
    time.sleep(after_s)
    return time.time() - path.stat().st_mtime


def test_another_host_that_shares_the_directory_is_not_waited_for_and_not_looked_at(
    beating: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In containers everybody has the same number, and one lock would keep the second from work."""
    here = os.uname()
    elsewhere = os.uname_result(
        (here.sysname, "elsewhere", here.release, here.version, here.machine)
    )
    monkeypatch.setattr(os, "uname", lambda: elsewhere)
    assert feel(tmp_path, WORKER) == []
    monkeypatch.setattr(os, "getpid", lambda: beating.pid)
    second = Pulse()
    second.start(tmp_path, [WORKER])
    second.stop()
    monkeypatch.undo()
    assert [one.pid for one in feel(tmp_path, WORKER)] == [beating.pid]
    monkeypatch.setattr(os, "getpid", lambda: beating.pid)
    with pytest.raises(BlockingIOError):
        Pulse().start(tmp_path, [WORKER])


@pytest.mark.parametrize(
    ("theirs", "ours"), [(Consumer, PatientConsumer), (Scheduler, PulsingScheduler)]
)
def test_who_waits_for_the_broker_is_well(
    theirs: type[Any], ours: type[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it takes: to start the process again would mend nothing."""
    monkeypatch.setattr(pulse, "PULSE_S", 0.01)
    beats, ages = Pulse(), list[float]()
    beats.start(tmp_path, [WORKER])
    path = tmp_path / DIRECTORY / _name(WORKER, os.getpid())

    def connects(*_: object) -> None:
        ages.append(_age(path, 0.5))

    for module in ("ingest.broker.consumer", "ingest.bell.alive"):
        monkeypatch.setattr(f"{module}.OF_PROCESS", beats)
    name = "ensure_connected" if theirs is Consumer else "_ensure_connected"
    monkeypatch.setattr(theirs, name, connects)
    waits: Callable[..., None] = getattr(ours, name)
    waits(object.__new__(ours), *([None] if theirs is Consumer else []))
    beats.stop()
    assert ages[0] < 0.4


def test_nobody_is_well_where_nobody_is(tmp_path: Path) -> None:
    assert feel(tmp_path / "nothing", WORKER) == []
