"""What a commit became is shown with the deployment that brought it, while that is there. Pure."""

from __future__ import annotations

import pytest

from ingest.core.references import DEPLOYMENT, Reference, brought_by
from ingest.flows.documents.shown import stated, view
from ingest.sources.registry import deploying
from ingest.store.references import Pointer

SHA = "a1" * 20


def pointer(kind: str, key: str, shown: str | None) -> Pointer:
    return Pointer(kind, "vercel", key, "field", key, None, shown)


def test_what_belongs_to_a_commit_refers_to_its_deployment() -> None:
    assert brought_by({"commitSha": SHA.upper()}, ["vercel"]) == (
        Reference(DEPLOYMENT, "vercel", SHA, "field", SHA),
    )
    assert len(deploying()) == 1


@pytest.mark.parametrize(
    "temporal",
    [
        {},
        {"commitSha": SHA[:12]},
        {"commitSha": f"{SHA}0"},
        {"commitSha": SHA, "deploymentId": "dpl_1"},
    ],
)
def test_what_names_no_whole_commit_or_is_a_deployment_refers_to_none(
    temporal: dict[str, str],
) -> None:
    assert brought_by(temporal, ["vercel"]) == ()


def test_the_deployment_is_shown_where_it_is_there_and_is_no_edge() -> None:
    here, waiting = pointer(DEPLOYMENT, SHA, "dpl_1"), pointer(DEPLOYMENT, SHA, None)
    told = {"commitSha": SHA}
    shown = {"temporal": {"commitSha": SHA, "deploymentId": "dpl_1"}}
    assert view([here], told) == shown
    assert view([waiting], told) == {"temporal": told}
    assert view([here], shown["temporal"]) == shown, "it is shown anew"
    assert view([waiting], shown["temporal"]) == {"temporal": told}, "it went"


def test_a_deployment_says_itself_which_one_it_is() -> None:
    told = {"commitSha": SHA, "deploymentId": "dpl_1"}
    assert view([pointer("mention", "dpl_2", None)], told) == {
        "mentions": {"vercel": ["dpl_2"]},
        "temporal": told,
    }
    assert stated([pointer(DEPLOYMENT, SHA, None)], told) == {"commitSha": SHA}
