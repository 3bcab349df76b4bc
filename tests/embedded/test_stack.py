"""The supervisor on small children: order, restarts, prefixes, and an end that always comes."""

import io
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.embedded import commands
from ingest.embedded.processes import command_line, free_port, spawn, wait_until
from ingest.embedded.stack import Child, Stack, run_stack
from ingest.machine import ended_by_signals
from tests.embedded.watching import REPOSITORY, all_gone, nothing_runs, python, running

pytestmark = pytest.mark.xdist_group("embedded")

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('deaf'); time.sleep(60)"
)


def sleeper(name: str, code: str = "import time; time.sleep(60)") -> Child:
    return Child(name, [sys.executable, "-c", code])


def stop_by(number: signal.Signals) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def tended(stack: Stack, condition: Callable[[], bool], *, seconds: float = 10.0) -> bool:
    def look() -> bool:
        stack.tend()
        return condition()

    return wait_until(look, seconds=seconds)


def test_a_stack_runs_until_a_signal_and_stops_all_at_once(tmp_path: Path) -> None:
    log = tmp_path / "stops"
    waits_for_others = f"""
import pathlib, signal, sys, time
def end(*_):
    with open({str(log)!r}, "a") as told:
        told.write(sys.argv[1])
    while len(pathlib.Path({str(log)!r}).read_text()) < 3:
        time.sleep(0.01)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
pathlib.Path({str(tmp_path)!r}, sys.argv[1]).touch()
time.sleep(60)
"""
    children = [Child(name, [sys.executable, "-c", waits_for_others, name]) for name in "abc"]
    status = run_stack(
        children,
        ready=lambda: all((tmp_path / name).exists() for name in "abc"),
        on_ready=stop_by(signal.SIGTERM),
        output=io.BytesIO(),
    )
    assert status == 0
    assert sorted(log.read_text()) == ["a", "b", "c"]


def test_lines_are_whole_and_carry_the_name_of_their_child() -> None:
    output = io.BytesIO()
    children = [
        Child("web", ["/bin/sh", "-c", "echo one; echo two >&2; printf end; sleep 60"]),
        Child("worker", ["/bin/sh", "-c", 'echo "$COLOUR"; sleep 60'], {"COLOUR": "red"}),
    ]
    with Stack(children, output=output):
        assert wait_until(lambda: output.getvalue().count(b"\n") == 3, seconds=10)
    assert sorted(output.getvalue().splitlines()) == [
        b"web    | end",
        b"web    | one",
        b"web    | two",
        b"worker | red",
    ]


def test_a_killed_child_is_started_again() -> None:
    with Stack([sleeper("web"), sleeper("worker")], output=io.BytesIO()) as stack:
        before = stack.pids()
        os.kill(before["worker"], signal.SIGKILL)
        assert tended(stack, lambda: stack.pids().get("worker", 0) not in (0, before["worker"]))
        assert stack.pids()["web"] == before["web"]


