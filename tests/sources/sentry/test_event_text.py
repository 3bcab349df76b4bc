"""What an event says is text, as the webhook tells it and as the API does: part by part."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from ingest.core.changes import Upsert
from ingest.sources.contract import Lookup
from ingest.sources.sentry import SOURCE
from tests.sources.bending import at, paths
from tests.sources.sentry.deliveries import (
    CONNECTION,
    RECEIVED_AT,
    data,
    identity,
    of_event,
    told,
    upsert,
)

_ENTRY_NAMES = {"logentry": "message", "debug_meta": "debugmeta"}
_BESIDE = ("contexts", "message", "title", "culprit", "metadata")
_SPELLED = {
    "lineno": "lineNo",
    "colno": "colNo",
    "in_app": "inApp",
    "abs_path": "absPath",
    "raw_function": "rawFunction",
    "instruction_addr": "instructionAddr",
    "thread_id": "threadId",
    "raw_stacktrace": "rawStacktrace",
    "issue_title": "issueTitle",
    "evidence_display": "evidenceDisplay",
    "evidence_data": "evidenceData",
    "offender_span_ids": "offenderSpanIds",
    "transaction_name": "transactionName",
    "user_report": "userReport",
}


def _frame(function: str | None, filename: str | None, line: int, **more: Any) -> dict[str, Any]:
    code = f"    code_of_{line}()"
    told: dict[str, Any] = {"filename": filename, "lineno": line, "context_line": code, **more}
    return {"function": function, "in_app": True, **told}


def _stack(*frames: dict[str, Any]) -> dict[str, Any]:
    return {"frames": [*frames]}


def _as_api(raw: Any) -> Any:
    """The same in the spelling of the API, where a frame's line stands among those around it."""
    if isinstance(raw, list):
        return [_as_api(one) for one in raw]
    if not isinstance(raw, Mapping):
        return raw
    found = {_SPELLED.get(name, name): _as_api(value) for name, value in raw.items()}
    code = found.pop("context_line", None)
    if code is not None:
        line = found["lineNo"]
        found["context"] = [[line - 1, "    before()"], [line, code], [line + 1, "    after()"]]
    return found


def _by_webhook(parts: Mapping[str, Any]) -> str:
    fixture = told("event_alert.triggered")
    event = fixture["body"]["data"]["event"]
    for name in ("exception", "request", "message", "metadata", "culprit"):
        del event[name]
    event |= {"title": "Job failed", **parts}
    return of_event(fixture)[0].body


def _by_look_up(parts: Mapping[str, Any]) -> str:
    beside = {
        n: _as_api(v) for n, v in parts.items() if n in (*_BESIDE, "occurrence", "user_report")
    }
    entries = [
        {"type": _ENTRY_NAMES.get(name, name), "data": _as_api(value)}
        for name, value in parts.items()
        if name not in beside
    ]
    beside = {_SPELLED.get(name, name): value for name, value in beside.items()}
    event = {"id": "e", "eventID": "e", "title": "Job failed", "entries": entries, **beside}
    issue = {**data("issue.created")["issue"], "title": "Job failed", "metadata": {}}
    raw: Any = {"issue": issue, "event": event, "tags": {}}
    assert SOURCE.documents is not None
    found = SOURCE.documents(
        Lookup(identity(), raw=raw, sent_at=RECEIVED_AT, connection=CONNECTION)
    )[0]
    assert isinstance(found, Upsert)
    return found.body


_MESSAGE = "Job failed\ncause: disk full on node-7\nsee ENG-55"
_FRAMES = _stack(
    _frame("main", "Looper.kt", 100, in_app=False),
    _frame("onPress", "Gate.kt", 42),
    _frame("readAll", "Board.kt", 7),
)
_SHOWN = "```\nreadAll (Board.kt:7)\n    code_of_7()\nonPress (Gate.kt:42)\n    code_of_42()\n```"
_THREADS = {
    "values": [
        {"id": 2, "name": "idle", "stacktrace": _stack(_frame("wait", "Pool.kt", 3))},
        {"id": 1, "name": "main", "crashed": True, "current": True, "stacktrace": _FRAMES},
    ]
}
_OTHER_THREAD = {**_THREADS["values"][0], "crashed": False}

