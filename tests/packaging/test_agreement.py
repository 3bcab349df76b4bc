"""Image, compose file, chart, units and Procfile name the same processes and variables."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from ingest.embedded.commands import DONE_WITHIN_S
from ingest.sources.registry import source_types
from ingest.variables import NAMES, warnings
from tests.packaging.reading import (
    CHART,
    GRACE_S,
    PROCESS,
    compose,
    dockerfile,
    example,
    last_stage,
    procfile,
    unit,
    values,
)

NOT_OURS = {"postgres", "redis", "migrate"}
PROGRAMS = ("celery", "uvicorn", "ingest")
OURS = re.compile(r"\b(?:INGEST|DATABASE|REDIS|CELERY)_[A-Z_]+\b")
OWNED = {
    "INGEST_CONSOLE_PASSWORD",
    "INGEST_DATA_DIR",
    "INGEST_POSTGRES_BIN",
    "INGEST_REDIS_BIN",
    "INGEST_SECRET_KEY",
    "INGEST_SENTRY_DSN",
}
"""What nobody sets in a chart's `settings`: where it writes, the embedded services, secrets."""


def test_everybody_names_the_processes_of_the_procfile() -> None:
    names = set(procfile())
    assert set(compose()) - NOT_OURS == names
    assert set(values()["processes"]) == names
    wanted = dict(unit("ingest.target"))["Wants"].split()
    assert wanted == [f"ingest@{name}.service" for name in procfile()]


def test_each_service_runs_its_process_and_asks_for_its_health() -> None:
    for name in procfile():
        service = compose()[name]
        assert service["command"][0] == name
        assert service["healthcheck"]["test"] == ["CMD", "ingest", "health", name]
    assert compose()["migrate"]["command"] == ["ingest", "db", "upgrade"]
    assert dict(unit("ingest@.service"))["ExecStart"] == "/opt/ingest/bin/ingest-process %i"
    assert dict(unit("ingest-migrate.service"))["ExecStart"].endswith("bin/ingest db upgrade")


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """The layout of an installation, whose programs only say what they were given."""
    for name in (*PROGRAMS, PROCESS.name):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\nprintf "%s\\n" {name} "$$" "$@"\n')
        path.chmod(0o755)
    (tmp_path / "bin" / PROCESS.name).write_bytes(PROCESS.read_bytes())
    lines = "".join(f"{name}: {line}\n" for name, line in procfile().items())
    (tmp_path / "Procfile").write_text(f"# a comment\n{lines}", "utf-8")
    return tmp_path


