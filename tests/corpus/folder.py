"""A folder of payloads and answers, as its README describes it: one JSON file for each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ingest.testing.recorded import Recorded, RecordedAnswer


def read(folder: Path) -> list[Recorded]:
    """Every webhook of the folder, in the order of their names."""
    index = _index(folder)
    files = sorted((folder / "webhooks").glob("*/*.json"))
    return [_read(path, path.relative_to(folder).as_posix(), index) for path in files]


def read_answers(folder: Path) -> list[RecordedAnswer]:
    """Every recorded answer of an API, in the order of their names."""
    index = _index(folder)
    files = sorted((folder / "api").glob("*/*.json"))
    return [_answer(path, path.relative_to(folder).as_posix(), index) for path in files]


def _answer(path: Path, name: str, index: Mapping[str, Mapping[str, Any]]) -> RecordedAnswer:
    told = json.loads(path.read_bytes())
    request = told.get("request") or {}
    return RecordedAnswer(
        name=name,
        source=told.get("source") or path.parent.name,
        origin=str(told.get("origin") or ""),
        method=str(request.get("method") or "").upper(),
        url=str(request.get("url") or ""),
        status=told.get("status"),
        headers={k.lower(): str(v) for k, v in (told.get("headers") or {}).items()},
        body=told.get("body"),
        asked=request.get("body"),
        synthetic=bool(index.get(name, {}).get("synthetic")),
    )


def _read(path: Path, name: str, index: Mapping[str, Mapping[str, Any]]) -> Recorded:
    told = json.loads(path.read_bytes())
    entry = index.get(name, {})
    raw = told.get("raw")
    return Recorded(
        name=name,
        source=told.get("source") or path.parent.name,
        origin=str(told.get("origin") or ""),
        headers={k.lower(): str(v) for k, v in (told.get("headers") or {}).items()},
        body=told.get("body"),
        raw=raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else None,
        event=entry.get("event"),
        synthetic=bool(entry.get("synthetic")),
    )


def _index(folder: Path) -> dict[str, Mapping[str, Any]]:
    path = folder / "index.json"
    return (
        {entry["file"]: entry for entry in json.loads(path.read_bytes())} if path.exists() else {}
    )
