"""Drafts: what of a whole object stands in the row, the references and the text."""

from __future__ import annotations

import pytest

from ingest.core.changes import Upsert
from ingest.core.folding import LedgerRow
from ingest.core.identity import Identity
from ingest.flows.documents.draft import Draft, draft
from ingest.flows.documents.render import Renders, StoreConfig

STORE = StoreConfig("store", "char-hash-1536", 1536, 512, 50, {"linear": {"ENG"}})


def drafted(
    body: str,
    *,
    title: str = "Broken",
    made_up: bool = False,
    links: tuple[str, ...] = (),
    branch: str | None = None,
) -> Draft:
    named = Identity("github", "101", "issue", "7")
    whole = Upsert(
        identity=named,
        version=1,
        source_id="halcyon/web#7",
        title=title,
        title_is_made_up=made_up,
        body=body,
        metadata={"type": "github"},
        parent=Identity("github", "101", "issue", "5"),
        links=links,
        branch=branch,
        home="halcyon/web",
    )
    row = LedgerRow("i", "i", "store", "github", "101", "issue", "7", "issue-7~0")
    return draft(Renders().render(whole, STORE), whole.metadata, row, None, store=STORE)


def keys(made: Draft) -> set[str]:
    return {reference.key for reference in made.rendered.references}


def test_front_matter_is_read_from_the_body_and_stays_in_the_text() -> None:
    made = drafted("---\nteam: payments\n---\nText")
    assert made.row["frontmatter"] == {"team": "payments"}
    assert "team: payments" in made.rendered.said.text


def test_a_title_that_is_made_up_mentions_nothing_and_any_other_does() -> None:
    """Bug: no title of a child counted, so that of a sub-page or of a translation said nothing."""
    title = "Like halcyon/web#5"
    assert keys(drafted("as in #6", title=title, made_up=True)) == {"halcyon/web#6"}
    assert keys(drafted("as in #6", title=title)) == {"halcyon/web#5", "halcyon/web#6"}


def test_nothing_refers_to_itself() -> None:
    assert keys(drafted("#7 is https://github.com/halcyon/web/issues/7, see #8")) == {
        "halcyon/web#8"
    }


def test_a_link_of_a_field_is_stated_by_the_field_and_wins_over_the_text() -> None:
    made = drafted("see #8", links=("https://github.com/halcyon/web/pull/8",))
    mention = next(r for r in made.rendered.references if r.kind == "mention")
    assert (mention.key, mention.origin) == ("halcyon/web#8", "field")


@pytest.mark.parametrize(
    ("branch", "named"),
    [
        ("jane/eng-12-fix-login", {"ENG-12"}),
        ("eng-12-fix-login", {"ENG-12"}),
        ("ENG-12", {"ENG-12"}),
        ("feature/ENG-12", {"ENG-12"}),
        ("fix#8", set()),
        ("utf-8-names", set()),
        ("release/1.2", set()),
    ],
)
def test_the_name_of_a_branch_names_what_its_source_reads_in_one(
    branch: str, named: set[str]
) -> None:
    found = drafted("No key here.", branch=branch).rendered.references
    assert {one.key for one in found} == named
    assert {(one.kind, one.origin, one.evidence) for one in found} <= {("mention", "field", branch)}


def test_a_long_branch_proves_what_it_names_with_its_beginning() -> None:
    """Evidence is bounded wherever it comes from; a branch's name may have 255 characters."""
    branch = f"eng-7-{'fix-' * 40}"
    (found,) = drafted("No key here.", branch=branch).rendered.references
    assert (found.key, found.evidence) == ("ENG-7", branch[:80])


def test_a_bare_key_counts_only_where_the_store_owns_its_prefix() -> None:
    assert keys(drafted("ENG-1 and UTF-8 and OPS-2")) == {"ENG-1"}