_PARTS: dict[str, tuple[Mapping[str, Any], str]] = {
    "a message": ({"logentry": {"formatted": _MESSAGE, "message": None}}, _MESSAGE),
    "a message of today's webhooks": ({"message": _MESSAGE}, _MESSAGE),
    "a message with its parameters": (
        {"logentry": {"message": "%s of %d trains, %s%%", "params": ["17", 30, 5.5]}},
        "17 of 30 trains, 5.5%",
    ),
    "a message in braces": (
        {"logentry": {"message": "{} of {0}", "params": ["17", 30, "more"]}},
        "17 of 30 (more)",
    ),
    "a message by names": (
        {"logentry": {"message": "%(train)s of {line}, {x}", "params": {"train": 17, "line": "B"}}},
        "17 of B, {x}",
    ),
    "a message and no parameters": ({"logentry": {"message": "100% sure"}}, "100% sure"),
    "a stack beside a message": (
        {"logentry": {"formatted": _MESSAGE}, "stacktrace": _FRAMES},
        f"{_MESSAGE}\n\n### Stack\n\n{_SHOWN}",
    ),
    "the crashed thread of an exception without frames": (
        {
            "exception": {"values": [{"type": "NotResponding", "value": "x", "stacktrace": None}]},
            "threads": _THREADS,
        },
        f"### NotResponding: x\n\n{_SHOWN}",
    ),
    "the thread that an exception names": (
        {
            "exception": {"values": [{"type": "Stuck", "value": "x", "thread_id": 2}]},
            "threads": _THREADS,
        },
        "### Stuck: x\n\n```\nwait (Pool.kt:3)",
    ),
    "a thread and no exception": ({"threads": _THREADS}, f"### Thread main (crashed)\n\n{_SHOWN}"),
    "no thread that crashed": (
        {"threads": {"values": [{"id": 3, "name": "empty"}, _OTHER_THREAD]}},
        "### Thread idle\n\n```\nwait (Pool.kt:3)",
    ),
    "frames that nobody could read": (
        {"exception": {"values": [{"type": "E", "raw_stacktrace": _FRAMES}]}},
        f"### E\n\n{_SHOWN}",
    ),
    "an exception of several lines": (
        {"exception": {"values": [{"type": "QueryError", "value": "at\n  SELECT 1\nby ENG-9"}]}},
        "### QueryError: at SELECT 1 by ENG-9\n\nat\n  SELECT 1\nby ENG-9",
    ),
    "how it was caught": (
        {
            "exception": {
                "values": [
                    {
                        "type": "EXC_BAD_ACCESS",
                        "value": "at 0x0",
                        "mechanism": {
                            "type": "mach",
                            "handled": False,
                            "meta": {"signal": {"number": 11, "name": "SIGSEGV"}},
                        },
                    }
                ]
            }
        },
        "### EXC_BAD_ACCESS: at 0x0\n\n- Mechanism: mach, unhandled\n- Signal: SIGSEGV",
    ),
    "a library without symbols": (
        {
            "exception": {
                "values": [
                    {
                        "type": "SIGABRT",
                        "stacktrace": _stack(
                            {"package": "/usr/lib/libc.so.6", "instruction_addr": "0x7f10"},
                            {"package": "/opt/libboard.so", "instruction_addr": "0x5010"},
                            {"function": "abort", "package": "/usr/lib/libc.so.6"},
                        ),
                    }
                ]
            },
            "debug_meta": {
                "images": [
                    {"code_file": "/opt/libboard.so", "image_addr": "0x5000", "image_size": 4096}
                ]
            },
        },
        "```\nabort (libc.so.6)\n? (libboard.so +0x10)\n? (libc.so.6 0x7f10)\n```",
    ),
    "all in one line": (
        {
            "exception": {
                "values": [
                    {
                        "type": "E",
                        "stacktrace": _stack(_frame("t", "/js/main.min.js", 1, colno=20417)),
                    }
                ]
            }
        },
        "t (/js/main.min.js:1:20417)",
    ),
    "a blocked resource": (
        {
            "csp": {
                "violated_directive": "img-src",
                "effective_directive": "img-src",
                "blocked_uri": "https://cdn.example/pixel?id=7",
                "document_uri": "https://halcyon.example/gate?token=abc",
            }
        },
        "### Content security policy\n\n- Violated directive: img-src\n"
        "- Effective directive: img-src\n- Blocked: https://cdn.example/pixel\n"
        "- Document: https://halcyon.example/gate",
    ),
    "pinned keys": (
        {"hpkp": {"hostname": "halcyon.example", "port": 443, "noted_hostname": "halcyon.example"}},
        "### Public key pinning\n\n- Host: halcyon.example\n- Port: 443",
    ),
    "a certificate's log": (
        {"expectct": {"hostname": "halcyon.example", "failure_mode": "enforce"}},
        "### Certificate transparency\n\n- Host: halcyon.example\n- Failure mode: enforce",
    ),
    "a certificate's status": (
        {"expectstaple": {"hostname": "halcyon.example", "response_status": "MISSING"}},
        "### Certificate status\n\n- Host: halcyon.example\n- Response status: MISSING",
    ),
    "a template": (
        {"template": {"filename": "board.html", "lineno": 9, "context_line": "{% train %}"}},
        "### Template\n\n- In: board.html:9\n- Line: {% train %}",
    ),
    "what a detector shows": (
        {
            "occurrence": {
                "issue_title": "N+1 Query",
                "subtitle": "SELECT board",
                "evidence_display": [
                    {"name": "Transaction", "value": "/boards", "important": True},
                    {"name": "Repeating Spans (9)", "value": "db - SELECT board"},
                ],
                "evidence_data": {"op": "db"},
            }
        },
        "### Evidence\n\nSELECT board\n\n- Transaction: /boards\n"
        "- Repeating Spans (9): db - SELECT board",
    ),
    "what a detector kept": (
        {
            "occurrence": {
                "evidence_data": {
                    "op": "db",
                    "transaction_name": "/boards",
                    "offender_span_ids": ["b"],
                    "detector_id": 5,
                    "email": "odd@halcyon.example",
                },
            },
            "spans": [
                {"span_id": "a", "op": "http", "description": "GET /"},
                {"span_id": "b", "op": "db", "description": "SELECT board"},
            ],
        },
        "### Evidence\n\n- Op: db\n- Transaction name: /boards\n- Span: db - SELECT board",
    ),
    "what a user wrote": (
        {
            "occurrence": {
                "evidence_display": [
                    {"name": "message", "value": "The gate is shut.\nSee ENG-7."},
                    {"name": "contact_email", "value": "odd@halcyon.example"},
                    {"name": "name", "value": "Odd"},
                ]
            }
        },
        "### Evidence\n\nThe gate is shut.\nSee ENG-7.",
    ),
    "what a user wrote, among the contexts": (
        {"contexts": {"feedback": {"message": "The gate is shut.", "name": "Odd"}}},
        "## Latest event\n\n- Release: web@4.2.0\n- Environment: production\n\nThe gate is shut.",
    ),
    "what a user wrote beside an event": (
        {"user_report": {"comments": "It hung at the gate.", "name": "Odd"}},
        "It hung at the gate.",
    ),
    "the job of a monitor": (
        {"contexts": {"monitor": {"slug": "nightly", "name": "Nightly plan"}}},
        "- Monitor: Nightly plan",
    ),
    "what went wrong before": (
        {
            "breadcrumbs": {
                "values": [
                    {"category": "ui", "message": "click", "level": "info"},
                    {"category": "console", "message": "no board", "level": "error"},
                    {
                        "category": "xhr",
                        "level": "warning",
                        "data": {"method": "GET", "url": "/board?t=1", "status_code": 502},
                    },
                ]
            }
        },
        "### Before it\n\n- console: no board\n- xhr: GET /board 502",
    ),
}


