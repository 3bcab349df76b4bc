"""What a detector found: the evidence of an issue about performance, an outage, a job, feedback.

Document: `issues/issue_occurrence.py` of getsentry/sentry. Webhooks spell an occurrence in
snake_case, the API in camelCase. Law: who it happened to is not told. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ingest.core.values import JSON
from ingest.sources.sentry.interfaces import field, listed, value, values
from ingest.sources.sentry.lines import closed, fact, line, shortened
from ingest.sources.sentry.payloads import Event, word
from ingest.sources.sentry.reports import scalar
from ingest.sources.sentry.said import Said
from ingest.sources.wire import mapping, nonblank

_LONGEST, _LONGEST_WORDS = 1_000, 8_000
_MOST = 30

_PERSONAL = frozenset({"contact_email", "contactemail", "email", "name", "user", "username"})
"""Evidence of who said or met something."""

_IDS = re.compile(r"(?i:(?:^|_)(?:ids?|hash|fingerprint)$)|(?<=[a-z])Ids?$")
_WORD_BREAK = re.compile(r"_+|(?<=[a-z0-9])(?=[A-Z])")


def occurrence_of(event: Event) -> Mapping[str, JSON]:
    """What a detector found: of an issue about performance, an outage, a monitor, feedback."""
    return mapping(event.parts, "occurrence")


def evidence(event: Event, said: Said) -> Iterator[str]:
    """What Sentry shows of it, line by line; where it shows nothing, what the detector kept."""
    told = occurrence_of(event)
    subtitle = closed(shortened(said.news(field(told, "subtitle")), _LONGEST_WORDS))
    shown = [*_displayed(told)] or [*_data(told), *_spans(event, told)]
    lines: list[str] = []
    paragraphs: list[str] = []
    for name, words in shown[:_MOST]:
        if name.lower().replace(" ", "_") in _PERSONAL:
            continue
        if name.lower() == "message":
            paragraphs.append(closed(shortened(said.news(words), _LONGEST_WORDS)))
        else:
            lines += fact(line(name), [words], _LONGEST)
    parts = [*filter(None, (subtitle, *paragraphs, "\n".join(lines)))]
    if parts:
        yield "### Evidence"
        yield from parts


def _displayed(told: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    """Name and value as Sentry shows them."""
    for one in listed(told, "evidence_display"):
        name, words = nonblank(mapping(one), "name"), _words(mapping(one).get("value"))
        if name and words:
            yield name, words


def _data(told: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    """What else there is, by the names that programs gave it; ids say nothing to a reader."""
    for key, raw in sorted(mapping(value(told, "evidence_data")).items()):
        words = _words(raw)
        if words and not _IDS.search(key):
            name = _WORD_BREAK.sub(" ", key).strip().lower()
            yield (key if key.lower() in _PERSONAL else name[:1].upper() + name[1:]), words


def _words(raw: JSON) -> str:
    if isinstance(raw, list):
        return ", ".join(filter(None, map(scalar, raw)))
    return scalar(raw)


def _spans(event: Event, told: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    """The spans that are at fault, by what they did; of equal ones the first."""
    data = mapping(value(told, "evidence_data"))
    wanted = {word(id_) for id_ in listed(data, "offender_span_ids")}
    found = values(event, "spans")
    described = (
        " - ".join(filter(None, (nonblank(span, "op"), nonblank(span, "description"))))
        for span in found
        if wanted and word(value(span, "span_id")) in wanted
    )
    for description in dict.fromkeys(filter(None, described)):
        yield "Span", description
