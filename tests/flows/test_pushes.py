"""Pushes through the whole path: delivery, look-up of the branch, documents, and what intervenes.

The law of each: in the end the documents are what the branch holds and the connections want.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.sources.contract import OUTSIDE_FILTER
from ingest.sources.github import contents
from ingest.sources.github.demo.fake_git import FOLDER, REGULAR, SUBMODULE, SYMLINK, Entry, File
from ingest.sources.github.globs import DEFAULT_INCLUDE
from ingest.store import conditions
from ingest.store.engine import transaction
from ingest.testing.fakes import Answer, Trouble
from tests.factories import METADATA, connect
from tests.flows.asking_github import AT, ID, Works, told, works
from tests.flows.halcyon import Sent, deliver

pytestmark = [pytest.mark.integration, pytest.mark.once]

GUIDE = "---\ntitle: The guide\nowner: ann\n---\n# Never mind\n\nSee the docs.\n"
ENDED = ("processed", "looked up")


def outside(*globs: str) -> tuple[str, str]:
    """How a push ends that changes no file which these want."""
    said = f"nothing changed in a file that fits the globs {', '.join(globs)}"
    return ("processed", f"looked up; {OUTSIDE_FILTER}: {said}")


@pytest.fixture
def desk(engine: sa.Engine) -> Iterator[Works]:
    with works(engine) as made:
        yield made


def aliases(desk: Works, path: str) -> set[str]:
    rows = desk.rows(
        "SELECT a.alias FROM lightfast_document_aliases a"
        " JOIN lightfast_docs_documents d ON d.id = a.document_id WHERE d.source_id = :path",
        path=path,
    )
    return {row["alias"] for row in rows}


def feeders(desk: Works, path: str) -> set[str]:
    rows = desk.rows(
        "SELECT f.connection_id AS id FROM lightfast_document_feeds f"
        " JOIN lightfast_docs_documents d ON d.id = f.document_id"
        " WHERE d.source_id = :path AND f.feeding",
        path=path,
    )
    return {row["id"] for row in rows}


def test_the_row_of_a_file_says_what_the_seed_says(desk: Works) -> None:
    desk.open()
    push = desk.push({"docs/guide.md": GUIDE})
    assert desk.end(push) == [ENDED]
    row = desk.document("docs/guide.md")
    assert row["source_metadata"] == {
        "type": "github",
        "path": "docs/guide.md",
        "commitSha": push.body["after"],
        "committedAt": "2026-03-02T14:00:00.000Z",
        "repoFullName": "halcyon/web",
        "branch": "main",
    }
    assert row["frontmatter"] == {"title": "The guide", "owner": "ann"}
    assert aliases(desk, "docs/guide.md") == {"halcyon/web:docs/guide.md"}


def deployed(project: str, commit: str) -> Sent:
    """What Vercel sends when a commit of the repository is live."""
    body = {
        "id": f"live-{commit}",
        "type": "deployment.succeeded",
        "createdAt": 1_772_460_000_000,
        "payload": {
            "team": {"id": None},
            "deployment": {
                "id": "dpl_L1veL1veL1veL1veL1veL1ve",
                "url": "web-l1vel1ve9-halcyon.vercel.app",
                "name": "web",
                "meta": {"githubCommitSha": commit},
            },
            "target": "production",
            "project": {"id": project, "name": "web"},
        },
    }
    return Sent("vercel", body)


@pytest.mark.parametrize("deployed_first", [True, False])
def test_what_a_push_touched_is_shown_with_the_deployment_that_brought_it(
    desk: Works, deployed_first: bool
) -> None:
    desk.open()
    desk.end(desk.push({"a.md": "one\n", "b.md": "two\n"}))
    push = desk.push({"b.md": "three\n"})
    vercel = connect(desk.engine, "vercel", stores=[desk.store])
    project = str(METADATA["vercel"]["vercelProjectId"])
    live = deployed(project, push.body["after"])

    def deploy() -> None:
        with transaction(desk.engine) as conn:
            deliver(conn, vercel, live)
        desk.work()

    if deployed_first:
        deploy()
    desk.end(push)
    if not deployed_first:
        deploy()
    shown = {path: desk.document(path)["relationships"] for path in ("a.md", "b.md")}
    commit = push.body["after"]
    found = {"commitSha": commit, "deploymentId": "dpl_L1veL1veL1veL1veL1veL1ve"}
    assert shown == {"a.md": None, "b.md": {"temporal": found}}


def test_one_push_may_add_change_and_remove(desk: Works) -> None:
    desk.open()
    desk.end(desk.push({"a.md": "one\n", "b.md": "two\n", "c.md": "three\n"}))
    push = desk.push({"a.md": "one, changed\n", "b.md": None, "d.md": "four\n", "e.txt": "five\n"})
    assert desk.end(push) == [ENDED]
    assert desk.files() == {
        "a.md": "one, changed",
        "c.md": "three",
        "d.md": "four",
        "e.txt": "five",
    }


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("between", [(), (0,), (1,), (0, 1)])
def test_pushes_in_any_order_with_look_ups_between_end_at_the_head(
    desk: Works, order: Sequence[int], between: Sequence[int]
) -> None:
    desk.open()
    pushes = [
        desk.push({"a.md": "one\n", "b.md": "two\n"}),
        desk.push({"a.md": None, "b.md": "two, changed\n"}),
        desk.push({"a.md": "one again\n"}),
    ]
    for at, index in enumerate(order):
        desk.deliver(pushes[index])
        desk.work()
        if at in between:
            desk.look_up()
    desk.look_up()
    assert desk.files() == {"a.md": "one again", "b.md": "two, changed"}


def test_look_ups_that_see_each_state_in_between_follow_it(desk: Works) -> None:
    desk.open()
    desk.end(desk.push({"a.md": "one\n"}))
    desk.end(desk.push({"a.md": None}))
    assert desk.paths() == set()
    desk.end(desk.push({"a.md": "one\n"}))
    assert desk.paths() == {"a.md"}


def test_a_force_push_drops_what_it_left_out(desk: Works) -> None:
    desk.open()
    desk.end(desk.push({"a.md": "one\n", "b.md": "two\n"}))
    assert desk.end(desk.force({"b.md": "two, forced\n", "c.md": "three\n"})) == [ENDED]
    assert desk.paths() == {"b.md", "c.md"}
    desk.github.repositories[ID].git.collect()
    desk.end(desk.push({"d.md": "four\n"}))
    assert desk.paths() == {"b.md", "c.md", "d.md"}


@pytest.mark.parametrize("new_text", ["The whole text.\n", "The whole text, changed.\n"])
def test_a_renamed_file_is_one_document_that_its_old_path_finds(desk: Works, new_text: str) -> None:
    desk.open()
    desk.end(desk.push({"old/page.md": "The whole text.\n", "x.md": "Other.\n"}))
    (before,) = desk.rows("SELECT id FROM lightfast_docs_documents WHERE source_id = 'old/page.md'")
    desk.end(desk.push({"old/page.md": None, "new/page.md": new_text}))
    assert desk.paths() == {"new/page.md", "x.md"}
    orphans = desk.rows(
        "SELECT 1 FROM lightfast_document_chunks c"
        " LEFT JOIN lightfast_docs_documents d ON d.id = c.document_id WHERE d.id IS NULL"
        " OR c.document_id = :id",
        id=before["id"],
    )
    assert orphans == []
    assert {"old/page.md", "halcyon/web:old/page.md"} <= aliases(desk, "new/page.md")
    desk.end(desk.push({"old/page.md": "A new one.\n"}))
    assert desk.paths() == {"new/page.md", "old/page.md", "x.md"}


def test_other_branches_and_tags_change_nothing(desk: Works) -> None:
    desk.open()
    desk.end(desk.push({"a.md": "one\n"}))
    (ended,) = desk.end(desk.push({"b.md": "two\n"}, "next"))
    assert ended[0] == "skipped"
    asked = len(desk.fake.requests)
    gone = told("push", desk.github.delete_branch(ID, "next"))
    (ended,) = desk.end(gone)
    assert ended[0] == "skipped"
    assert (desk.paths(), len(desk.fake.requests)) == ({"a.md"}, asked)


def test_another_default_branch_brings_its_own_files(desk: Works) -> None:
    desk.open()
    desk.end(desk.push({"a.md": "one\n", "b.md": "two\n"}))
    desk.push({"b.md": "two\n", "c.md": "three\n"}, "trunk")
    desk.github.repositories[ID].default_branch = "trunk"
    event = desk.about("edited", changes={"default_branch": {"from": "main"}})
    assert desk.end(event) == [ENDED]
    assert desk.paths() == {"b.md", "c.md"}
    assert {desk.document(p)["source_metadata"]["branch"] for p in ("b.md", "c.md")} == {"trunk"}
    (ended,) = desk.end(desk.push({"z.md": "Nobody follows me.\n"}, "main"))
    assert (ended[0], desk.paths()) == ("skipped", {"b.md", "c.md"})
    desk.end(desk.push({"d.md": "four\n"}, "trunk"))
    assert desk.paths() == {"b.md", "c.md", "d.md"}


def test_a_renamed_default_branch_is_the_files_branch_from_then_on(desk: Works) -> None:
    desk.open()
    desk.end(desk.push({"a.md": "one\n", "b.md": "two\n"}))
    desk.github.rename_branch(ID, "main", "trunk")
    event = desk.about("edited", changes={"default_branch": {"from": "main"}})
    assert desk.end(event) == [ENDED]
    assert {desk.document(p)["source_metadata"]["branch"] for p in ("a.md", "b.md")} == {"trunk"}
    desk.end(desk.push({"a.md": "one, changed\n"}, "trunk"))
    assert desk.files()["a.md"] == "one, changed"


def test_a_renamed_repository_is_known_by_its_new_name(desk: Works) -> None:
    desk.open()
    desk.end(desk.push({"a.md": "one\n", "b.md": "two\n"}))
    desk.github.rename(ID, "halcyon/site")
    desk.end(desk.push({"a.md": "one, changed\n"}))
    names = {desk.document(p)["source_metadata"]["repoFullName"] for p in ("a.md", "b.md")}
    assert names == {"halcyon/site"}
    assert {"halcyon/site:b.md", "halcyon/web:b.md"} <= aliases(desk, "b.md")


def test_a_deleted_branch_of_its_own_takes_its_files_and_brings_them_back(desk: Works) -> None:
    desk.open(branch="docs")
    desk.end(desk.push({"m.md": "main\n"}))
    desk.end(desk.push({"a.md": "one\n"}, "docs"))
    assert desk.paths() == {"a.md"}
    assert desk.end(told("push", desk.github.delete_branch(ID, "docs"))) == [ENDED]
    assert desk.paths() == set()
    desk.end(desk.push({"a.md": "one\n"}, "docs"))
    assert desk.paths() == {"a.md"}


def test_narrowed_globs_withdraw_and_wider_ones_bring_back(desk: Works) -> None:
    desk.open()
    desk.end(desk.push({"docs/a.md": "one\n", "b.md": "two\n"}))
    desk.end(desk.push({"lightfast.yml": "include:\n  - docs/**\n"}))
    assert desk.paths() == {"docs/a.md"}
    (ended,) = desk.end(desk.push({"lightfast.yml": "include: [\n:::"}))
    assert (ended, desk.paths()) == (outside("docs/**"), {"docs/a.md"})
    desk.end(desk.push({"lightfast.yml": "include:\n  - '**/*.md'\n"}))
    assert desk.paths() == {"docs/a.md", "b.md"}
    desk.end(desk.push({"lightfast.yml": "exclude:\n  - docs/\n"}))
    assert desk.paths() == {"b.md"}
    desk.end(desk.push({"lightfast.yml": None}))
    assert desk.paths() == {"docs/a.md", "b.md"}


def test_a_broken_configuration_is_shown_with_the_connection_until_it_is_mended(
    desk: Works,
) -> None:
    connection = desk.open()

    def problem() -> str | None:
        with transaction(desk.engine) as conn:
            found: str | None = conditions.read(conn, connection).get("problem")
            return found

    hostile = "include:" + "".join(f"\n- '{'*a' * 200}{n}'" for n in range(60))
    assert desk.end(desk.push({"lightfast.yml": hostile, "a.md": "one\n"})) == [ENDED]
    assert (problem() or "").startswith("lightfast.yml is broken: the globs have more than 4096")
    desk.end(desk.push({"a.md": "one, changed\n"}))
    assert (problem() or "").startswith("lightfast.yml is broken: "), "as long as it is so"
    assert desk.files() == {"a.md": "one, changed"}
    desk.end(desk.push({"lightfast.yml": "include:\n  - '*.md'\n"}))
    assert problem() is None


def test_a_mended_configuration_takes_back_nothing_that_somebody_else_told(desk: Works) -> None:
    connection = desk.open()
    desk.end(desk.push({"lightfast.yml": "- broken", "a.md": "one\n"}))
    with transaction(desk.engine) as conn:
        conditions.flag(conn, connection, "the repository was deleted")
    desk.end(desk.push({"lightfast.yml": "include: a.md"}))
    with transaction(desk.engine) as conn:
        assert conditions.read(conn, connection)["problem"] == "the repository was deleted"


def test_a_repository_that_is_too_large_ends_its_push_with_the_remedy(
    desk: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MOST_ENTRIES", 5_000)
    desk.open()
    git = desk.github.repositories[ID].git
    push = desk.push({"a.md": "one\n"})
    below = git.put(Entry(f"{n}.py", REGULAR, "5f" * 20, 1) for n in range(100))
    git.plant("main", (Entry(f"d{n}", FOLDER, below) for n in range(60)), at=AT)
    ((status, why),) = desk.end(push)
    assert status == "dead"
    assert "halcyon/web has more than 5000 files and folders" in (why or "")


def test_what_another_connection_wants_stays(desk: Works) -> None:
    docs = desk.open(include=["docs/**"])
    everything = desk.open()
    desk.end(desk.push({"docs/a.md": "one\n", "b.md": "two\n"}))
    assert desk.paths() == {"docs/a.md", "b.md"}
    assert feeders(desk, "docs/a.md") == {docs, everything}
    assert feeders(desk, "b.md") == {everything}
    desk.end(desk.push({"lightfast.yml": "exclude:\n  - docs/\n"}))
    assert desk.paths() == {"docs/a.md", "b.md"}
    assert feeders(desk, "docs/a.md") == {docs}
    desk.end(desk.push({"docs/a.md": "one, changed\n"}))
    assert desk.files()["docs/a.md"] == "one, changed"
    desk.end(desk.push({"lightfast.yml": "include:\n  - none\n"}))
    assert desk.paths() == {"docs/a.md"}
    desk.end(desk.push({"docs/a.md": None}))
    assert desk.paths() == set()
    desk.end(desk.push({"docs/a.md": "one\n", "lightfast.yml": None}))
    assert desk.paths() == {"docs/a.md", "b.md"}
    assert feeders(desk, "docs/a.md") == {docs, everything}


def test_what_is_no_text_is_no_document_and_goes_where_it_was_one(desk: Works) -> None:
    desk.open()
    odd: dict[str, Any] = {
        "lfs.md": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        "binary.md": b"\x00\x01",
        "latin.md": "Stra\xdfe\n".encode("latin-1"),
        "huge.md": b"a" * (2**20 + 1),
        "link.md": File(b"a.md", SYMLINK),
        "module.md": File(b"a" * 40, SUBMODULE),
    }
    assert desk.end(desk.push({"a.md": "one\n", **odd})) == [ENDED]
    assert desk.paths() == {"a.md"}
    desk.end(desk.push(dict.fromkeys(odd, "Now a text.\n")))
    assert desk.paths() == {"a.md", *odd}
    desk.end(desk.push(odd))
    assert desk.paths() == {"a.md"}
    desk.end(desk.push({"a.md": File(b"one\n", REGULAR)}))
    assert desk.paths() == {"a.md"}


def test_an_empty_repository_and_an_empty_commit_are_no_trouble(desk: Works) -> None:
    desk.open()
    nothing = {"ref": "refs/heads/main", "before": "0" * 40, "after": "1" * 40, "commits": []}
    here = desk.about("created").body["repository"]
    assert desk.end(told("push", {**nothing, "repository": here})) == [ENDED]
    desk.end(desk.push({"a.md": "one\n"}))
    assert desk.end(desk.push({})) == [outside(*DEFAULT_INCLUDE)]
    assert desk.paths() == {"a.md"}


def test_a_rate_limit_among_many_files_keeps_the_progress_and_doubles_nothing(
    desk: Works,
) -> None:
    desk.open()
    desk.github.remaining = 5
    (id_,) = desk.deliver(desk.push({f"docs/{n:03d}.md": f"File {n}\n" for n in range(300)}))
    desk.work()
    for _ in range(3):
        desk.look_up()
    read = len(desk.paths())
    assert 100 <= read < 300
    assert desk.delivery(id_)[0] == "pending"
    desk.github.remaining = None
    for _ in range(4):
        desk.look_up()
    assert len(desk.paths()) == 300
    assert desk.delivery(id_) == ENDED
    assert desk.asked("/graphql") <= 4
    (counted,) = desk.rows("SELECT count(*) AS n FROM lightfast_docs_documents")
    assert counted["n"] == 300


def test_content_that_vanished_is_not_the_end_of_the_push(desk: Works) -> None:
    desk.open()
    desk.end(desk.push({"a.md": "one\n"}))
    lost = Answer(404, {"message": "Not Found"})
    desk.fake.troubles += [Trouble(lost, "/graphql"), Trouble(lost, "/git/blobs/")]
    (id_,) = desk.deliver(desk.push({"b.md": "two\n", "c.md": "three\n"}))
    desk.work()
    desk.look_up()
    assert desk.delivery(id_)[0] == "pending"
    desk.force({"c.md": "three\n", "a.md": "one\n"})
    desk.github.repositories[ID].git.collect()
    desk.look_up()
    assert desk.delivery(id_) == ENDED
    assert desk.paths() == {"a.md", "c.md"}


def test_a_worker_that_dies_between_two_sights_leaves_nothing_undone(desk: Works) -> None:
    desk.open()
    (id_,) = desk.deliver(desk.push({f"docs/{n:03d}.md": f"File {n}\n" for n in range(350)}))
    desk.work()
    desk.look_up(rounds=1)
    assert 0 < len(desk.paths()) < 350
    with transaction(desk.engine) as conn:
        conn.execute(
            sa.text(
                "UPDATE lightfast_lookups SET lease_until = now() - interval '1 s',"
                " missed_at = now() - interval '1 min',"
                " lease_token = gen_random_uuid(), next_attempt_at = now()"
            )
        )
    desk.deliver(desk.push({"docs/000.md": None, "docs/349.md": "Changed.\n"}))
    desk.work()
    desk.look_up()
    desk.look_up()
    assert desk.delivery(id_) == ENDED
    assert len(desk.paths()) == 349
    assert desk.files()["docs/349.md"] == "Changed."


def test_nine_hundred_files_cost_a_request_for_each_hundred_and_a_few_more(desk: Works) -> None:
    desk.open()
    desk.deliver(desk.push({f"d{n % 30}/{n}.md": f"# File {n}\n" for n in range(900)}))
    desk.work()
    for _ in range(10):
        desk.look_up(rounds=500)
    assert len(desk.paths()) == 900
    assert desk.asked("/graphql") == 9
    assert len(desk.fake.requests) <= 9 + 1 + 3 * 2


def test_two_payloads_of_one_time_that_differ_are_decided_by_one_look_up(desk: Works) -> None:
    desk.open()
    here = desk.about("created").body["repository"]
    issue = {"id": 9, "number": 12, "state": "open", "updated_at": AT, "created_at": AT}
    one, other = ({**issue, "title": title, "body": title} for title in ("One", "Other"))
    desk.github.put(ID, "issue", {**issue, "title": "The truth", "body": "As GitHub has it."})
    for title in (one, other):
        desk.deliver(
            told("issues", {"action": "edited", "issue": title, "repository": here}),
        )
    desk.work()
    desk.look_up()
    (row,) = desk.rows("SELECT source_metadata ->> 'title' AS title FROM lightfast_docs_documents")
    assert row["title"] == "The truth"
    assert desk.asked("/issues/12") == 1


def test_a_payload_does_not_lift_what_a_look_up_saw_gone(desk: Works) -> None:
    desk.open()
    here = desk.about("created").body["repository"]
    issue = {"id": 9, "number": 12, "state": "open", "title": "T", "created_at": AT}
    later = "2026-03-02T15:00:00Z"

    def sent(at: str, **more: Any) -> Any:
        return told(
            "issues",
            {"action": "edited", "issue": {**issue, "updated_at": at} | more, "repository": here},
        )

    desk.end(sent(AT))
    assert desk.rows("SELECT 1 FROM lightfast_docs_documents") != []
    blocked = {"issue_dependencies_summary": {"total_blocked_by": 1}}
    desk.deliver(sent(AT, **blocked))
    desk.work()
    with transaction(desk.engine) as conn:
        conn.execute(sa.text("UPDATE lightfast_lookups SET patient_until = now()"))
    desk.look_up()
    assert desk.rows("SELECT 1 FROM lightfast_docs_documents") == []
    desk.fake.requests.clear()
    desk.deliver(sent(later))
    desk.work()
    assert desk.rows("SELECT 1 FROM lightfast_docs_documents") == []
    with transaction(desk.engine) as conn:
        conn.execute(sa.text("UPDATE lightfast_lookups SET patient_until = now()"))
    desk.look_up()
    assert desk.asked("/issues/12") == 1
    assert desk.rows("SELECT 1 FROM lightfast_docs_documents") == []
