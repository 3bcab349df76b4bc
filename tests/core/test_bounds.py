"""Bounds: what is within them is left alone, what is beyond is cut, visibly and for every order."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core import bounds
from ingest.core.bounds import (
    MARK,
    MAX_ALIASES,
    MAX_BODY_CHARS,
    MAX_HOME_CHARS,
    MAX_ITEMS,
    MAX_LINKS,
    MAX_METADATA_BYTES,
    MAX_REFERENCES,
    MAX_TITLE_CHARS,
    MAX_VALUE_CHARS,
    MAX_WORD_CHARS,
    bounded,
    bounded_event,
    cut_remark,
)
from ingest.core.changes import Delete, Field, Patch, Upsert, Withdraw
from ingest.core.evidence import EVIDENCE_CHARS
from ingest.core.identity import Identity
from ingest.core.references import Reference

NAMED = Identity("github", "101", "issue", "7")
REFERENCE = Reference("mention", "github", "halcyon/web#1", "field", "x")
scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=20)
metadata = st.dictionaries(
    st.text(max_size=5),
    st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)),
)


def whole(**told: Any) -> Upsert:
    given = {"version": 1, "source_id": "halcyon/web#7", "title": "T", "body": "B", "metadata": {}}
    return Upsert(NAMED, **{**given, **told})


@pytest.mark.parametrize(
    "change",
    [
        whole(
            title="x" * MAX_TITLE_CHARS,
            body="x" * MAX_BODY_CHARS,
            aliases=tuple(map(str, range(MAX_ALIASES))),
            links=("https://x.example",) * MAX_LINKS,
            references=(REFERENCE,) * MAX_REFERENCES,
            metadata={"a": "x" * (MAX_METADATA_BYTES - 8)},
            frontmatter={"a": "x" * (MAX_METADATA_BYTES - 8)},
            home="x" * MAX_HOME_CHARS,
            temporal={"commitSha": "x" * MAX_WORD_CHARS},
        ),
        Patch(NAMED, 1, {"a": Field("x" * (MAX_METADATA_BYTES - 8), "newest")}),
        Delete(NAMED, 1, aliases=("a",) * MAX_ALIASES),
        Withdraw(NAMED, 1),
    ],
    ids=["upsert", "patch", "delete", "withdraw"],
)
def test_what_is_within_the_bounds_is_left_as_it_is(change: Any) -> None:
    within = bounded(change)
    assert within.change is change
    assert within.cuts == ()


def test_a_longer_text_says_how_much_more_there_is() -> None:
    within = bounded(whole(body="x" * MAX_BODY_CHARS + "y" * 1_234))
    assert isinstance(within.change, Upsert)
    assert within.change.body == "x" * MAX_BODY_CHARS + "\n\n[… cut here: 1,234 more characters]"
    assert cut_remark(within.cuts) == "cut: the text after 1,048,576 of 1,049,810 characters"


def test_everything_that_is_too_much_is_cut_and_told() -> None:
    within = bounded(
        whole(
            title="t" * 9_999,
            aliases=tuple(map(str, range(MAX_ALIASES + 1))),
            links=tuple(map(str, range(MAX_LINKS + 2))),
            references=(REFERENCE,) * (MAX_REFERENCES + 3),
            metadata={"labels": ["x"] * 300_000},
        )
    )
    change = within.change
    assert isinstance(change, Upsert)
    assert change.title == "t" * MAX_TITLE_CHARS + MARK
    assert len(change.aliases) == MAX_ALIASES
    assert len(change.links) == MAX_LINKS
    assert len(change.references) == MAX_REFERENCES
    assert change.metadata["labels"] == ["x"] * MAX_ITEMS + [MARK]
    assert cut_remark(within.cuts) == (
        "cut: the title after 4,096 characters, the metadata after 256 KiB, "
        "1 of 101 former keys, 2 of 1,002 links, 3 of 10,003 references"
    )


def test_whatever_a_provider_lets_somebody_write_has_a_bound() -> None:
    """Bug: a text of ten thousand `#1`, and a repository's name of a mebibyte, were 10 GB."""
    long = "x" * 2**20
    proven = Reference("relatedTo", "notion", "a", "field", long)
    within = bounded(
        whole(
            home=f"halcyon/{long}",
            links=("https://x.example", f"https://x.example/{long}"),
            references=(REFERENCE, proven),
            frontmatter={"state": long},
            temporal={"commitSha": long, "deploymentId": "dpl_1"},
            branch=f"halcyon/{long}",
        )
    )
    change = within.change
    assert isinstance(change, Upsert)
    assert change.home is None
    assert change.links == ("https://x.example",)
    assert [r.evidence for r in change.references] == ["x", "x" * EVIDENCE_CHARS]
    assert change.frontmatter == {"state": "x" * MAX_VALUE_CHARS + MARK}
    assert change.temporal == {"deploymentId": "dpl_1"}
    assert cut_remark(within.cuts) == (
        "cut: the front matter after 256 KiB, "
        "a name of 1,048,584 characters, so that no bare reference counts, "
        "a branch's name of 1,048,584 characters, "
        "what it belongs to, of over 255 characters, "
        "1 links of over 2,048 characters, evidence after 80 characters"
    )
    assert len(repr(change)) < 3 * MAX_VALUE_CHARS


def test_a_patch_and_a_deletion_have_bounds_too() -> None:
    patch = bounded(Patch(NAMED, 1, {"tags": Field(["y" * 20_000] * 50, "union")}))
    assert isinstance(patch.change, Patch)
    assert patch.change.fields["tags"].merge == "union"
    assert len(orjson.dumps(patch.change.fields["tags"].value)) <= 1.1 * MAX_METADATA_BYTES
    gone = bounded(Delete(NAMED, 1, aliases=("a",) * 101))
    assert isinstance(gone.change, Delete)
    assert len(gone.change.aliases) == MAX_ALIASES
    assert (len(patch.cuts), len(gone.cuts)) == (1, 1)


def test_the_metadata_of_an_event_keeps_its_fields_whatever_is_written_into_them() -> None:
    event = bounded_event({"type": "github", "sender": "x" * 9_000_000, "action": "y" * 9_000})
    assert event["type"] == "github"
    assert event["sender"] == "x" * MAX_VALUE_CHARS + MARK
    assert event["action"] == "y" * MAX_VALUE_CHARS + MARK


@settings(max_examples=40)
@given(metadata)
def test_cut_metadata_keeps_its_names_and_types_and_is_within_reach(told: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounds, "MAX_METADATA_BYTES", 64)
        cut = bounded(whole(metadata=told)).change
        assert isinstance(cut, Upsert)
        again = bounded(cut).change
    assert [*cut.metadata] == [*told]
    assert all(type(cut.metadata[name]) is type(told[name]) for name in told)
    own_bytes = sum(len(orjson.dumps(name)) + 8 for name in told)
    assert len(orjson.dumps(cut.metadata, default=dict)) <= 64 + 4 * 20 + 2 * own_bytes
    assert isinstance(again, Upsert)
