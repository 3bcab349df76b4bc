"""`ingest types`: the document itself on stdout, without a database."""

from __future__ import annotations

import json

import pytest

from ingest.cli import run
from ingest.published import Published, json_schema


def _said(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert run(["types", *argv], {}) == 0
    told = capsys.readouterr()
    assert told.err == ""
    return told.out


@pytest.mark.parametrize("argv", [[], ["--format", "ts"]])
def test_it_prints_typescript(
    argv: list[str], ours: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _said(capsys, *argv) == ours


def test_it_prints_json_schema(types: Published, capsys: pytest.CaptureFixture[str]) -> None:
    said = json.loads(_said(capsys, "--format", "jsonschema"))
    assert said == json_schema(types)
    assert said["$schema"].endswith("/2020-12/schema")


def test_another_format_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["types", "--format", "xml"], {}) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "'xml' is not one of" in told.err
    assert told.err.count("\n") == 1


def test_it_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Usage: ingest types" in _said(capsys, "--help")
