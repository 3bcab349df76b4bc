"""What an audit reads out of the answers of pip and pip-audit. Pure."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.dependencies.pins import Pin

ACCEPTED: Mapping[str, str] = {}
"""Vulnerabilities that do not concern us, by their id, each with its reason."""

AWAY = re.compile(r"Retrying|ConnectionError|timed out|Failed to resolve|Max retries|SSLError")
"""Words of a client that reached nobody."""


class State(StrEnum):
    """How a check ended. SKIPPED: nobody could be asked, which is nobody's fault."""

    OK = "ok"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, and what was found."""

    check: str
    state: State
    said: str
    more: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Ran:
    """How a tool ended, and what it said."""

    code: int
    out: str
    err: str = ""

    def last_words(self) -> str:
        """The last line that says something; the error is the last that a tool tells."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1][:300] if lines else "it said nothing"


def requirements(ran: Ran) -> Finding:
    """`pip check`: whether what is installed fits together."""
    lines = ran.out.strip().splitlines()
    state = State.FAILED if ran.code else State.OK
    return Finding("requirements", state, lines[0] if lines else ran.last_words(), lines[1:])


def index(ran: Ran, pins: Sequence[Pin]) -> Finding:
    """The report of `pip install --dry-run` on the pins: which are offered, and which yanked."""
    if ran.code:
        away = [line for line in ran.err.splitlines() if AWAY.search(line)]
        if away:
            return Finding("index", State.SKIPPED, f"the index does not answer: {away[0][:300]}")
        return Finding("index", State.FAILED, ran.last_words())
    offered = json.loads(ran.out)["install"]
    yanked = sorted(_named(one["metadata"]) for one in offered if one.get("is_yanked"))
    hashed = [one for one in offered if one["download_info"].get("archive_info", {}).get("hashes")]
    if yanked:
        reasons = [line for line in ran.err.splitlines() if line.startswith("Reason")]
        return Finding("index", State.FAILED, f"yanked: {', '.join(yanked)}", reasons)
    said = f"{len(offered)} of {len(pins)} pins are for this Python; none is yanked"
    return Finding("index", State.OK, f"{said}, {len(hashed)} come with a SHA-256")


def _named(metadata: Mapping[str, Any]) -> str:
    return f"{metadata['name']}=={metadata['version']}"


def vulnerabilities(
    answers: Mapping[str, Ran], *, accepted: Mapping[str, str] = ACCEPTED
) -> Finding:
    """What the services of pip-audit know, by their name.

    A package that a service does not know is not audited: pip-audit itself calls that a success.
    """
    audited: set[str] = set()
    asked: set[str] = set()
    found: dict[str, str] = {}
    silent: list[str] = []
    for service, ran in answers.items():
        try:
            packages = json.loads(ran.out)["dependencies"]
        except ValueError:
            silent.append(f"{service}: {ran.last_words()}")
            continue
        known = {one["name"] for one in packages if "skip_reason" not in one}
        asked |= {one["name"] for one in packages}
        audited |= known
        found |= dict(_holes(packages, accepted))
        if not known:
            silent.append(f"{service} knows none of the {len(packages)} pins")
    if found:
        return Finding("vulnerabilities", State.FAILED, f"{len(found)} known", [*found.values()])
    if not audited:
        return Finding("vulnerabilities", State.SKIPPED, "; ".join(silent))
    unknown = sorted(asked - audited)
    said = f"none known in {len(audited)} of {len(asked)} pins"
    return Finding("vulnerabilities", State.OK, said, [f"nobody knows {n}" for n in unknown])


def _holes(
    packages: Sequence[Mapping[str, Any]], accepted: Mapping[str, str]
) -> list[tuple[str, str]]:
    """(id, sentence) of each vulnerability that is not accepted."""
    return [
        (hole["id"], f"{one['name']}=={one['version']}: {hole['id']}, mended in {mended}")
        for one in packages
        for hole in one.get("vulns", ())
        if not {hole["id"], *hole.get("aliases", ())} & accepted.keys()
        if (mended := ", ".join(hole.get("fix_versions", ())) or "no release")
    ]


def licences(told: Mapping[str, Mapping[str, Any]]) -> Finding:
    """The licences that the installed packages name, by the packages' metadata."""
    by_licence: defaultdict[str, list[str]] = defaultdict(list)
    for name, metadata in sorted(told.items()):
        by_licence[_licence(metadata)].append(name)
    more = [f"{licence}: {', '.join(names)}" for licence, names in sorted(by_licence.items())]
    return Finding("licences", State.OK, f"of {len(told)} packages", more)


def _licence(metadata: Mapping[str, Any]) -> str:
    """The expression; else the classifiers; else the first line of the free text."""
    marks = [c for c in metadata.get("classifier", ()) if c.startswith("License ::")]
    short = sorted({mark.rpartition(" :: ")[2] for mark in marks} - {"OSI Approved"})
    free = str(metadata.get("license", "")).strip().splitlines()
    return metadata.get("license_expression") or " / ".join(short) or (free or ["unknown"])[0][:60]
