"""How dense references are in real texts: `python -m bench.density FOLDER` of recorded payloads.

The folder has the form of `make corpus`: `index.json` with one entry a file, which says whether a
payload was recorded or written by somebody (those are left out). A text is a string that stands
where a person writes one. Its relationships are those that `extract` finds in a repository.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median

from ingest.core.references import Context, extract
from ingest.sources.registry import syntaxes

_WRITTEN_IN = {"body", "description", "message", "plain_body", "text"}
_SHORTEST = 20


def density(folder: Path) -> dict[str, float]:
    """Texts and their characters; what share has references; how many those have, and a kilobyte;
    how many of all are edges, and how many a URL says.
    """
    texts = sorted(set(_texts(folder)))
    context = Context("github", "acme/web", scope="1")
    found = [extract(text, context, syntaxes()) for text in texts]
    some = [len([one for one in each if one.kind == "mention"]) for each in found if each]
    every = [one for each in found for one in each]
    kinds = Counter(one.kind == "mention" for one in every)
    return {
        "texts": len(texts),
        "characters_median": median(map(len, texts)),
        "characters_mean": round(mean(map(len, texts))),
        "share_with_references": round(len(some) / len(texts), 3),
        "mentions_where_any_median": median(some),
        "mentions_where_any_mean": round(mean(some), 2),
        "mentions_per_kilobyte": round(1000 * sum(some) / sum(map(len, texts)), 2),
        "edges_per_mention": round(kinds[False] / kinds[True], 2),
        "urls_per_mention": round(sum(r.origin == "url" for r in every) / kinds[True], 2),
    }


def _texts(folder: Path) -> Iterator[str]:
    index = json.loads((folder / "index.json").read_text("utf-8"))
    for entry in index:
        if not entry["synthetic"] and entry["file"].endswith(".json"):
            told = json.loads((folder / entry["file"]).read_text("utf-8"))
            yield from _written(told["body"], "")


def _written(value: object, key: str) -> Iterator[str]:
    if isinstance(value, str):
        if key in _WRITTEN_IN and len(value) >= _SHORTEST:
            yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _written(inner, key)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _written(inner, name)


if __name__ == "__main__":
    for label, figure in density(Path(sys.argv[1])).items():
        print(f"{label}: {figure}")
