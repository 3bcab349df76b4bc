"""`ingest evaluate`: how right the relationships are that are found in labelled texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ingest.cli import output
from ingest.cli.arguments import AsJson
from ingest.core.errors import BadInput
from ingest.core.evaluation import Evaluation, Judged, Relation, Score, evaluation_of
from ingest.flows.evaluating import judge

_COLUMNS = ("of", "precision", "recall", "expected", "found", "right")
_MISSES = ("text", "what", "relationship")


def evaluate(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Labelled texts, a JSON object to the line.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Print precision and recall of the relationships found in labelled texts, and the misses."""
    judged = [*judge(_lines(file))]
    if not judged:
        raise BadInput(f"{file} holds no labelled text; write a JSON object to the line")
    found = evaluation_of(judged)
    if as_json:
        output.document({**_shown(found), "misses": [*_misses(judged)]})
        return
    output.rows([*_table(found)], as_json=False, columns=_COLUMNS, empty="")
    output.rows([*_misses(judged)], as_json=False, columns=_MISSES, empty="Nothing is wrong.")


def _lines(file: Path) -> list[bytes]:
    try:
        return file.read_bytes().splitlines()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from error


def _shown(found: Evaluation) -> dict[str, Any]:
    return {
        "texts": found.texts,
        "total": {**_figures(found.total), "hard_negative_matches": found.hard_negative_matches},
        "by_kind": _each(found.by_kind),
        "by_source": _each(found.by_source),
        "ambiguous": _figures(found.ambiguous),
    }


def _each(scores: Mapping[str, Score]) -> dict[str, dict[str, Any]]:
    return {name: _figures(score) for name, score in scores.items()}


def _figures(score: Score) -> dict[str, Any]:
    shares = {"precision": round(score.precision, 4), "recall": round(score.recall, 4)}
    return {**shares, **asdict(score)}


def _table(found: Evaluation) -> Iterator[dict[str, Any]]:
    yield {"of": f"{found.texts} texts", **_figures(found.total)}
    for name, score in {**found.by_kind, **found.by_source}.items():
        yield {"of": name, **_figures(score)}
    if found.ambiguous != Score():
        yield {"of": "ambiguous, apart", **_figures(found.ambiguous)}
    yield {"of": "hard negatives found", "found": found.hard_negative_matches}


def _misses(judged: list[Judged]) -> Iterator[dict[str, str]]:
    """Each relationship that is missed or too many; readers differ about those of some texts."""
    for one in judged:
        doubt = " (ambiguous)" if one.ambiguous else ""
        for what, relations in (("missed", one.missed), ("too many", one.wrong)):
            for relation in relations:
                yield {"text": one.id, "what": what + doubt, "relationship": _told(relation)}
        for key in one.forbidden_found:
            yield {"text": one.id, "what": "hard negative" + doubt, "relationship": key}


def _told(relation: Relation) -> str:
    return f"{relation.kind} {relation.source}:{relation.key}"
