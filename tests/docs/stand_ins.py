"""What stands in a test for what a reader of a page has of his own: ids, names, files, secrets."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from ingest.sources.registry import source_types
from ingest.testing.sample import sample_of

GITHUB = "github"
WORDS: Mapping[tuple[str, str], str] = {
    ("docs", "ID"): "document",
    ("docs", "$DOCUMENT"): "document",
    ("docs", "ENG-7"): "key",
    ("docs", "$REPOSITORY#1"): "key",
    ("docs", "$REPOSITORY#3"): "key",
    ("docs", "acme/web#12"): "key",
    ("docs", "acme/web#999999999"): "key",
    ("docs", "docs/start.md"): "file",
    ("docs", "guide/setup.md"): "file",
    ("graph", "A"): "document",
    ("graph", "B"): "other",
    ("deliveries", "ID"): "delivery",
    ("deliveries", "$DELIVERY"): "delivery",
    ("store", "ID"): "store",
    ("organization", "ID"): "organization",
    ("sync show", "RUN"): "ended",
    ("sync cancel", "RUN"): "waiting",
    ("sync --confirm", "RUN"): "stopped",
    ("reprocess", "RUN"): "reprocess",
    ("changes sink", "NAME"): "sink",
    ("changes", "NAME"): "consumer",
    ("changes", "4711"): "position",
    ("health", "NAME"): "process",
    ("evaluate", "FILE.jsonl"): "labels",
    ("legacy export", "DIR"): "new",
    ("legacy export", "legacy-2026-11"): "new",
    ("legacy", "DIR"): "archive",
    ("legacy", "legacy-2026-11"): "archive",
    ("legacy", "FILE"): "report",
    ("source new", "NAME"): "made",
    ("source new", "acme"): "made",
}
"""By the beginning of a command and a word of it, the longest first: which of `words` is meant."""
CONNECTION = frozenset({"ID", "$ID", "CONNECTION"})
"""The connection of the page's source, GitHub's where the page is no source's."""
SAME: Mapping[str, str] = {"$PUBLIC": "https://ingest.example.test", "TYPE": GITHUB}
"""What stands for one thing everywhere."""
VARIABLES = ("--token-env", "--webhook-secret-env", "--secret-env", "--webhook-env")
"""Before a variable's name: the reader's shell has a token or a secret there."""
LEFT_OUT = "…"


@dataclass(frozen=True, slots=True)
class Line:
    """A command line of a page, and whose page that is: a source's, or GitHub's."""

    text: str
    source_type: str

    @classmethod
    def of(cls, text: str, page: str) -> Line:
        """By the page's name; `source connect TYPE` and `send-test TYPE` say it themselves."""
        told = [*shlex.split(text), "", "", ""]
        named = told[3] if told[1:3] == ["source", "connect"] else told[2]
        return cls(text, next((one for one in (named, page) if one in source_types()), GITHUB))

    def argv(self, words: Mapping[str, str]) -> list[str]:
        """The arguments, with real ones in their places."""
        told = shlex.split(self.text)[1:]
        return [self._word(word, told, at, words) for at, word in enumerate(told)]

    def variables(self) -> Iterator[tuple[str, str]]:
        """The variables that it names, each with the option."""
        told = shlex.split(self.text)
        yield from ((option, name) for option, name in pairwise(told) if option in VARIABLES)

    def _word(self, word: str, told: list[str], at: int, words: Mapping[str, str]) -> str:
        before = told[at - 1] if at else ""
        if before == "--metadata":
            return self._metadata(word)
        if before in VARIABLES:
            return word
        for length in (2, 1):
            meant = WORDS.get((" ".join(told[:length]), word))
            if meant is not None:
                return words[meant]
        if word in CONNECTION:
            return words[self.source_type]
        return SAME.get(word, word)

    def _metadata(self, word: str) -> str:
        """As it is written, but for ids that the page leaves out, and files of the reader's."""
        sample = sample_of(self.source_type)
        own = sample.connection if sample is not None else {}
        if word.startswith("@"):
            return json.dumps(own)
        written = json.loads(word)
        return json.dumps(
            {key: own[key] if LEFT_OUT in str(value) else value for key, value in written.items()}
        )
