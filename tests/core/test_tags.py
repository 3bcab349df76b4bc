"""HTML in Markdown: attributes are no prose, what a tag encloses is, and what is struck out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.prose import prose
from ingest.core.tags import lie_in, struck, without_tags
from tests.core.tracking import edges, mentioned

SCRAPS = (
    "<a ",
    "<b>",
    "</b>",
    "href=",
    '"',
    "'",
    ">",
    "https://tracker.test/T-1",
    " ",
    "=",
    "\n",
    "/",
)
tags = st.lists(st.sampled_from(SCRAPS) | st.text(max_size=3), max_size=40).map("".join)


@pytest.mark.parametrize(
    "text",
    [
        '<img width="640" alt="!1" src="https://x.test/1.png">',
        "<img alt='fixes T-1' src='x.png'/>",
        '<a href="#T-1">top</a> <a name="T-1"></a>',
        "<td\n  title=T-1>x</td>",
        '<Badge text="T-1" />',
        "<kbd>T-1</kbd> <samp>T-1</samp> <tt>T-1</tt>",
        "<script>T-1</script><style>\nT-1\n</style>",
        "- > T-1",
        "1. > T-1",
        "text\n* > T-1",
    ],
)
def test_attributes_keys_and_quotations_of_items_say_nothing(text: str) -> None:
    assert mentioned(text) == []


@pytest.mark.parametrize(
    "text",
    [
        '<a href="https://tracker.test/T-1" title="T-2">T-1</a>',
        "<a href='https://tracker.test/T-1'>x</a>",
        "<a class=x href=https://tracker.test/T-1>x</a>",
        '<page url="https://tracker.test/T-1" icon="!2">x</page>',
        '<div id="!2">T-1</div>',
        "<b>T-1</b>",
        "if a <b and T-1 then c> d",
        "<details open><summary>T-1</summary></details>",
        "- > 3 s since T-1",
        "- >= 3.0 (T-1)",
    ],
)
def test_urls_in_attributes_and_what_tags_enclose_count(text: str) -> None:
    assert mentioned(text) == ["T-1"]


def test_a_tag_that_says_how_words_look_parts_no_keyword_from_its_thing() -> None:
    assert edges("<strong>Fixes</strong> <i>T-1</i>") == [("resolves", "T-1")]
    assert edges('Fixes <a href="https://tracker.test/T-1">it</a>') == [("resolves", "T-1")]


def test_struck_words_are_told_by_where_they_stand() -> None:
    assert struck("a ~~b~~ c <s>d</s>") == [(2, 7), (10, 18)]
    assert struck("a ~~ b ~~ c") == struck("~~a\nb~~") == struck("plain") == []
    assert lie_in([(2, 7)], 0, 6)
    assert not lie_in([(2, 7)], 0, 7)


@given(tags)
@settings(derandomize=True, deadline=None, max_examples=300)
def test_length_and_lines_are_kept_and_nothing_but_spaces_is_written(text: str) -> None:
    for read in (without_tags(text), prose(text)):
        assert len(read) == len(text)
        assert all(
            b in (a, " ") and (a != "\n" or b == "\n") for a, b in zip(text, read, strict=True)
        )
