"""A team's issues under its keys."""

from __future__ import annotations

import pytest

from ingest.core.naming import Called
from ingest.core.values import JSON
from ingest.sources.linear.naming import NAMING

ISSUE: dict[str, JSON] = {
    "kind": "issue",
    "identifier": "ENG-12",
    "teamId": "team-1",
    "teamKey": "ENG",
    "url": "https://linear.app/acme/issue/ENG-12/a-title",
}
COMMENT: dict[str, JSON] = {"kind": "comment", "issueIdentifier": "ENG-12", "teamId": "team-1"}


@pytest.mark.parametrize(
    ("key", "after"),
    [("ENG-12", "PLAT-12"), ("eng-12", "PLAT-12"), ("OPS-12", "OPS-12"), ("1a2b", "1a2b")],
)
def test_a_key_under_another_team_key(key: str, after: str) -> None:
    assert NAMING.key(key, "ENG", "PLAT") == after


@pytest.mark.parametrize("told", [ISSUE, COMMENT])
def test_metadata_go_there_and_back(told: dict[str, JSON]) -> None:
    made = NAMING.metadata(told, "ENG", "PLAT")
    assert NAMING.within(made) == Called("team-1", "PLAT")
    assert NAMING.metadata(made, "PLAT", "ENG") == told
    assert "ENG-12" not in str(made)


def test_only_an_issue_tells_what_its_team_is_called() -> None:
    assert NAMING.tells(ISSUE)
    assert not NAMING.tells(COMMENT)
