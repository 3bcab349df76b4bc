"""The audit on recorded answers: it fails on what is known, and says what nobody could tell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.dependencies import findings
from tests.dependencies.audit import audit, index_environment
from tests.dependencies.findings import Finding, Ran, State
from tests.dependencies.pins import ROOT, Pin, pins

TWO = [Pin("rock", "1"), Pin("pebble", "2")]
HOLE = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1"]}
UNREACHED = "Max retries exceeded with url: /v1 (Caused by NameResolutionError('nowhere'))"


def report(*names: str, yanked: str = "") -> Ran:
    """What `pip install --dry-run --report -` prints."""
    install = [
        {
            "metadata": {"name": name, "version": "1"},
            "is_yanked": name == yanked,
            "download_info": {"archive_info": {"hashes": {"sha256": "00"}}},
        }
        for name in names
    ]
    return Ran(0, json.dumps({"install": install}), "Reason for being yanked: broken")


def answer(**packages: list[dict[str, Any]] | None) -> Ran:
    """What `pip-audit --format json` prints; None for a package that the service does not know."""
    told = [
        {"name": name, "skip_reason": "not found"}
        if holes is None
        else {"name": name, "version": "1", "vulns": holes}
        for name, holes in packages.items()
    ]
    code = int(any(packages.values()))
    return Ran(code, json.dumps({"dependencies": told}), "No known vulnerabilities found")


def test_a_contradiction_fails() -> None:
    said = findings.requirements(Ran(1, "rock 1 has requirement pebble>=2, but you have pebble 1."))
    assert (said.state, "pebble>=2" in said.said) == (State.FAILED, True)


def test_a_yanked_pin_fails_with_the_reason() -> None:
    said = findings.index(report("rock", "pebble", yanked="pebble"), TWO)
    assert said.state is State.FAILED
    assert "pebble==1" in said.said
    assert list(said.more) == ["Reason for being yanked: broken"]
    assert findings.index(report("rock", "pebble"), TWO).state is State.OK


def test_a_release_that_is_gone_fails_and_an_index_that_is_away_does_not() -> None:
    gone = "ERROR: No matching distribution found for pebble==2"
    said = findings.index(Ran(1, "", gone), TWO)
    assert (said.state, said.said) == (State.FAILED, gone)
    said = findings.index(Ran(1, "", f"WARNING: Retrying after 'NewConnectionError'\n{gone}"), TWO)
    assert (said.state, "NewConnectionError" in said.said) == (State.SKIPPED, True)


def test_a_known_vulnerability_fails_with_the_release_that_mends_it() -> None:
    said = findings.vulnerabilities({"pypi": answer(rock=[HOLE], pebble=[])})
    assert said.state is State.FAILED
    assert list(said.more) == ["rock==1: PYSEC-1, mended in 1.1"]


@pytest.mark.parametrize("name", ["PYSEC-1", "CVE-1"])
def test_a_vulnerability_may_be_accepted_by_any_of_its_names(name: str) -> None:
    told = {"pypi": answer(rock=[HOLE], pebble=[])}
    said = findings.vulnerabilities(told, accepted={name: "we do not call it"})
    assert said.state is State.OK


def test_a_service_that_knows_no_package_has_audited_none() -> None:
    """Bug of others: pip-audit calls it a success where its service skipped every package."""
    said = findings.vulnerabilities(
        {"pypi": answer(rock=None, pebble=None), "osv": Ran(1, "", f"Traceback\n{UNREACHED}\n")}
    )
    assert said.state is State.SKIPPED
    assert said.said == f"pypi knows none of the 2 pins; osv: {UNREACHED}"


def test_what_one_service_does_not_know_another_may() -> None:
    pypi = answer(rock=[], pebble=None, sand=None)
    said = findings.vulnerabilities({"pypi": pypi, "osv": answer(pebble=[], rock=[], sand=None)})
    assert (said.state, list(said.more)) == (State.OK, ["nobody knows sand"])
    assert findings.vulnerabilities({"pypi": pypi, "osv": answer(pebble=[HOLE])}).state == "FAILED"


def test_licences_are_taken_from_where_they_are_told() -> None:
    osi = "License :: OSI Approved"
    told: dict[str, dict[str, object]] = {
        "a": {"license_expression": "MIT"},
        "b": {"classifier": [osi, f"{osi} :: BSD License"]},
        "c": {"license": "MIT\nPermission is hereby"},
        "d": {},
    }
    assert list(findings.licences(told).more) == ["BSD License: b", "MIT: a, c", "unknown: d"]


def test_only_the_index_of_the_user_is_asked() -> None:
    """Further places, as a folder of wheels, tell of no yanks."""
    config = ":env:.extra-index-url='file:///x'\nglobal.index-url='https://pypi.example/simple'\n"
    told = index_environment(config + "global.cert='/ca.pem'\n", {"PIP_FIND_LINKS": "/x", "A": "b"})
    assert told == {
        "A": "b",
        "PIP_INDEX_URL": "https://pypi.example/simple",
        "PIP_CERT": "/ca.pem",
        "PIP_CONFIG_FILE": "/dev/null",
    }


def audited(answers: Mapping[str, Ran], *, tools: Path | None) -> dict[str, Finding]:
    def run(command: Sequence[str], _: Mapping[str, str]) -> Ran:
        return next(ran for word, ran in answers.items() if word in command)

    return {one.check: one for one in audit(run, {}, tools=tools)}


def test_all_is_looked_at_whatever_is_found() -> None:
    gone = Ran(1, "", "ERROR: No matching distribution")
    answers = {"check": Ran(1, "bad"), "config": Ran(0, ""), "install": gone}
    found = audited({**answers, "pip_audit": answer(rock=[HOLE])}, tools=Path("python"))
    states = {check: one.state for check, one in found.items()}
    failed = dict.fromkeys(("requirements", "index", "vulnerabilities"), State.FAILED)
    assert states == {**failed, "licences": State.OK}


def test_without_its_tools_it_says_so_and_tells_the_licences() -> None:
    states = {check: one.state for check, one in audited({}, tools=None).items()}
    skipped = dict.fromkeys(("requirements", "index", "vulnerabilities"), State.SKIPPED)
    assert states == {**skipped, "licences": State.OK}


def test_the_tools_are_pinned_too() -> None:
    assert {"pip", "pip-audit"} < {pin.name for pin in pins(ROOT / ".ci" / "audit.txt")}
