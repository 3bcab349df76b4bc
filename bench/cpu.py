"""What processes and databases have used of the processors. Linux alone: it reads /proc."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg

_OWN, _ENDED = slice(11, 13), slice(11, 15)
"""Fields of /proc/PID/stat behind its name: utime and stime, and those of children that ended."""


def database_cpu_s(database_url: str) -> float:
    """Seconds of all server processes together, those that ended too."""
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SHOW data_directory").fetchone()
    assert row is not None
    postmaster = (Path(row[0]) / "postmaster.pid").read_text("ascii").splitlines()[0]
    return process_cpu_s(int(postmaster))


def process_cpu_s(pid: int) -> float:
    """Seconds of a process and its children, those that ended too."""
    ticks = sum(_ticks(fields, _OWN) for fields in _children(str(pid)))
    return (ticks + _ticks(_stat(str(pid)), _ENDED)) / os.sysconf("SC_CLK_TCK")


def _children(parent: str) -> list[list[str]]:
    every = (_stat(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [fields for fields in every if len(fields) > 1 and fields[1] == parent]


def _stat(pid: str) -> list[str]:
    """The fields behind the process's name; none where it has ended."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return []
    return told.rpartition(")")[2].split()


def _ticks(fields: list[str], which: slice) -> int:
    return sum(map(int, fields[which]))