def test_a_name_becomes_the_process_of_the_procfile_itself(stage: Path) -> None:
    """Not a child of a shell: a signal reaches it. What is given goes behind its own arguments."""
    given = {"PATH": os.environ["PATH"], "HOST": "::", "PORT": "1", "INGEST_DATA_DIR": f"{stage}/d"}
    for name, line in procfile().items():
        process = subprocess.Popen(
            [stage / "bin" / PROCESS.name, name, "--more", "a b"],
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        program, pid, *arguments = process.communicate(timeout=20)[0].splitlines()
        assert int(pid) == process.pid
        assert [program, *arguments] == [*_expanded(line, given), "--more", "a b"]
    assert (stage / "d").is_dir()


def _expanded(line: str, given: dict[str, str]) -> list[str]:
    """As a shell reads it: behind its last `exec`, with its variables."""
    words = shlex.split(line.rpartition("exec ")[2])
    return [re.sub(r"\$\{(\w+):-[^}]*\}", lambda found: given[found[1]], word) for word in words]


def test_what_is_no_process_is_run_as_a_command(stage: Path) -> None:
    done = subprocess.run(
        [stage / "bin" / PROCESS.name, "ingest", "db", "upgrade"],
        capture_output=True,
        text=True,
        check=True,
    )
    program, _, *arguments = done.stdout.split()
    assert (program, arguments) == ("ingest", ["db", "upgrade"])
    nothing = subprocess.run([stage / "bin" / PROCESS.name], capture_output=True, check=False)
    assert nothing.returncode == 2


def test_variables_are_those_that_somebody_reads() -> None:
    known = {*NAMES, "INGEST_GITHUB_WEBHOOK_SECRETS"}
    told = {
        name
        for text in (str(dockerfile()), str(compose()), str(unit("ingest@.service")))
        for name in OURS.findall(text)
    }
    assert told == {"INGEST_DATA_DIR"}
    given = example("ingest.env.example")
    assert set(given) <= known
    assert warnings(given, source_types) == []
    assert {"DATABASE_URL", "REDIS_URL", "INGEST_SECRET_KEY"} <= set(given)
    for path in CHART.rglob("*"):
        if path.is_file():
            said = set(OURS.findall(path.read_text("utf-8")))
            assert said - {"INGEST_PORT"} <= known, path


def test_the_chart_takes_every_setting_that_is_no_secret() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    of_source, fixed = schema["properties"]["settings"]["propertyNames"]["anyOf"]
    assert set(fixed["enum"]) == {n for n in NAMES if n.startswith("INGEST_")} - OWNED
    for name in ("INGEST_GITHUB_API_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        assert re.fullmatch(of_source["pattern"], name)
    assert not re.fullmatch(of_source["pattern"], "INGEST_GITHUB_WEBHOOK_SECRETS")


def test_every_process_ends_within_the_time_it_is_given() -> None:
    """The receiver waits for requests before that; a pod's `preStop` counts."""
    assert f"--timeout-graceful-shutdown {DONE_WITHIN_S} " in f"{procfile()['web']} "
    chart = "".join(path.read_text("utf-8") for path in CHART.glob("templates/*"))
    (pause,) = re.findall(r'command: \[sleep, "(\d+)"\]', chart)
    assert DONE_WITHIN_S + int(pause) < GRACE_S
    assert f"terminationGracePeriodSeconds: {GRACE_S}\n" in chart
    assert dict(unit("ingest@.service"))["TimeoutStopSec"] == str(GRACE_S)
    assert dict(unit("ingest@.service"))["KillMode"] == "mixed"
    assert {compose()[name]["stop_grace_period"] for name in procfile()} == {f"{GRACE_S}s"}


def test_nobody_is_root_and_nothing_but_two_directories_is_written() -> None:
    stage = last_stage()
    (user,) = [line.removeprefix("USER ") for line in stage if line.startswith("USER ")]
    uid = int(user.partition(":")[0])
    assert uid > 999
    assert any(f"useradd --uid {uid} " in line for line in stage)
    chart = (CHART / "templates" / "_helpers.tpl").read_text("utf-8")
    assert re.findall(r"(?:runAs(?:User|Group)|fsGroup): (\d+)", chart) == [str(uid)] * 3
    for name in procfile():
        service = compose()[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["tmpfs"] == ["/tmp", f"/var/lib/ingest:mode=0700,uid={uid},gid={uid}"]
        assert service["env_file"] == "ingest.env"
    assert "VOLUME /var/lib/ingest" in stage


def test_nothing_is_compiled_and_no_compiler_is_shipped() -> None:
    whole, last = dockerfile(), last_stage()
    assert sum(line.startswith("FROM ") for line in whole) == 2
    assert any("--only-binary :all:" in line for line in whole)
    shipped = " ".join(line for line in last if line.startswith("RUN "))
    assert not re.search(r"\b(apt-get|apk|pip|gcc|cc|build-essential)\b", shipped)


def test_who_needs_no_way_out_has_none() -> None:
    """A worker speaks to the database and the broker; providers are asked by others."""
    for name in procfile():
        outside = "outside" in compose()[name]["networks"]
        assert outside is (name in {"web", "fetcher", "syncer"})


def test_both_units_are_hardened_alike() -> None:
    def hardened(name: str) -> list[tuple[str, str]]:
        told = unit(name)
        return told[[key for key, _ in told].index("NoNewPrivileges") :]

    first, second = hardened("ingest@.service"), hardened("ingest-migrate.service")
    assert [pair for pair in first if pair[0] != "WantedBy"] == second
    assert len(second) > 20