@pytest.mark.parametrize("told_by", [_by_webhook, _by_look_up])
@pytest.mark.parametrize("name", _PARTS)
def test_what_an_event_says_is_text(name: str, told_by: Any) -> None:
    """Bug: only exceptions were read, and all other text of an event was nowhere."""
    parts, said = _PARTS[name]
    body = told_by(parts)
    if told_by is _by_look_up:
        said = said.replace("- Release: web@4.2.0\n- Environment: production\n\n", "")
    assert said in body
    assert "## Latest event" in body
    assert "Odd" not in body
    assert "odd@" not in body
    assert "token=" not in body


@pytest.mark.parametrize("told_by", [_by_webhook, _by_look_up])
@pytest.mark.parametrize(
    "parts",
    [
        {"message": "Job failed"},
        {"message": "Job failed timetable.plan", "culprit": "timetable.plan"},
        {"logentry": {"formatted": "  Job   failed "}},
        {"exception": {"values": [{"type": "E", "value": "v"}]}, "message": "E: v"},
        {"contexts": {"feedback": {"message": "Job failed"}}},
    ],
)
def test_what_is_said_already_is_not_said_again(parts: Mapping[str, Any], told_by: Any) -> None:
    body = told_by(parts)
    assert body.count("Job") + body.count("E: v") <= 1


