"""What an event says in words: a message, a browser's report, a template, feedback, breadcrumbs.

Documents: develop.sentry.dev, "Event Payloads": Message, Template, Breadcrumbs Interface; the
module `interfaces/security.py` of getsentry/sentry. Law: who it happened to is not told, and no URL
with its query. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ingest.core.values import JSON
from ingest.sources.sentry.interfaces import field, listed, part, value, values
from ingest.sources.sentry.lines import closed, fact, line, shortened
from ingest.sources.sentry.payloads import Event, word
from ingest.sources.sentry.said import Said
from ingest.sources.wire import mapping, nonblank

LONGEST_MESSAGE = 8_000
_MOST_CRUMBS, _MOST_PARAMS = 5, 100

_PLACEHOLDER = re.compile(r"%\(\w+\)[#0\-+]?[\d.]*[a-zA-Z]|%[#0\-+]?[\d.]*[a-zA-Z]|\{\w*\}|%%")
_SEVERE = frozenset({"warning", "error", "fatal", "critical"})

# Field by field, in their order; a URL is told without its query.
_SECURITY: Mapping[str, tuple[str, Sequence[tuple[str, str]]]] = {
    "csp": (
        "Content security policy",
        (
            ("Violated directive", "violated_directive"),
            ("Effective directive", "effective_directive"),
            ("Blocked", "blocked_uri"),
            ("Document", "document_uri"),
            ("Source", "source_file"),
            ("Line", "line_number"),
            ("Disposition", "disposition"),
        ),
    ),
    "hpkp": (
        "Public key pinning",
        (("Host", "hostname"), ("Port", "port"), ("Noted host", "noted_hostname")),
    ),
    "expectct": (
        "Certificate transparency",
        (("Host", "hostname"), ("Port", "port"), ("Failure mode", "failure_mode")),
    ),
    "expectstaple": (
        "Certificate status",
        (
            ("Host", "hostname"),
            ("Port", "port"),
            ("Response status", "response_status"),
            ("Certificate status", "cert_status"),
        ),
    ),
    "nel": (
        "Network error",
        (("Type", "type"), ("Phase", "phase"), ("URL", "url"), ("Status", "status_code")),
    ),
}


def message_of(event: Event) -> str:
    """The message that a program logged, with its parameters in their places."""
    told = part(event, "logentry")
    said = nonblank(told) or field(told, "formatted")
    if said is None and (template := field(told, "message")) is not None:
        said = _filled_in(template[: 2 * LONGEST_MESSAGE], value(told, "params"))
    return closed(shortened(said or event.message or "", LONGEST_MESSAGE))


def _filled_in(template: str, params: JSON) -> str:
    """As `logentry` says it: by `printf`, or by braces; what has no place stands behind it."""
    named = mapping(params)
    told = params[:_MOST_PARAMS] if isinstance(params, list) else []

    def fill(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        name = re.sub(r"^%\(|\).*$|[{}]", "", found[0])
        known = word(named.get(name)) if name in named else None
        if known is None and told and (not name.isalpha() or found[0].startswith("%")):
            known = scalar(told.pop(0))
        return found[0] if known is None else known

    said = _PLACEHOLDER.sub(fill, template)
    left = [one for one in map(scalar, told) if one]
    return f"{said} ({', '.join(left)})" if left else said


def scalar(raw: JSON) -> str:
    """A text, a number, yes or no, as a text; empty for all else."""
    if isinstance(raw, bool | float):
        return str(raw)
    return word(raw) or ""


def reports(event: Event, said: Said) -> Iterator[str]:
    """What browsers reported, templates failed in, and people wrote."""
    for name, (heading, fields) in _SECURITY.items():
        told = mapping(part(event, name))
        told = {**told, **mapping(told, "body")}
        facts = [one for title, key in fields for one in _security_fact(title, value(told, key))]
        if facts:
            yield f"### {heading}"
            yield "\n".join(facts)
    yield from _template(event)
    yield from _feedback(event, said)


def _security_fact(title: str, told: JSON) -> Iterator[str]:
    yield from fact(title, [without_query(word(told) or "")])


def without_query(url: str) -> str:
    """A URL without what is another one each time, and may hold secrets."""
    return url.partition("?")[0].partition("#")[0]


def _template(event: Event) -> Iterator[str]:
    told = mapping(part(event, "template"))
    name = field(told, "filename") or field(told, "abs_path")
    if name is None:
        return
    number = word(value(told, "lineno")) or word(told.get("lineNo"))
    yield "### Template"
    facts = [*fact("In", [":".join(filter(None, (name, number)))])]
    facts += fact("Line", [field(told, "context_line") or _line_of(told, number)])
    yield "\n".join(facts)


def _line_of(told: Mapping[str, JSON], number: str | None) -> str:
    for around in listed(told, "context"):
        if isinstance(around, list) and len(around) == 2 and word(around[0]) == number:
            return nonblank(around[1]) or ""
    return ""


# What people wrote.


def _feedback(event: Event, said: Said) -> Iterator[str]:
    """The words of a user's feedback, and of a report that he wrote beside the event."""
    context = mapping(event.parts, "contexts", "feedback")
    report = value(event.parts, "user_report")
    for words in (nonblank(context, "message"), nonblank(report, "comments")):
        news = said.news(words)
        if news:
            yield closed(shortened(news, LONGEST_MESSAGE))


# Before it.


def crumbs(event: Event) -> Iterator[str]:
    """The last of the breadcrumbs that tell of something wrong; others are noise of every day."""
    told = (
        _crumb(one) for one in values(event, "breadcrumbs") if nonblank(one, "level") in _SEVERE
    )
    lines = [*dict.fromkeys(one for one in told if one)]
    if lines:
        yield "### Before it"
        yield "\n".join(f"- {one}" for one in lines[-_MOST_CRUMBS:])


def _crumb(told: Mapping[str, JSON]) -> str:
    data = mapping(told, "data")
    url = without_query(nonblank(data, "url") or "")
    asked = " ".join(filter(None, (nonblank(data, "method"), url, word(data.get("status_code")))))
    words = nonblank(told, "message") or (asked if url else "")
    category = nonblank(told, "category") or nonblank(told, "type")
    return line(": ".join(filter(None, (category, words)))) if words else ""


def request_of(event: Event) -> str:
    """Method and URL of what was asked of the program."""
    told = mapping(part(event, "request"))
    url = without_query(nonblank(told, "url") or "")
    return " ".join(filter(None, (nonblank(told, "method"), url))) if url else ""


def monitor_of(event: Event) -> str:
    """The scheduled job that a check-in was missed of."""
    told = mapping(event.parts, "contexts", "monitor")
    return nonblank(told, "name") or nonblank(told, "slug") or ""
