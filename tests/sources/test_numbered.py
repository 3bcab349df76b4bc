"""What the words before a number say of it: in GitHub's texts and in Zendesk's."""

from __future__ import annotations

import pytest

from ingest.core.references import Context, extract, keep_owned
from ingest.sources.numbered import (
    is_in_range,
    owner_of,
    repository_of,
    singular,
    words_before,
)
from ingest.sources.registry import syntaxes

PULL_REQUEST = Context("github", "acme/web")
TICKET = Context("zendesk")
OWNED = {"zendesk": {"ZD"}}


def mentioned(text: str, context: Context) -> list[str]:
    found = keep_owned(extract(text, context, syntaxes()), OWNED)
    return [r.key for r in found if r.kind == "mention"]


@pytest.mark.parametrize(
    "text",
    [
        "steps #1, #2 and #3",
        "steps #1-#3 and items #4/#5",
        "hypothesis #2, comment #14, priority #1",
        "#1 on our list, #2 in the queue, #1 priority",
        "Redmine: #12, Jira issues #44 and #45",
        "Jenkins build #77, GitLab merge request #12, upstream PR #4",
        "GitLab's issue #12",
        "chen/ledger issue #7, in chen/ledger.js pull request #8",
        "## Title {#12}",
        "chen/ledger.git#7, github:chen/ledger#7, git@github.com:chen/ledger#7",
        "Set it to #333333 (grey)",
        "Zendesk: acme/web.git#3",
        "door #1 opens, crate #3 and the depots at gate #12 stay shut",
        "Query #12 of the dashboard, sponsor #1, exit code #3",
        "The grey fails the contrast check.\n\n| Before | After |\n|---|---|\n| #404040 | #999 |",
        "--accent: #0044cc;\n--line: #123;",
        "colours of the charts\n\n#111 for text, #222 for lines, #333333 for the rest",
    ],
)
def test_a_number_of_something_else_is_none_of_the_repository(text: str) -> None:
    assert mentioned(text, PULL_REQUEST) == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("#10-#12, #20..#22", (10, 12, 20, 22)),
        ("__#12__ and _#13_", (12, 13)),
        ("after the last step, #12 came", (12,)),
        ("We took a step. #2 came next", (2,)),
        ("Run it in Travis (#12, #13)", (12, 13)),
        ("Mend it in chen/ledger PR [#12]", (12,)),
        ("Merged in chen/fix (pull request #12)", (12,)),
        ("as in chen/ledger. PR #12 is ours", (12,)),
        ("acme/web PR #12", (12,)),
        ("Found while debugging #12, mentioned #13, obsoletes #14, see also #15", (12, 13, 14, 15)),
        ("siehe #12; voir #13", (12, 13)),
        ("query #120, door #200", (120, 200)),
        ("the theme of #123 and #123456", (123, 123456)),
        ("a read/write bug #12, and/or issue #13", (12, 13)),
        ("issues #1 and #2", (1, 2)),
        ("PRs #1, #2", (1, 2)),
        ("<b>#12</b> <i>#13</i>", (12, 13)),
        ("the basis #3", (3,)),
        ("(step #2) #3", (3,)),
    ],
)
def test_other_words_leave_a_number_to_the_repository(text: str, numbers: tuple[int, ...]) -> None:
    assert set(mentioned(text, PULL_REQUEST)) == {f"acme/web#{number}" for number in numbers}


@pytest.mark.parametrize(
    "text",
    [
        "my order (#7890) is late",
        "orders #7890 and #7891, invoices: #20, #21",
        "the order number is #7890, its ID: #7891",
        "Jira ticket #123, our Freshdesk case #124, GitHub #125, Linear #126",
        "pull request #123, merge requests #124 and #125",
        "orders #7890-#7899",
        "the 3 items #12, #13",
    ],
)
def test_a_number_of_something_else_is_no_ticket(text: str) -> None:
    assert mentioned(text, TICKET) == []


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("the order (#58813) and the ticket (#7890)", ["#7890"]),
        ("ticket ID: #7890, case number is #7891", ["#7890", "#7891"]),
        ("tickets #7890-#7892", ["#7890", "#7892"]),
        ("my order. #7890 is the ticket", ["#7890"]),
        ("Your request #7890", ["#7890"]),
    ],
)
def test_other_words_leave_a_number_to_the_tickets(text: str, keys: list[str]) -> None:
    assert mentioned(text, TICKET) == keys


@pytest.mark.parametrize(
    "text",
    [
        "Zendesk: #7890, #7891",
        "Zendesk tickets #7890 and #7891",
        "zendesk ticket: #7890 & #7891",
        "Zendesk\u2019s tickets #7890/#7891",
        "ZD-7890/ZD-7891",
    ],
)
def test_tickets_in_a_row_are_named_once_and_are_no_issues(text: str) -> None:
    assert mentioned(text, PULL_REQUEST) == ["#7890", "#7891"]


def test_words_are_those_of_the_clause_the_nearest_first() -> None:
    text = "Words. See *the* (Order no. #"
    assert words_before(text, len(text) - 1) == ["no", "order"]
    assert words_before("x, steps #1, #2 and #", 20) == ["steps"]
    assert words_before("#", 0) == []
    assert [singular(word) for word in ("steps", "class", "basis", "s")] == [
        *("step", "class", "basis", ""),
    ]


def test_a_noun_may_stand_between_a_number_and_whose_it_is() -> None:
    assert owner_of(["request", "merge", "gitlab\u2019s"]) == "gitlab"
    assert owner_of(["gitlab"]) == "gitlab"
    assert owner_of(["issue"]) is owner_of([]) is None
    assert repository_of(["pr", "chen/ledger"]) == "chen/ledger"
    assert repository_of(["chen/ledger"]) is repository_of(["bug", "read/write"]) is None
    assert is_in_range("#1-#2", 3)
    assert not is_in_range("a-#2", 2)


@pytest.mark.parametrize(
    "text",
    [
        "incident #20118 is over, RMA #5590 is closed",
        "<p>Room #12, Building #25</p>",
        "colour of the button #336699",
    ],
)
def test_what_a_number_counts_and_a_colour_are_no_ticket(text: str) -> None:
    assert mentioned(text, TICKET) == []


def test_a_number_of_six_digits_and_a_small_one_are_tickets_otherwise() -> None:
    assert mentioned("#336699 is <b>the same as</b> #12", TICKET) == ["#12", "#336699"]
