"""Whatever ids, hints and metadata say, a client asks for what it means and for nothing else: the
same paths as for a plain id, on the same host, with the same parameters.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ingest.core.errors import IngestError
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup
from ingest.sources.registry import source
from ingest.testing.sample import sample_of
from tests.factories import METADATA, OURS

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOKEN = "a-token-of-a-test-that-is-long-enough"
UID = "0b5c1d9e-7a43-4c7e-9f5d-6a1f0e2d3c4b"
KINDS: Mapping[str, Mapping[str, str]] = {
    "github": {"issue": "12", "comment": "34", "review": "56", "discussion_comment": "7"},
    "linear": {"issue": UID, "comment": UID},
    "notion": {"page": UID, "database": UID, "comment": UID, "data_source": UID},
    "sentry": {"issue": "5001"},
    "vercel": {"deployment": "dpl_1"},
    "zendesk": {"ticket": "4512", "article": "5"},
}
HINTS: Mapping[str, Mapping[str, JSON]] = {
    "github": {"number": 12, "nodeId": "DC_1", "before": "a", "after": "b"},
    "linear": {"teamIds": [UID]},
    "notion": {"page": UID, "parent": {"type": "page", "id": UID}},
    "vercel": {"teamId": "team_1"},
}
CROOKED = st.one_of(
    st.sampled_from(["..", ".", "", "../..", "1/../../user", "1?x=y", "1#x", "1%2f..", "1;x"]),
    st.sampled_from(["1//2", "1\n", "\\", "é", "%2e%2e", "/", "?", "1\r\nhost: evil.example"]),
    st.text(alphabet="./\\?#%@:;&=+ \t\n\x00a1é\u2028\ud800", max_size=12),
    st.text(max_size=8),
)
REPOSITORY = {"id": 101, "full_name": "halcyon/web", "default_branch": "main", "private": True}
Shape = tuple[str, tuple[str, ...], frozenset[str]]


class Recorder:
    """A provider that knows one repository and no other object, and keeps what it was asked for:
    the method, the target as it came, and the host.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                recorder.asked.append((self.command, self.path, self.headers["host"]))
                self.rfile.read(int(self.headers["content-length"] or 0))
                known = self.path == "/repos/halcyon/web"
                body = json.dumps(REPOSITORY if known else {"object": "error"}).encode()
                self.send_response(200 if known else 404)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - the name that is looked for

            def log_request(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def shapes(self, *told: str) -> set[Shape]:
        """Of what was asked: method, path with what is told in it as `*`, names of parameters."""
        marks = {quote(one, safe="", errors="replace") for one in told if one.strip(".")}
        marks |= {f"{mark}.json" for mark in marks}
        found: set[Shape] = set()
        for method, target, host in self.asked:
            assert host == self.host
            path, _, query = target.partition("?")
            parts = tuple("*" if part in marks else part for part in path.split("/"))
            found.add((method, parts, frozenset(dict(parse_qsl(query)))))
        return found

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with closing(Recorder()) as made:
        yield made


def look(
    recorder: Recorder,
    name: str,
    kind: str,
    id_: str,
    *,
    hint: Mapping[str, JSON] | None = None,
    metadata: Mapping[str, JSON] | None = None,
) -> None:
    """One look-up and one check, whatever they come to."""
    recorder.asked.clear()
    usual, connect = METADATA[name], source(name).connect
    descriptor = source(name).descriptor
    scope = descriptor.scope(descriptor.connection_tenants(usual)[0], usual)
    ask = Lookup(Identity(name, scope, kind, id_), HINTS.get(name, {}) if hint is None else hint)
    access = Access(f"http://{recorder.host}", TOKEN, {**usual, **(metadata or {})}, lambda: NOW)
    assert connect is not None
    with suppress(IngestError), closing(connect(access)) as client:
        with suppress(IngestError):
            client.fetch_one(ask)
        client.check()


def test_every_source_that_asks_is_asked_about() -> None:
    """Here, or by the laws of look-ups, which all keep whose sample plays their API."""
    played = {name for name in OURS if (found := sample_of(name)) and found.provider}
    assert set(KINDS) <= {name for name in OURS if source(name).connect} <= {*KINDS, *played}


def _fixed(usual: set[Shape]) -> frozenset[str]:
    """What a path always has: a name that is the same (`0` in `/api/0/`) cannot be told from it."""
    return frozenset(part for _, parts, _ in usual for part in parts) - {"", "*"}


EVERY = [(name, kind) for name, kinds in KINDS.items() for kind in kinds]


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_an_id_never_bends_a_path(recorder: Recorder, name: str, kind: str) -> None:
    plain = KINDS[name][kind]
    look(recorder, name, kind, plain)
    usual = recorder.shapes(plain)
    assert usual

    @settings(max_examples=30)
    @given(id_=CROOKED)
    def bend(id_: str) -> None:
        assume(id_ not in _fixed(usual))
        look(recorder, name, kind, id_)
        assert recorder.shapes(id_) <= usual

    bend()


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_a_hint_never_bends_a_path(recorder: Recorder, name: str, kind: str) -> None:
    plain = KINDS[name][kind]
    usual: set[Shape] = set()
    hints: tuple[Mapping[str, JSON], ...] = (HINTS.get(name, {}), {})
    for hint in hints:
        look(recorder, name, kind, plain, hint=hint)
        usual |= recorder.shapes(plain, "12", UID)

    @settings(max_examples=30)
    @given(told=CROOKED)
    def bend(told: str) -> None:
        assume(told not in _fixed(usual))
        hint = {field: _bent(value, told) for field, value in HINTS.get(name, {}).items()}
        look(recorder, name, kind, plain, hint=hint)
        assert recorder.shapes(plain, told, "12", UID) <= usual

    bend()


def _bent(value: JSON, told: str) -> JSON:
    if isinstance(value, list):
        return [told]
    if isinstance(value, dict):
        return {**value, "id": told}
    return told


FIELDS: Mapping[str, Mapping[str, str]] = {
    "github": {
        "repoFullName": "halcyon/web",
        "githubInstallationId": "7",
        "githubRepoId": "101",
        "branch": "main",
    },
    "linear": {"linearOrganizationId": "organization-1"},
    "notion": {"notionWorkspaceId": "w1"},
    "sentry": {"sentryOrganizationSlug": "halcyon", "sentryProjectSlug": "web"},
    "vercel": {"vercelProjectId": "prj_1", "vercelTeamId": "team_1"},
    "zendesk": {"zendeskSubdomain": "halcyon"},
}


@pytest.mark.parametrize(("name", "field"), [(n, f) for n, fs in FIELDS.items() for f in fs])
def test_stored_metadata_never_bends_a_path(recorder: Recorder, name: str, field: str) -> None:
    """Connections of earlier versions hold what was never looked at."""
    kind, plain = ("branch", "main") if field == "branch" else next(iter(KINDS[name].items()))
    own = FIELDS[name][field].split("/")
    usual: set[Shape] = set()
    for metadata in ({field: FIELDS[name][field]}, {field: None}, {field: "5"}):
        look(recorder, name, kind, plain, metadata=metadata)
        usual |= recorder.shapes(plain, *own, "5")

    @settings(max_examples=30)
    @given(told=CROOKED)
    def bend(told: str) -> None:
        names = told.split("/") if field == "repoFullName" else [told]
        assume(_fixed(usual).isdisjoint(names))
        look(recorder, name, kind, plain, metadata={field: told})
        assert recorder.shapes(plain, *own, *names) <= usual

    bend()