def test_restarts_of_a_crashing_child_are_spaced_out(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    code = f"open({str(starts)!r}, 'a').write('x'); raise SystemExit(3)"
    with Stack([sleeper("beat", code)], output=io.BytesIO()) as stack:
        stack.steady = True
        until = time.monotonic() + 2.5
        tended(stack, lambda: time.monotonic() > until)
    assert 2 <= len(starts.read_text()) <= 3  # at 0, 0.5 and 1.5 seconds


def test_a_stack_that_cannot_come_up_gives_up() -> None:
    with Stack([sleeper("web", "raise SystemExit(1)")], output=io.BytesIO(), patience=2) as stack:
        assert tended(stack, lambda: (child := stack.tend()) is not None and child.name == "web")


def test_a_program_that_does_not_exist_is_a_crash_with_its_name() -> None:
    output = io.BytesIO()
    with Stack([Child("web", ["no-such-program"])], output=output, patience=1) as stack:
        assert tended(stack, lambda: stack.tend() is not None)
    assert b"web | cannot start no-such-program" in output.getvalue()


def test_a_second_signal_does_not_wait_for_a_deaf_child() -> None:
    output = io.BytesIO()
    signals = iter([signal.SIGINT, signal.SIGINT])

    def interrupt_twice() -> None:
        for number in signals:
            os.kill(os.getpid(), number)

    began = time.monotonic()
    status = run_stack(
        [sleeper("worker", STUBBORN)],
        ready=lambda: b"deaf" in output.getvalue(),
        on_ready=interrupt_twice,
        output=output,
    )
    assert status == 0
    assert time.monotonic() - began < 5


def test_grandchildren_end_with_their_parent() -> None:
    output = io.BytesIO()
    family = Child("worker", ["/bin/sh", "-c", "sleep 60 & echo $!; wait"])
    with Stack([family], output=output):
        assert wait_until(lambda: output.getvalue().endswith(b"\n"), seconds=10)
        grandchild = int(output.getvalue().split(b"|")[1])
        assert command_line(grandchild)
    assert all_gone([grandchild], seconds=2)


def test_the_services_are_watched_every_second() -> None:
    seen: list[float] = []

    def watch() -> None:
        seen.append(time.monotonic())
        if len(seen) == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    assert run_stack([sleeper("web")], watch=watch, output=io.BytesIO()) == 0
    assert 0.9 <= seen[1] - seen[0] <= 2


def test_an_error_on_the_way_stops_the_children_and_restores_the_handlers() -> None:
    former = signal.getsignal(signal.SIGTERM)
    output = io.BytesIO()

    def fail() -> None:
        raise RuntimeError("no schema")

    word = f"mark-{os.getpid()}-error"
    child = Child("web", [sys.executable, "-c", "import time; time.sleep(60)", word])
    with pytest.raises(RuntimeError, match="no schema"):
        run_stack([child], on_ready=fail, output=output)
    assert signal.getsignal(signal.SIGTERM) is former
    assert running(word) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_way_of_ending_the_owner_leaves_a_child(number: signal.Signals) -> None:
    word = f"mark-{os.getpid()}-{number.name}"
    with python("-m", "tests.embedded.stack_owner", word) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert wait_until(lambda: len(running(word)) == 3, seconds=10)
        os.killpg(process.pid, number)
        assert process.wait(timeout=15) == (-number if number == signal.SIGKILL else 0)
    assert nothing_runs(word, seconds=5)


def test_what_nohup_started_outlives_its_terminal() -> None:
    """Bug: our own handler undid the one disposition that `nohup` sets."""
    word = f"mark-{os.getpid()}-nohup"
    with python("-m", "tests.embedded.stack_owner", word, "nohup") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        process.terminate()
        assert process.wait(timeout=15) == 0
    assert nothing_runs(word, seconds=5)


@pytest.mark.parametrize(
    ("inherited", "listens"), [(signal.SIG_IGN, False), (signal.SIG_DFL, True)]
)
def test_a_hangup_is_heard_unless_it_was_ignored_from_the_start(
    inherited: signal.Handlers, listens: bool
) -> None:
    former = signal.signal(signal.SIGHUP, inherited)
    try:
        with ended_by_signals():
            within = signal.getsignal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
        assert (within is signal.default_int_handler) == listens
        assert signal.getsignal(signal.SIGHUP) is inherited
    finally:
        signal.signal(signal.SIGHUP, former)


def test_where_the_kernel_sends_no_signal_a_guard_watches_a_pipe() -> None:
    """What macOS needs, tried wherever the tests run."""
    word = f"mark-{os.getpid()}-guarded"
    code = (
        "import os, time; from ingest.embedded.processes import spawn;"
        f"spawn(['sleep', '60', {word!r}][:2], guarded=True);"
        "print('started', flush=True); time.sleep(60)"
    )
    with python("-c", code, word) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"

        def guards() -> int:
            return sum(str(process.pid) in line for line in running("launch.py"))

        assert wait_until(lambda: guards() == 1, seconds=5)  # it shows no arguments at first
        process.kill()
        process.wait()
        assert wait_until(lambda: guards() == 0, seconds=5)


def test_a_guard_passes_signals_and_exit_codes_on() -> None:
    bound = spawn(["/bin/sh", "-c", "trap 'exit 7' TERM; sleep 60 & wait"], guarded=True)
    try:
        assert wait_until(lambda: len(running("trap 'exit 7' TERM")) == 2, seconds=5)
        time.sleep(0.2)  # the shell sets its trap
        bound.popen.terminate()
        assert bound.popen.wait(timeout=5) == 7
    finally:
        bound.popen.kill()
        bound.popen.wait()
        bound.release()


def test_the_procfile_names_the_same_commands() -> None:
    lines = (REPOSITORY / "Procfile").read_text().splitlines()
    procfile = dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))
    children = [
        commands.web(host="127.0.0.1", port=free_port(), env={}),
        commands.worker(env={}),
        commands.fetcher(env={}),
        commands.syncer(env={}),
        commands.beat(data_dir=Path(".ingest"), env={}),
    ]
    assert list(procfile) == [child.name for child in children]
    for child in children:
        written = shlex.split(procfile[child.name])
        fixed = [word for word in child.argv[2:] if not word.isdigit() and "127" not in word]
        assert [word for word in fixed if word not in written] in ([], [".ingest/beat-schedule"])