def test_a_group_tells_what_each_exception_is_to_another() -> None:
    group = {
        "values": [
            {"type": "KeyError", "mechanism": _mechanism(2, 0, "exceptions[1]")},
            {"type": "OSError", "mechanism": _mechanism(1, 0, "__cause__")},
            {"type": "ExceptionGroup", "mechanism": {"type": "generic", "exception_id": 0}},
        ]
    }
    assert _by_webhook({"exception": group}).endswith(
        "### ExceptionGroup\n\n"
        "### OSError\n\n- Relation: `__cause__` of ExceptionGroup\n\n"
        "### KeyError\n\n- Relation: `exceptions[1]` of ExceptionGroup"
    )


def _mechanism(id_: int, parent: int, source: str) -> dict[str, Any]:
    return {"type": "chained", "exception_id": id_, "parent_id": parent, "source": source}


def test_of_a_long_chain_the_first_cause_is_shown_too() -> None:
    chain = {"values": [{"type": "Error", "value": f"number {n}"} for n in range(40)]}
    body = _by_webhook({"exception": chain})
    assert "### Error: number 39\n" in body
    assert body.endswith("### Error: number 31\n\n[… 30 more exceptions]\n\n### Error: number 0")


def test_what_is_cut_says_so_and_leaves_no_code_open() -> None:
    frames = _stack(*(_frame("f", "x" * 200, n) for n in range(60)))
    chain = {"values": [{"type": "Error", "stacktrace": frames}] * 9}
    body = _by_webhook({"exception": chain, "logentry": {"formatted": "```\n" + "m" * 9_000}})
    assert len(body) <= 24_000
    assert body.count("```") % 2 == 0
    assert "m…\n```" in body
    assert "… 10 older frames\n```" in body
    assert body.endswith("more characters]")


@pytest.mark.parametrize("name", ["message", "value"])
def test_an_issue_tells_what_it_knows_itself(name: str) -> None:
    fixture = told("issue.created.outage")
    fixture["body"]["data"]["issue"]["metadata"] = {"title": "Feedback", name: "The gate is shut."}
    assert upsert(fixture).body.startswith("The gate is shut.\n\n- Level: error")


def test_a_message_alone_gives_the_issue_its_name() -> None:
    fixture = told("event_alert.triggered")
    event = fixture["body"]["data"]["event"]
    for name in ("title", "exception", "metadata", "culprit"):
        del event[name]
    event["logentry"] = {"formatted": _MESSAGE}
    document = of_event(fixture)[0]
    assert document.title == "Job failed"
    assert _MESSAGE in document.body
    event["occurrence"] = {"issue_title": "Slow query", "culprit": "/boards"}
    document = of_event(fixture)[0]
    assert document.title == "Slow query"
    assert document.metadata["culprit"] == "/boards"


_ODD: list[Any] = [None, True, "", "\x00\ud800", 10**400, float("nan"), [], {}, [None], [[1, 2]]]


@pytest.mark.parametrize("name", _PARTS)
def test_any_part_may_be_odd(name: str) -> None:
    parts = _PARTS[name][0]
    for number, path in enumerate(paths(parts)[1:]):
        for odd in (_ODD[number % len(_ODD)], _ODD[(number + 3) % len(_ODD)]):
            bent = deepcopy(dict(parts))
            at(bent, path[:-1])[path[-1]] = odd
            assert isinstance(_by_webhook(bent), str)
