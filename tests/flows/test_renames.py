"""What a repository, a team or a key is called changes; what is meant by references does not."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.flows.doctor import look_at_names
from ingest.flows.documents.bind import bind_pending
from ingest.store import binding
from ingest.store.engine import transaction
from tests.factories import connect, make_store
from tests.flows import halcyon
from tests.flows.desk import Desk, desk
from tests.flows.halcyon import Sent

__all__ = ["desk"]

pytestmark = pytest.mark.integration

WEB, SITE, OTHER = "halcyon/web", "halcyon/site", "halcyon/other"
SECOND = {"githubRepoId": "202", "repoFullName": OTHER}

TARGETS = """
    SELECT coalesce(d.source_metadata->>'title', d.source_id) AS said_in, r.kind,
           coalesce(t.source_metadata->>'title', t.source_id) AS target
    FROM lightfast_document_references r
    JOIN lightfast_docs_documents d ON d.id = r.document_id
    LEFT JOIN lightfast_docs_documents t ON t.id = r.target_document_id ORDER BY 1, 2, 3
"""


def targets(desk: Desk) -> list[tuple[str, str, str | None]]:
    return [(row["said_in"], row["kind"], row["target"]) for row in desk.rows(TARGETS)]


def renamed(to: str, before: str, repository_id: int = 101) -> Sent:
    sent = halcyon.issue(1, repository=to, repository_id=repository_id)
    repository = sent.body["repository"]
    body = {
        "action": "renamed",
        "repository": repository,
        "changes": {"repository": {"name": {"from": before.partition("/")[2]}}},
    }
    return Sent("github", body, {"x-github-event": "repository"})


@pytest.fixture
def here(engine: sa.Engine) -> str:
    return connect(engine, "github", stores=[make_store(engine, "store-1")])


OLD = halcyon.issue(
    1, at=1, title="old", body="", html_url="https://github.com/halcyon/web/issues/1"
)
NEW = halcyon.issue(2, at=9, title="new", body="Fixes #1", repository=SITE)
REMARK = halcyon.comment(11, at=2, body="As in #2")


@pytest.mark.parametrize("order", [*permutations(range(4))][::5])
def test_a_renamed_repository_is_one_whatever_comes_first(
    desk: Desk, here: str, order: tuple[int, ...]
) -> None:
    """Bug: what was told under the former name was called so until it changed, and found by no
    reference of the new one.
    """
    told = [OLD, renamed(SITE, WEB), NEW, REMARK]
    for at in order:
        desk.end(here, told[at])
    documents = desk.documents()
    assert sorted(documents) == [f"{SITE}#1", f"{SITE}#1/comment/11", f"{SITE}#2"]
    assert {row["source_metadata"]["repoFullName"] for row in documents.values()} == {SITE}
    assert documents[f"{SITE}#1"]["source_metadata"]["url"] == f"https://github.com/{SITE}/issues/1"
    assert desk.found(f"{WEB}#1") == desk.found(f"{SITE}#1") == [f"{SITE}#1"]
    assert ("new", "resolves", "old") in targets(desk)
    shown = documents[f"{SITE}#2"]["relationships"]
    assert shown["graph"] == {"resolves": [f"github:{SITE}#1"]}


CHAIN = [OLD, renamed("halcyon/aside", WEB), renamed(SITE, "halcyon/aside"), NEW]


@pytest.mark.parametrize("order", [*permutations(range(4))][::5])
def test_every_name_of_a_chain_finds_what_is_there_as_github_redirects(
    desk: Desk, here: str, order: tuple[int, ...]
) -> None:
    for at in order:
        desk.end(here, CHAIN[at])
    for name in (WEB, "halcyon/aside", SITE):
        for number in (1, 2):
            assert desk.found(f"{name}#{number}") == [f"{SITE}#{number}"]


def test_a_rename_moves_no_hash_and_no_chunk(desk: Desk, here: str) -> None:
    desk.end(here, OLD)
    desk.end(here, REMARK)
    texts = "SELECT id, content_hash, config_hash FROM lightfast_docs_documents ORDER BY id"
    chunks = "SELECT * FROM lightfast_document_chunks ORDER BY document_id, position"
    before = desk.rows(texts), desk.rows(chunks)
    desk.end(here, renamed(SITE, WEB))
    assert (desk.rows(texts), desk.rows(chunks)) == before
    assert list(desk.documents()) == [f"{SITE}#1", f"{SITE}#1/comment/11"]


def test_a_renamed_repository_is_told_again_without_a_write(desk: Desk, here: str) -> None:
    (told,) = desk.deliver(here, OLD)
    desk.work()
    desk.end(here, renamed(SITE, WEB))
    before = desk.documents()
    desk.replay(told)
    assert desk.documents() == before


def test_a_former_name_that_another_repository_took_is_not_meant(
    desk: Desk, here: str, engine: sa.Engine
) -> None:
    """Bug: which of the two issues was meant hung on the lower id of a document."""
    there = connect(engine, "github", SECOND | {"repoFullName": WEB}, stores=["store-1"])
    desk.end(here, OLD)
    desk.end(here, renamed(SITE, WEB))
    taken = halcyon.issue(1, title="another", body="", repository_id=202)
    desk.end(there, taken)
    desk.end(there, halcyon.issue(2, title="there", body="Fixes #1", repository_id=202))
    desk.end(here, halcyon.issue(3, title="here", body=f"Fixes #1, see {WEB}#1", repository=SITE))
    assert targets(desk) == [
        ("here", "mention", "another"),
        ("here", "mention", "old"),
        ("here", "relatedTo", "another"),
        ("here", "resolves", "old"),
        ("there", "mention", "another"),
        ("there", "resolves", "another"),
    ]


SWAP = [
    ("here", renamed("halcyon/aside", WEB)),
    ("there", renamed(WEB, OTHER, 202)),
    ("here", renamed(OTHER, "halcyon/aside")),
]


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_two_repositories_that_change_names_have_each_other_s(
    desk: Desk, here: str, engine: sa.Engine, order: tuple[int, ...]
) -> None:
    """Each name is the other one's own until that has told of another."""
    there = connect(engine, "github", SECOND, stores=["store-1"])
    desk.end(here, OLD)
    desk.end(there, halcyon.issue(2, title="there", body="", repository=OTHER, repository_id=202))
    for at in order:
        side, sent = SWAP[at]
        desk.end(here if side == "here" else there, sent)
    assert sorted(desk.documents()) == [f"{OTHER}#1", f"{WEB}#2"]


