"""References: which words make one, in which order they come, and what never makes one."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.references import (
    Context,
    Mention,
    Reference,
    Syntax,
    distinct,
    extract,
    keep_owned,
    relationships,
)
from tests.core.tracking import FORGE, FORGED, TRACKER, edges, mentioned, references

KEYS = ("T-1", "!2", "T-30", "https://tracker.test/T-4", "https://x.test/")
WORDS = ("fixes ", "Closes: ", "not ", "see also ", "blocked by ", ", ", " and ", "word", "日本")
CODE = ("    ", "\t", "- ", "> ", "```", "~~~", "`", "``", "<!--", "-->", "<code>", "</code>")
MARKS = ("\n", "\n\n", "\r\n", "\u2028", "\x00", "\ud800", "[", "](", ")", "(", "#", ":", ".", "\\")
SCRAPS = st.sampled_from((*KEYS, *WORDS, *CODE, *MARKS, "<a href='", "</a>"))
HOSTILE = (
    *("[a]: https://x.test/T-1\n", "[a][b]", "[a][]", "[1] https://", "[1] ", "]: ", "[a]:\n"),
    *("https://x,https://", "T-1 did not ", "T-1 did not fix ", "more info can be found in T-1 "),
    *("!", "!1 ", "T-1 ", "-T", "T-", "fixes T-1 ", "fixes T-1,", "fix: (!1) ", "(!1)", "**", " "),
    *("`a``b```c", "```\n", "> T\n", "    T\n\n", "- [ ] T-1\n", "1. \n", "  \n", "<a ", "w"),
    *('<a href="https://', "<a href='https://x'>y", "[a", "[a]", "[[a]", "[a](https://x/1)"),
    *("https://", "https://x.test/(", "https://x.test/T-1 "),
)
texts = st.lists(SCRAPS | st.text(max_size=3), max_size=40).map("".join)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Fixes T-1", "resolves"),
        ("this FIXES: T-1.", "resolves"),
        ("a partial fix for T-1", "resolves"),
        ("Should resolve\nT-1", "resolves"),
        ("Closes issue T-1", "resolves"),
        ("**Closes** T-1", "resolves"),
        ("_Closes_ T-1", "resolves"),
        ("_It closes T-1_", "resolves"),
        ("It is blocked by T-1", "blockedBy"),
        ("Depends on T-1", "dependsOn"),
        ("Depends-On: T-1", "dependsOn"),
        ("stacked on top of T-1", "dependsOn"),
        ("requires pull request T-1", "dependsOn"),
        ("Part of T-1", "relatedTo"),
        ("A follow-up to T-1", "relatedTo"),
        ("(see also T-1)", "relatedTo"),
        ("Related issue: T-1", "relatedTo"),
        ("Supersedes T-1", "relatedTo"),
        ("Supercedes: T-1", "relatedTo"),
        ("superseded by T-1", "relatedTo"),
        ("Replaces T-1", "relatedTo"),
        ("a replacement for T-1", "relatedTo"),
        ("Obsoletes T-1", "relatedTo"),
        ("More info at https://tracker.test/T-1", "relatedTo"),
        ("More details here: T-1", "relatedTo"),
        ("More details here:\nhttps://tracker.test/T-1", "relatedTo"),
        ("For more information, see T-1", "relatedTo"),
        ("Further details can be found in T-1", "relatedTo"),
        ("additional context: T-1", "relatedTo"),
        ("It helps with bugs like: T-1", "relatedTo"),
        ("a continuation of T-1", "relatedTo"),
        ("Addresses T-1", "relatedTo"),
        ("T-1 did not fix the totals", "relatedTo"),
        ("[T-1](https://tracker.test/T-1) doesn’t fully\naddress this", "relatedTo"),
        ("Ref. T-1", "relatedTo"),
        ("cf. T-1", "relatedTo"),
        ("Closing in favor of T-1", "relatedTo"),
        ("More information can be found here: T-1", "relatedTo"),
        ("Read more at https://tracker.test/T-1", "relatedTo"),
        ("Dup of T-1", "relatedTo"),
        ("See the discussion in T-1", "relatedTo"),
        ("Re: T-1", "relatedTo"),
        ("Follow-up PR to T-1", "relatedTo"),
        ("followup for T-1", "relatedTo"),
        ("A follow-up to your previous request T-1", "relatedTo"),
        ("Depends on the issue T-1", "dependsOn"),
        ("Reverts T-1", "relatedTo"),
        ("Resolves Tracker T-1", "resolves"),
        ("Fixes tracker issue T-1", "resolves"),
        ("## Related\n- Tracker issue: T-1", "relatedTo"),
        ("Waiting for T-1", "blockedBy"),
        ("Blocked until T-1", "blockedBy"),
        ("Builds on T-1", "relatedTo"),
        ("It does not add up\nFixes T-1", "resolves"),
        ("what they fail to see\nfixes T-1", "resolves"),
        ("It not only fixes T-1", "resolves"),
        ("It instead fixes T-1", "resolves"),
        ("towards T-1", "relatedTo"),
        ("Ref: https://tracker.test/T-1", "relatedTo"),
        ("Fixes [T-1: totals](https://tracker.test/T-1)", "resolves"),
        ("## Related issues\n\n- T-1", "relatedTo"),
        ("Closes:\n\n* [ ] T-1", "resolves"),
        ("Fixes <!-- the number goes here --> T-1", "resolves"),
        ("Fixes\u00a0T-1", "resolves"),
        ("Fixes\uff1aT-1", "resolves"),
        ("Depends on the project T-1", "dependsOn"),
        ("See the page: https://tracker.test/T-1", "relatedTo"),
    ],
)
def test_a_keyword_right_before_a_mention_makes_an_edge(text: str, kind: str) -> None:
    assert edges(text) == [(kind, "T-1")]
    assert mentioned(text) == ["T-1"]


@pytest.mark.parametrize(
    "text",
    [
        "T-1 fixed the totals",
        "Fixed in T-1",
        "The fix: T-1",
        "Preview of the fix: https://tracker.test/T-1",
        "Depends on the T-1",
        "fixed by T-1",
        "prefix T-1",
        "hot-fix T-1",
        "unblock T-1",
        "It does not fix T-1",
        "It does not\nfix T-1",
        "It failed to fix T-1",
        "unable to close T-1",
        "It neither fixes T-1",
        "This doesnt fix T-1",
        "instead of fixing T-1",
        "rather than fix T-1",
        "T-1 did fix the totals",
        "similar T-1",
        "more T-1",
        "Resolves Forge T-1",
        "## Related\n- Note: T-1",
        "Fixes:\n- the totals, see also: what T-1 says",
        "This doesn’t fully fix T-1",
        "no longer blocked by T-1",
        "fix(T-1): totals",
        "Repair references (T-1)",
        "Login fix - T-1",
        "We will fix. T-1 is another matter",
        "Things to fix\n\nT-1 is one of them",
        "- what we cannot close\n- T-1",
        'Revert "fix T-1"',
        "Fixes `the totals` T-1",
        "jane/fix-T-1-totals",
    ],
)
def test_words_that_do_not_speak_of_a_mention_make_no_edge(text: str) -> None:
    assert edges(text) == []
    assert mentioned(text) == ["T-1"]


def test_a_negation_ends_with_its_sentence() -> None:
    assert edges("It does not hang. Fixes T-1") == [("resolves", "T-1")]
    assert edges("Do not hang\n\nFixes T-1") == [("resolves", "T-1")]


@pytest.mark.parametrize(
    "text",
    [
        "Fixes T-1, T-2 and T-3",
        "Fixes T-1, T-2, and T-3.",
        "Fixes T-1 & T-2 / T-3",
        "Fixes T-1 \u00b7 T-2 \u00b7 T-3",
        "Fixes T-1 (the totals), T-2 (the sums) and T-3",
        "Fixes T-1\nFixes T-2\nFixes T-3",
        "Fixes:\nT-1\nT-2 (the sums)\nT-3",
        "### Fixes\n\n**T-1**,\r\n[T-2](https://tracker.test/T-2)\r\nT-3",
        "Fixes:\n- T-1 the totals\n- T-2 the sums\n- T-3",
        "## Fixes\n\n- Ticket: T-1\n- **Tracker**: T-2\n* PR: [T-3](https://tracker.test/T-3)",
        "Fixes https://tracker.test/T-1/slug, [T-2](https://tracker.test/T-2) and T-3",
    ],
)
def test_a_list_shares_its_keyword(text: str) -> None:
    assert edges(text) == [("resolves", "T-1"), ("resolves", "T-2"), ("resolves", "T-3")]


def test_a_list_ends_where_other_words_come() -> None:
    assert edges("Fixes T-1, which broke T-2") == [("resolves", "T-1")]
    assert edges("Fixes T-1\n\nT-2") == [("resolves", "T-1")]
    assert edges("- Fixes T-1\n- T-2 is next") == [("resolves", "T-1")]
    assert edges("Fixes\nT-1 at last.\nT-2") == [("resolves", "T-1")]
    assert edges("Fixes T-1\nT-2") == [("resolves", "T-1")]
    assert edges("Nothing new (see T-1), T-2 (fixes [T-3]), T-4") == [
        ("relatedTo", "T-1"),
        ("resolves", "T-3"),
    ]


def test_a_source_that_closes_singly_wants_a_closing_keyword_for_each() -> None:
    assert edges("Fixes !1, !2") == [("resolves", "acme/pay#1")]
    assert edges("Fixes !1, T-2") == [("resolves", "acme/pay#1"), ("resolves", "T-2")]
    assert edges("See !1, !2") == [("relatedTo", "acme/pay#1"), ("relatedTo", "acme/pay#2")]


def test_what_is_based_on_a_thing_at_home_depends_on_it() -> None:
    assert edges("Based on !1") == [("dependsOn", "acme/pay#1")]
    assert edges("Based on T-1") == [("relatedTo", "T-1")]


def test_a_source_has_words_of_its_own_in_repositories() -> None:
    assert edges("Finishes T-1") == [("resolves", "T-1")]
    assert edges("Finishes !1") == []
    elsewhere = references("Finishes T-1", Context("tracker"))
    assert [r.kind for r in elsewhere] == ["mention"]


def test_a_word_may_take_a_mention_back_wherever_it_stands() -> None:
    assert references("T-1 again. Fixes T-1. Omit T-1") == ()
    assert mentioned("Omit T-1, but T-2 counts") == ["T-2"]


@pytest.mark.parametrize(
    "text",
    [
        "```\nT-1\n```",
        "~~~~ text\nT-1\n~~~\nT-2\n~~~~",
        "```\nnever closed T-1",
        "- item\n\n  ```\n  T-1\n  ```",
        "`T-1` and ``a ` T-1``",
        "`over\ntwo lines T-1`",
        "text\n\n    T-1\n\n    T-2",
        "\tT-1",
        "> T-1\n>> T-2",
        "<!-- T-1\n\nT-2 --> done",
        "<!-- T-1 without an end\n\nT-2",
        "<pre>T-1</pre> <code>T-2</code>",
        "<blockquote>\nT-1\n</blockquote>",
        "Thanks.\n\n-----Original Message-----\nFrom: Ann\n\nT-1",
        "Thanks.\n\n________________________________\n**From:** Ann\nTo: Ben\n\nT-1",
    ],
)
def test_code_comments_and_quotations_say_nothing(text: str) -> None:
    assert references(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "`x` T-1 `y`",
        "a ` alone, T-1",
        "`open\n\nT-1` another paragraph",
        "\\`T-1\\`",
        "```\nx\n```\nT-1",
        "para\n    T-1 is a continuation",
        "- item\n\n    T-1 belongs to the item",
        "> [!NOTE]\n> T-1",
        "<!-- x --> T-1",
        "a <!-- that never ends T-1",
        "<code> that never ends T-1",
        "-----Original Message-----\nFrom: Ann\n\nT-1, passed on",
        "The Original Message said T-1",
        "a\n\n______________\n\nT-1 below a line",
    ],
)
def test_prose_beside_code_is_prose(text: str) -> None:
    assert mentioned(text) == ["T-1"]


def test_a_bare_key_in_a_url_names_nothing() -> None:
    assert mentioned("https://x.test/browse/T-1") == []
    assert mentioned("https://x.test/wiki/A_(b)/T-1, T-2") == ["T-2"]


def test_a_label_names_what_its_link_points_at() -> None:
    assert mentioned("[T-1](https://x.test/browse/T-1)") == []
    assert mentioned("[!1](https://x.test/2)") == []
    assert mentioned('<a href="https://x.test/1">T-1</a>') == []
    assert mentioned("[T-1: the totals](https://x.test/pull/2)") == ["T-1"]
    assert mentioned("[T-1: the totals](https://x.test/pull/12)") == ["T-1"]
    assert mentioned("[T-1](https://x.test/browse/T-1-the-totals)") == []
    assert mentioned("[T-1](https://tracker.test/T-1)") == ["T-1"]
    assert mentioned("[!1](../issues/1)") == ["acme/pay#1"]


def test_a_key_that_a_url_names_needs_no_owner() -> None:
    found = references("Fixes T-1, see https://tracker.test/T-1")
    assert {r.prefix for r in found} == {None}
    assert keep_owned(found, {}) == found


def test_one_target_that_two_prefixes_name_counts_for_either_owner() -> None:
    def find(text: str, _context: Context) -> Iterator[Mention]:
        for at in (text.index("a:"), text.index("b:")):
            yield Mention(at, at + 3, "desk", "#1", "text", text[at])

    found = extract("a:1 and b:1", Context("forge"), (Syntax("desk", find),))
    assert [r.prefix for r in found] == ["a", "b"]
    for owner in "ab":
        assert [r.prefix for r in keep_owned(found, {}, {"desk": {owner}})] == [owner]
    assert len(distinct(found)) == 1


def test_only_owned_prefixes_are_kept() -> None:
    found = references("T-1, AB-2 and !3")
    kept = keep_owned(found, {"tracker": {"AB"}, "other": {"T"}})
    assert [r.key for r in kept] == ["acme/pay#3", "AB-2"]


def test_of_what_is_said_twice_the_strongest_and_then_the_first_is_kept() -> None:
    text = "Closes T-1 today\nFixes https://tracker.test/T-1 now\nFixes https://tracker.test/T-1"
    assert references(text) == (
        Reference("mention", "tracker", "T-1", "url", "Fixes https://tracker.test/T-1 now"),
        Reference("resolves", "tracker", "T-1", "url", "Fixes https://tracker.test/T-1"),
    )


def test_evidence_is_cut_out_of_the_text_and_bounded() -> None:
    text = "words " * 40 + "Depends on T-1, T-2 " + "words " * 40 + "\nClosed " + "T-3, " * 30
    for reference in references(text):
        assert reference.evidence in text
        assert len(reference.evidence) <= 80
        assert reference.key in reference.evidence
    assert [r.evidence for r in references(text) if r.kind == "dependsOn"] == [
        "Depends on T-1",
        "Depends on T-1, T-2",
    ]


def targets(*found: Reference) -> list[tuple[str, str, str]]:
    return [(one.kind, one.source, one.key) for one in found]


def test_relationships_are_the_shape_of_the_seed() -> None:
    given_twice = targets(*references("Fixes T-2, T-1. See !9. T-3") * 2)
    assert relationships(reversed(given_twice)) == {
        "mentions": {"forge": ["acme/pay#9"], "tracker": ["T-1", "T-2", "T-3"]},
        "graph": {"resolves": ["tracker:T-1", "tracker:T-2"], "relatedTo": ["forge:acme/pay#9"]},
    }
    assert relationships(targets(*references("T-1"))) == {"mentions": {"tracker": ["T-1"]}}
    assert relationships([("relatedTo", "tracker", "T-1")]) == {
        "graph": {"relatedTo": ["tracker:T-1"]}
    }
    assert relationships([]) is None


@given(texts)
@settings(derandomize=True, deadline=None, max_examples=300)
def test_any_text_gives_sorted_references_without_duplicates(text: str) -> None:
    found = references(text)
    targets = [(r.kind, r.source, r.key) for r in found]
    assert targets == sorted(set(targets))
    assert found == references(text)
    mentions = {(r.source, r.key) for r in found if r.kind == "mention"}
    assert {(r.source, r.key) for r in found} == mentions
    assert all(r.evidence in text and len(r.evidence) <= 80 for r in found)


@given(texts.filter(lambda text: "~" not in text))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_no_text_says_anything_in_a_fence(text: str) -> None:
    assert references(f"~~~\n{text}\n~~~") == ()


@given(texts)
@settings(derandomize=True, deadline=None, max_examples=200)
def test_prose_without_mentions_adds_nothing(text: str) -> None:
    plain = "The rest of it reads well.\nNothing here points anywhere."
    targets = {(r.kind, r.key) for r in references(f"{text}\n\n{plain}")}
    assert targets == {(r.kind, r.key) for r in references(text)}
    assert mentioned(f"{plain}\n\nT-1\n\n{plain}") == ["T-1"]


@pytest.mark.parametrize(
    "piece",
    [*KEYS, *WORDS, *CODE, *MARKS, *HOSTILE],
)
def test_time_is_linear_in_the_length_of_any_text(piece: str) -> None:
    text = piece * (100_000 // len(piece)) + "\nfixes T-1 \\\n!1 <"
    began = time.process_time()
    extract(text, FORGED, (TRACKER, FORGE))
    assert time.process_time() - began < 3
