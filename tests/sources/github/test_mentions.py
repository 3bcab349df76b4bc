"""GitHub's mentions: the forms that name an issue, and the many that only look so."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.references import Context, Reference, extract, keep_owned
from ingest.sources.github.mentions import MENTIONS

HOME = Context("github", "acme/payments")


OWNED = {"github": {"ghe.acme.test", "ghe.acme.test:8443"}}


def found(text: str, context: Context = HOME) -> tuple[Reference, ...]:
    return keep_owned(extract(text, context, (MENTIONS,)), OWNED)


def mentioned(text: str, context: Context = HOME) -> list[str]:
    return [r.key for r in found(text, context) if r.kind == "mention"]


def edges(text: str) -> list[tuple[str, str]]:
    return [(r.kind, r.key) for r in found(text) if r.kind != "mention"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("as in #12", "acme/payments#12"),
        ("#12's totals", "acme/payments#12"),
        ("GH-12: totals", "acme/payments#12"),
        ("gh-12", "acme/payments#12"),
        ("Round the totals (#12)", "acme/payments#12"),
        ("[#12]", "acme/payments#12"),
        ("feat: [gh-#12] totals", "acme/payments#12"),
        ("GH-#12, GH#12", "acme/payments#12"),
        ("1/GH-12", "acme/payments#12"),
        ("a new option #20814", "acme/payments#20814"),
        ("nested table #20814", "acme/payments#20814"),
        ("flaky test #20814", "acme/payments#20814"),
        ("mend the build #77", "acme/payments#77"),
        ("a step #123", "acme/payments#123"),
        ("see\n#2", "acme/payments#2"),
        ("_#12_", "acme/payments#12"),
        ("_It is #12_", "acme/payments#12"),
        ("issue#12", "acme/payments#12"),
        ("PR#12", "acme/payments#12"),
        ("#12 the frame is cut", "acme/payments#12"),
        ("Merge pull request #12 from acme/fix#11", "acme/payments#12"),
        ('Revert "Merge pull request #12 from acme/fix#11"', "acme/payments#12"),
        ("Merge branch 'fix#11' into main-#10 (#12)", "acme/payments#12"),
        ("Merge branches 'fix#11', '#10-a' and 'b#9' of forge#8: #12", "acme/payments#12"),
        ("Merged in chen/fix#11 (pull request #12)", "acme/payments#12"),
        ("Merged in #12", "acme/payments#12"),
        ("https://github.com/chen/ledger/issues/7。", "chen/ledger#7"),
        ("https://ghe.acme.test/chen/ledger/issues/7#issuecomment-9", "chen/ledger#7"),
        ("https://GHE.acme.test:8443/chen/ledger/issues/7", "chen/ledger#7"),
        ("修复#12。", "acme/payments#12"),
        ("#123456 is a number like any", "acme/payments#123456"),
        ("chen/ledger#7 too", "chen/ledger#7"),
        ("a.b: chen/led.ger_x-1#7", "chen/led.ger_x-1#7"),
        ("ACME/Payments#7", "acme/payments#7"),
        ("https://github.com/chen/ledger/issues/7", "chen/ledger#7"),
        ("https://github.com/chen/ledger/pull/7/files#diff-0a1b", "chen/ledger#7"),
        ("<https://github.com/chen/ledger/pull/7.>", "chen/ledger#7"),
        ("http://www.github.com/chen/ledger/discussions/7#discussioncomment-3", "chen/ledger#7"),
        ("[why](https://github.com/chen/ledger/issues/7#issuecomment-99)", "chen/ledger#7"),
        ("github.com/chen/ledger/issues/7", "chen/ledger#7"),
    ],
)
def test_a_form_of_mention_gives_the_key_of_the_issue(text: str, key: str) -> None:
    assert mentioned(text) == [key]


@pytest.mark.parametrize(
    "text",
    [
        "C#12 a#12 _#12",
        "docs/#12 and docs/setup.md#12",
        "/docs#12 and a/b/c#12",
        "https://example.test/page#12",
        "[Setup](#1-setup), [12](#12) and #12-ops",
        "[#12](https://example.test/ticket/12)",
        '<a href="https://example.test/12">#12</a>',
        "&#12; and \\#12",
        "#0 #012 #12a #1.5 #1,000 #50%",
        "##12",
        "#eee #4a4a4a #c7c9d1",
        "color: #333 and a background of #202020",
        "attempt #2, step #30, test #3, Zendesk ticket #7890, Bugzilla #12345",
        "our #1 reason, the top #10, retry #3",
        "we're #1, it’s #1 and ranked #1",
        "voted as #1 of the year",
        "chen/ledger@0a1b2c3d and 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
        "This reverts commit 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567, chen@0a1b2c3d",
        "https://github.com/chen/ledger/blob/main/a.py#L12",
        "https://github.com/chen/ledger/compare/v1...v2",
        "https://github.com/orgs/chen/discussions/7",
        "https://redirect.github.com/chen/ledger/issues/7",
        "https://notgithub.com/chen/ledger/issues/7",
        "https://ghe.acme.test.evil.test/chen/ledger/issues/7",
        "https://evil.test/ghe.acme.test/chen/ledger/issues/7",
        "https://ghe.acme.test/orgs/chen/discussions/7",
        "https://api.github.com/repos/chen/ledger/pulls/7",
        "https://ghe.acme.test/api/v3/repos/chen/ledger/issues/7",
        "bg-[#123456] and fill: #333333",
        "colours from #333 to #444",
        "#12 0x00007f1a in main ()\n#13  boards () at boards.c:4",
        "#12 /srv/boards.php(3): tick()\n #13 [internal function]: tock()\n#14 {main}",
        "bug#12 x-issue#12 tissue#12",
        "gh-12@mail.test",
        "-chen/ledger#7 @chen/ledger#7",
        f"{'o' * 40}/ledger#7 and chen/{'r' * 101}#7",
        "HIGH-12 gh-12a",
    ],
)
def test_what_only_looks_like_a_mention_is_none(text: str) -> None:
    assert mentioned(text) == []


def test_bare_numbers_mean_nothing_outside_a_repository() -> None:
    text = "#12, GH-12, chen/ledger#7"
    assert mentioned(text, Context("linear")) == ["chen/ledger#7"]


def test_bare_numbers_are_those_of_the_repository_that_a_text_is_about() -> None:
    mentions = mentioned("#12, chen/ledger#7", Context("vercel", "acme/payments"))
    assert mentions == ["acme/payments#12", "chen/ledger#7"]


def test_each_issue_needs_its_own_closing_keyword() -> None:
    assert edges("Resolves #10, resolves chen/ledger#7") == [
        ("resolves", "acme/payments#10"),
        ("resolves", "chen/ledger#7"),
    ]
    assert edges("Fixes #10, #11 and #12") == [("resolves", "acme/payments#10")]


def test_the_number_at_the_end_of_a_title_closes_nothing() -> None:
    assert edges("Fix (#12)\n\nFixes #11") == [("resolves", "acme/payments#11")]
    assert edges('Revert "fix: #12" (#13)') == []


def test_a_duplicate_is_related_to_what_it_duplicates() -> None:
    """[DOC: marking-issues-or-pull-requests-as-a-duplicate]"""
    assert edges("Duplicate of #10") == [("relatedTo", "acme/payments#10")]
    assert edges("duplicate of chen/ledger#7") == [("relatedTo", "chen/ledger#7")]


def test_a_closing_keyword_may_have_a_colon() -> None:
    assert edges("Closes: #10") == [("resolves", "acme/payments#10")]


def test_an_idea_from_another_repository_is_no_dependency() -> None:
    assert edges("Based on #11") == [("dependsOn", "acme/payments#11")]
    assert edges("Based on chen/ledger#7") == [("relatedTo", "chen/ledger#7")]


@given(st.text(alphabet="#/-.GHgh12ab _&\\(\n:colorstep") | st.text())
@settings(derandomize=True, deadline=None, max_examples=300)
def test_any_text_gives_keys_of_the_one_form(text: str) -> None:
    for key in mentioned(text):
        repository, _, number = key.partition("#")
        assert number.isdigit()
        assert repository.count("/") == 1
        assert len(key) <= 255


@pytest.mark.parametrize(
    "piece",
    [
        "#",
        "#1 ",
        "a/",
        "a/a#1 ",
        "a/a/#1",
        "GH-1 ",
        "github.com/",
        "#123456 ",
        "https://github.com/a/",
        "https://a/b/c/issues/",
        "Merge pull request #1 from a#1 ",
        "Merge branches 'a', ",
        "Merged in a#1 ",
    ],
)
def test_time_is_linear_in_the_length_of_any_text(piece: str) -> None:
    text = piece * (100_000 // len(piece)) + " ENG-12 #12"
    began = time.process_time()
    assert extract(text, HOME, (MENTIONS,))
    assert time.process_time() - began < 3
