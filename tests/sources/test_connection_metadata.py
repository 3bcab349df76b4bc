"""A connection's metadata, when a source is connected: real values fit, and crooked ones are told
what to give. That every text has a form is a law of all sources.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ingest import sources
from ingest.core.errors import BadInput
from ingest.flows.connections.connect import connection_metadata
from ingest.sources.registry import source
from ingest.testing.laws.connections import HOSTILE
from tests.factories import METADATA, OURS

CROOKED = ["..", ".", "../x", "a/../b", "a?b", "a#b/../..", "a\\b", "a b", "//x", "http://x/"]
CROOKED += ["evil.com#", "x@127.0.0.1:9200/", "127.0.0.1", "localhost"]
IN_REQUESTS: Mapping[str, Mapping[str, set[str]]] = {
    "github": {
        "githubRepoId": set(),
        "githubInstallationId": set(),
        "repoFullName": set(),
        "branch": {"127.0.0.1", "localhost", "evil.com#"},
        "defaultBranch": {"127.0.0.1", "localhost", "evil.com#"},
    },
    "linear": {},
    "notion": {},
    "sentry": {
        "sentryOrganizationSlug": {"127.0.0.1", "localhost"},
        "sentryProjectSlug": {"127.0.0.1", "localhost"},
        "sentryProjectId": {"127.0.0.1", "localhost"},
        "apiHost": set(),
    },
    "vercel": {
        "vercelProjectId": {"127.0.0.1", "localhost"},
        "vercelTeamId": {"127.0.0.1", "localhost"},
        "apiHost": set(),
    },
    "zendesk": {
        "zendeskSubdomain": {"localhost"},
        "brandSubdomains": {"localhost"},
        "mappedHosts": set(),
    },
}
"""The fields that a request is made of, and what of `CROOKED` is still a fair value of theirs: a
branch may have a `#` in its name, which is quoted."""

REAL: Mapping[str, list[dict[str, Any]]] = {
    "github": [
        {"repoFullName": "octo-org/.github", "owner": "octo-org", "defaultBranch": "release/v1.x"},
        {"repoFullName": "a/b.c_d-e", "owner": "a", "branch": "ünï/cödé#1", "githubRepoId": 186853},
        {"githubInstallationId": "0", "configPath": "docs/lightfast config.yml", "language": "C++"},
        {"githubInstallationId": "", "configPath": "/lightfast.yml", "language": None},
        {"owner": "corp_admin", "repoFullName": "corp_admin/Hello-World", "defaultBranch": "@"},
    ],
    "linear": [
        {"linearTeamId": "eeaa0cbd-xxxx-xxxx-xxxx-1c701c3485f1", "teamName": "Ingénierie 🚆"},
        {"linearOrganizationId": "org_acme_linear_001", "teamKeys": ["LF", "KOR"]},
        {"webhookId": "webhook_lightfastai_001", "onlyTeamIds": ["team_engineering"]},
    ],
    "notion": [
        {"notionWorkspaceId": "13950b26-c203-4f3b-b97d-93ec06319565"},
        {"notionWorkspaceId": "13950b26c2034f3bb97d93ec06319565", "databaseIds": ["0ef1" * 8]},
        {"notionWorkspaceName": "マリの Workspace's 日本", "webhookId": "29d75c0d-5546-4414-8459"},
    ],
    "sentry": [
        {"sentryOrganizationSlug": "lightfastai", "sentryProjectSlug": "front-end_2"},
        {"sentryProjectId": "6431298", "webhookId": "a8e5d37a-696c-4c54-adb5-b3f28d64c7de"},
        {"webhookId": "sentry-install-acme-001", "accessTokenHash": "sha256:" + "0a" * 32},
    ],
    "vercel": [
        {"vercelProjectId": "prj_test-repo", "vercelTeamId": "team_lightfastai"},
        {"vercelProjectId": "QmXGTs7mvAMMC7WW5ebrM33qKG32QK3h4vmQMjmY", "projectName": "web app"},
    ],
    "zendesk": [
        {"zendeskSubdomain": "acme1234567890", "brandSubdomains": ["acme-help", "A"]},
        {"mappedHosts": ["help.acme.example", "Support.ACME.example"]},
        {"zendeskAccountId": "22129848", "webhookId": "01GPGXNBQAA18W84WGVKRB0ZHA"},
    ],
}


LISTS = {"brandSubdomains", "mappedHosts"}
EVERY = [(name, field) for name, fields in IN_REQUESTS.items() for field in fields]


def _with(name: str, field: str, told: str) -> dict[str, Any]:
    return {**METADATA[name], field: [told] if field in LISTS else told}


@pytest.mark.parametrize(("name", "field"), EVERY)
def test_an_error_names_the_field_and_the_remedy_and_quotes_nothing(name: str, field: str) -> None:
    for told in HOSTILE:
        with pytest.raises(BadInput, match=f"{field}.*: give ") as raised:
            connection_metadata(source(name).descriptor, _with(name, field, told))
        assert told not in str(raised.value)


@pytest.mark.parametrize(("name", "field"), EVERY)
def test_what_ends_in_a_request_is_refused_with_its_field_and_the_remedy(
    name: str, field: str
) -> None:
    fair = IN_REQUESTS[name][field]
    for told in CROOKED:
        if told in fair:
            connection_metadata(source(name).descriptor, _with(name, field, told))
            continue
        with pytest.raises(BadInput, match=f"{field}.*: give ") as raised:
            connection_metadata(source(name).descriptor, _with(name, field, told))
        assert "Value error" not in str(raised.value)


@pytest.mark.parametrize("name", REAL)
def test_what_providers_really_call_their_things_passes(name: str) -> None:
    for real in REAL[name]:
        stored = connection_metadata(source(name).descriptor, {**METADATA[name], **real})
        kept = {field: told for field, told in real.items() if told is not None}
        assert {f: str(v) for f, v in stored.items() if f in kept} == {
            f: str(v) for f, v in kept.items()
        }


def test_what_is_told_about_is_ours() -> None:
    """A source that is not told about has the laws: forms, and requests that no text bends."""
    assert set(REAL) == set(IN_REQUESTS) <= OURS


COMPARED = {
    "linearOrganizationId": "it is compared with what the API says of the token",
    "zendeskAccountId": "it is the scope of the identities that are listed, and in no request",
}


@pytest.mark.parametrize("name", IN_REQUESTS)
def test_no_other_field_is_read_where_requests_are_made(name: str) -> None:
    """A new field of a client's is to stand in the table above, with what it may be."""
    fields = source(name).descriptor.connection.model_fields
    known = {told.alias or field for field, told in fields.items()} - {"type"}
    folder = Path(sources.__path__[0]) / name
    asking = [path.read_text("utf-8") for path in folder.glob("*.py")]
    read = {
        node.value
        for text in asking
        if "from ingest.sources.http import" in text or "import own" in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in known
    }
    assert read - IN_REQUESTS[name].keys() - COMPARED.keys() == set()
    hosts = source(name).descriptor.api_host_field
    assert hosts is None or hosts in IN_REQUESTS[name]
