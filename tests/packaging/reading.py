"""Reads what the packaging says: processes, commands, variables. Reads files alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
CHART = PACKAGING / "helm" / "lightfast-ingest"
UNITS = PACKAGING / "systemd"
PROCESS = PACKAGING / "ingest-process"
GRACE_S = 30
"""What every kind of packaging gives a process to end."""


def procfile() -> Mapping[str, str]:
    """The command line of each process, by its name."""
    lines = (ROOT / "Procfile").read_text("utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def dockerfile() -> list[str]:
    """Its instructions, each as one line."""
    text = re.sub(r"\\\n\s*", "", (PACKAGING / "Dockerfile").read_text("utf-8"))
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def last_stage() -> list[str]:
    """The instructions of what is shipped."""
    told = dockerfile()
    begins = max(at for at, line in enumerate(told) if line.startswith("FROM "))
    return told[begins:]


def compose() -> Mapping[str, Any]:
    """The services, their anchors resolved."""
    told = yaml.safe_load((PACKAGING / "compose" / "compose.yaml").read_text("utf-8"))
    services: Mapping[str, Any] = told["services"]
    return services


def values() -> Mapping[str, Any]:
    """The chart's defaults."""
    told: Mapping[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    return told


def unit(name: str) -> list[tuple[str, str]]:
    """(key, value) of a unit's lines, in order; a key may come more than once."""
    lines = (UNITS / name).read_text("utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if re.match(r"[A-Z]\w+=", line)]
    return [(key, value) for key, _, value in pairs]


def example(name: str) -> dict[str, str]:
    """The variables of an env file."""
    lines = (PACKAGING / "compose" / name).read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