def test_a_name_that_is_anothers_is_not_taken_by_a_rename(
    desk: Desk, here: str, engine: sa.Engine
) -> None:
    there = connect(engine, "github", SECOND, stores=["store-1"])
    desk.end(here, OLD)
    desk.end(there, halcyon.issue(2, title="there", body="", repository=OTHER, repository_id=202))
    desk.end(there, renamed(WEB, OTHER, 202))
    assert sorted(desk.documents()) == [f"{OTHER}#2", f"{WEB}#1"]
    (found,) = look_at_names(engine)
    assert found.said == f"101, 202 of store store-1 claim the name {WEB}; it is one connection's"


def test_each_store_has_its_documents_renamed_at_once(desk: Desk, engine: sa.Engine) -> None:
    """Bug: a rename in eight stores was done in five, and in the others a minute later."""
    stores = [make_store(engine, f"store-{number}") for number in range(8)]
    here = connect(engine, "github", stores=stores)
    desk.end(here, OLD)
    desk.end(here, renamed(SITE, WEB))
    assert [list(desk.documents(store)) for store in stores] == [[f"{SITE}#1"]] * 8


def test_names_are_compared_as_github_compares_them(
    desk: Desk, here: str, engine: sa.Engine
) -> None:
    """Bug: `halcyon/web` in a URL was no reference to `Halcyon/Web#1`."""
    there = connect(engine, "github", SECOND, stores=["store-1"])
    desk.end(here, halcyon.issue(1, title="big", body="", repository="Halcyon/Web"))
    page = "https://github.com/HALCYON/web/issues/1"
    said = halcyon.issue(5, title="small", body=f"fixes {page} and halcyon/WEB#1")
    desk.end(there, Sent("github", {**said.body, "repository": _other(said)}, said.headers))
    assert targets(desk) == [("small", "mention", "big"), ("small", "resolves", "big")]
    shown = desk.documents()[f"{OTHER}#5"]["relationships"]
    assert shown["mentions"]["github"] == ["Halcyon/Web#1"]
    assert desk.found("halcyon/web#1") == ["Halcyon/Web#1"]


def _other(sent: Sent) -> dict[str, Any]:
    return {**sent.body["repository"], "id": 202, "full_name": OTHER}


def test_a_team_that_is_called_otherwise_takes_its_issues_along(
    desk: Desk, engine: sa.Engine
) -> None:
    here = connect(engine, "linear", stores=[make_store(engine, "store-1")])
    desk.end(here, halcyon.linear_issue(1, description=""))
    again = halcyon.linear_issue(2, at=9, description="As ENG-1")
    team = {"id": "team-1", "key": "PLAT", "name": "Platform"}
    data = {**again.body["data"], "identifier": "PLAT-2", "team": team, "previousIdentifiers": []}
    desk.end(here, Sent("linear", {**again.body, "data": data}, again.headers))
    assert sorted(desk.documents()) == ["PLAT-1", "PLAT-2"]
    assert desk.found("ENG-1") == ["PLAT-1"]
    assert targets(desk) == [("PLAT-2", "mention", "PLAT-1")]


def test_what_a_dead_worker_left_of_a_renaming_is_done(desk: Desk, here: str) -> None:
    desk.end(here, OLD)
    name = "INSERT INTO lightfast_space_names VALUES ('store-1', 'github', '101', '', {}, 5, 5)"
    desk.run(name.format(f"'{SITE}', '{WEB}'"))
    space = {"store_id": "store-1", "source_type": "github", "scope": "101", "space": ""}
    with transaction(desk.engine) as conn:
        binding.note(conn, {"renaming": space, "of": [here], "after": ""})
    bind_pending(desk.engine)
    assert list(desk.documents()) == [f"{SITE}#1"]
