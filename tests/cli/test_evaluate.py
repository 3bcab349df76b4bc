"""`ingest evaluate`: labelled texts in, precision and recall out; no database is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.cli import run

OWNED = {
    "source_type": "github",
    "repo": "acme/web",
    "linear_team_keys": ["ENG"],
    "sentry_projects": ["front-end"],
}
TEXTS: list[dict[str, object]] = [
    {
        "id": "right",
        "text": "Fixes #7 and ENG-12; seen as FRONT-END-9K. UTF-8 stays.",
        "context": OWNED,
        "expected": {
            "mentions": {
                "github": ["acme/web#7"],
                "linear": ["ENG-12"],
                "sentry": ["FRONT-END-9K"],
            },
            "graph": {"resolves": ["github:Acme/Web#7", "linear:ENG-12"]},
        },
        "must_not": ["UTF-8"],
        "why": "fields that nobody reads are in nobody's way",
    },
    {
        "id": "nobody's",
        "text": "ENG-12 is no key where no team has it.",
        "context": {**OWNED, "linear_team_keys": []},
        "expected": {"mentions": {"linear": ["ENG-12"]}, "graph": None},
    },
    {
        "id": "doubtful",
        "text": "See #8",
        "context": OWNED,
        "expected": {},
        "must_not": ["#8"],
        "ambiguous": True,
    },
]


def _file(tmp_path: Path, *texts: object) -> str:
    path = tmp_path / "labels.jsonl"
    path.write_text("\n\n".join(json.dumps(text) for text in texts), "utf-8")
    return str(path)


def test_figures_are_told_by_kind_and_every_miss(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _file(tmp_path, *TEXTS)
    assert run(["evaluate", file, "--json"], {}) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["total"] == {
        "precision": 1.0,
        "recall": 0.8333,
        "expected": 6,
        "found": 5,
        "right": 5,
        "hard_negative_matches": 1,
    }
    assert {kind: one["recall"] for kind, one in found["by_kind"].items()} == {
        "mention": 0.75,
        "resolves": 1.0,
    }
    assert found["misses"] == [
        {"text": "nobody's", "what": "missed", "relationship": "mention linear:ENG-12"},
        {
            "text": "doubtful",
            "what": "too many (ambiguous)",
            "relationship": "mention github:acme/web#8",
        },
        {
            "text": "doubtful",
            "what": "too many (ambiguous)",
            "relationship": "relatedTo github:acme/web#8",
        },
        {"text": "doubtful", "what": "hard negative (ambiguous)", "relationship": "#8"},
    ]


def test_people_see_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", _file(tmp_path, TEXTS[0])], {}) == 0
    said = capsys.readouterr()
    assert said.out.split("\n")[1].split() == ["1", "texts", "1.0", "1.0", "5", "5", "5"]
    assert "Nothing is wrong." in said.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ({**TEXTS[0], "context": {"source_type": "gihub"}}, "write one of github, linear"),
        ({**TEXTS[0], "text": 7}, "line 1 is no labelled text: text:"),
        ({"id": "1"}, "line 1 is no labelled text: text: Field required"),
        ({**TEXTS[0], "expected": {"graph": {"fixes": []}}}, "expected.graph.fixes"),
        ({**TEXTS[0], "expected": {"graph": {"resolves": ["#7"]}}}, "write <source>:<mention>"),
    ],
)
def test_what_is_no_label_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: object, said: str
) -> None:
    assert run(["evaluate", _file(tmp_path, text)], {}) == 2
    assert said in capsys.readouterr().err


def test_no_file_and_an_empty_one_are_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", str(tmp_path / "none.jsonl")], {}) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert run(["evaluate", _file(tmp_path)], {}) == 2
    assert "holds no labelled text" in capsys.readouterr().err
