"""HTML becomes Markdown, whatever HTML it is."""

from __future__ import annotations

import re
import time
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.zendesk.markdown import (
    MOST_ELEMENTS,
    MOST_GROUPS,
    MOST_ITEMS,
    _Rebuilt,
    links,
    markdown,
)

BASE = "https://halcyon.zendesk.com/hc/en-us/articles/5-Lifts"


def read(html: str) -> str:
    return markdown(html, BASE)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("", ""),
        ("plain & simple", "plain & simple"),
        ("<h1>One</h1><h3>Three</h3>", "# One\n\n### Three"),
        ("<p>a <strong>b</strong> <em>c</em></p>", "a **b** *c*"),
        ("<p>a<br>b</p>", "a  \nb"),
        ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c"),
        ("<ul><li>a<li>b</ul>", "- a\n- b"),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
        ("<blockquote><p>a</p></blockquote>", "> a"),
        ("<p>use <code>x_y *z*</code></p>", "use `x_y *z*`"),
        ("<pre>a\n  b &lt; c</pre>", "```\na\n  b < c\n```"),
        (
            "<table><thead><tr><th>a</th><th>b</th></tr></thead>"
            "<tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
            "| a | b |\n| --- | --- |\n| 1 | 2 |",
        ),
        ("<center>a</center><footer>b</footer>c", "a\n\nb\n\nc"),
        ("<details><summary>a</summary>b</details>c", "a\n\nb\n\nc"),
        ("<p>some_key and 2*3*4</p>", "some_key and 2*3*4"),
        ("1 < 2 > 1 <3 </", "1 < 2 > 1 <3 </"),
        ("a<script>b()</script><style>c{}</style><!-- d -->e", "ae"),
        ("a<script>b", "a"),
        ("a<!-- b", "a"),
        ("<iframe src='https://v.example'></iframe><object>x</object>a", "a"),
        ("<o:p><font color=red>a</font></o:p>", "a"),
    ],
)
def test_a_form_becomes_its_markdown(html: str, expected: str) -> None:
    assert read(html) == expected


_TABLE = "<table><tr><th>{}</th></tr><tr><td>{}</td></tr></table>"


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("either | or", r"either \| or"),
        ("<code>a|b</code>", r"`a\|b`"),
        ("<pre>a|b\nc</pre>", r"``` a\|b c ```"),
        ("<b>a|b</b>", r"**a\|b**"),
        (r"a\|b", r"a\\\|b"),
        ("a&#124;b &vert; c", r"a\|b \| c"),
        ("<a href='/x|y'>l|m</a>", r"[l\|m](https://halcyon.zendesk.com/x%7Cy)"),
        ("<img src='/i.png' alt='p|q'>", r"p\|q"),
        ("a<br>b<p>c</p>", "a b c"),
        ("# a", "# a"),
        ("<table><tr><td>a|b</td><td>c</td></tr></table> d", r"a\|b c d"),
    ],
)
def test_a_cell_ends_where_it_ends(inner: str, expected: str) -> None:
    """Bug: a pipe in a cell began another one, under no head."""
    shown = read(_TABLE.format(inner, inner))
    assert [" ".join(line.split()) for line in shown.split("\n")] == [
        f"| {expected} |",
        "| --- |",
        f"| {expected} |",
    ]


@pytest.mark.parametrize(
    "words",
    [
        *("# a", "###### a", "#", "- a", "+ a", "* a", "> a", "```a", "---", "***", "* * *"),
        *("==", "[1]: https://x.example", "_ _ _"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "<p>{}</p>", "<p>x<br>{}</p>", "<ul><li>{}</li></ul>"])
def test_what_begins_a_line_begins_nothing_else(words: str, around: str) -> None:
    shown = read(around.format(words.replace(">", "&gt;").replace("#", "&#35;")))
    assert shown.rpartition("\n")[2].removeprefix("- ") == f"\\{words}"


@pytest.mark.parametrize(("words", "expected"), [("1. a", r"1\. a"), ("12) a", r"12\) a")])
def test_a_number_begins_no_list(words: str, expected: str) -> None:
    assert read(f"<p>{words}</p>") == expected
    assert read(f"<h2>{words}</h2>") == f"## {words}"
    assert read(f"<p>x {words}</p>") == f"x {words}"


@pytest.mark.parametrize(
    "words",
    [
        *("#12 is it", "-a", "1.5 m", "a # b", "a - b", "**", "x > y", "a_b *c*", "ENG-12 | #7"),
        *("[x] y", "=a", "C# and F#", "http://x.example/?a=1&b=<2>"),
    ],
)
def test_what_reads_as_it_is_stays_as_it_is(words: str) -> None:
    assert read(f"<p>{words.replace('<', '&lt;')}</p>") == words


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<h2># x</h2>", "## # x"),
        ("<h3>C #</h3>", r"### C \#"),
        ("<h3>C##</h3>", "### C##"),
        ("<h2>a<br># b</h2>", "## a # b"),
        ("<p>&lt;script&gt; and &lt;/b></p>", r"\<script> and \</b>"),
        ("<p>[a](b)</p>", r"[a\](b)"),
        ("<p>Look!<a href='/u'>a</a></p>", r"Look\![a](https://halcyon.zendesk.com/u)"),
        ("<p>&amp;lt; and &amp;#35; and a&b; R&amp;D</p>", r"\&lt; and \&#35; and a\&b; R&D"),
        (r"<p>a\<code>b</code></p>", r"a\\`b`"),
        (r"<p>\\server\share, C:\#a, C:\a</p>", r"\\\server\share, C:\\#a, C:\a"),
        ("<a href='/u'>see [x] \\</a>", r"[see \[x\] \\](https://halcyon.zendesk.com/u)"),
        ("<a href='/u_(v) w'>a</a>", "[a](https://halcyon.zendesk.com/u_%28v%29%20w)"),
        ("<img src='/i' alt='[a]\n b'>", r"![\[a\] b](https://halcyon.zendesk.com/i)"),
        ("<code>a`b``c</code>", "``` a`b``c ```"),
        ("<pre>a<br>```\nb</pre>", "````\na\n```\nb\n````"),
        ("<pre># a\n- b | [c](d)</pre>", "```\n# a\n- b | [c](d)\n```"),
        ("<b></b># x", r"\# x"),
        ("<code>a</code><kbd>b</kbd> <samp>c</samp>", "`ab` `c`"),
        ("<strong>a</strong><b>b</b><em>c</em><i>d</i><del>e</del><s>f</s>", "**ab***cd*~~ef~~"),
        ("<h2>a # <br></h2>", r"## a \#"),
        ("<p>~~~</p>", r"\~\~~"),
        ("<p>~/a and ~~b~~</p>", r"~/a and \~~b\~~"),
        ("<b># x</b>", "**# x**"),
    ],
)
def test_a_mark_in_a_text_is_text(html: str, expected: str) -> None:
    assert read(html) == expected


_SPANNING = """
<table><tr><th>a</th><th>b</th><th>c</th></tr>
<tr><td rowspan=2>1</td><td>2</td><td rowspan="3">3</td></tr>
<tr><td>4</td></tr>
<tr><td colspan=2 rowspan=2>5</td></tr>
<tr><td>6</td></tr><tr><td>7</td><td>8</td><td>9</td></tr></table>
"""


def test_below_a_cell_of_several_rows_all_stand_under_their_heads() -> None:
    """Bug: the cells of the rows below moved to the left."""
    assert read(_SPANNING).split("\n")[2:] == [
        "| 1 | 2 | 3 |",
        "|  | 4 |  |",
        "| 5 | |  |",
        "|  |  | 6 |",
        "| 7 | 8 | 9 |",
    ]


def test_cells_of_many_rows_are_bounded() -> None:
    row = "<td rowspan=99 colspan=99>a" * 500
    rebuilt = _Rebuilt(BASE)
    rebuilt.read(f"<table><tr>{row}" + "<tr>" * 98)
    assert "".join(rebuilt.out).count("<td") <= MOST_ELEMENTS


_words = st.text(st.sampled_from("ab1.)#-+*>`~=|[]()<&; \n"), max_size=12)


@given(st.lists(_words, min_size=2, max_size=4))
@settings(max_examples=150, deadline=None)
def test_a_row_has_as_many_cells_as_it_had(cells: list[str]) -> None:
    told = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    *_, row = read(f"<table><tr>{told}</tr><tr>{told}</tr></table>").split("\n")
    assert len(re.findall(r"(?<!\\)\|", row)) == len(cells) + 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/hc/en-us/articles/6", "https://halcyon.zendesk.com/hc/en-us/articles/6"),
        ("6-Stairs", "https://halcyon.zendesk.com/hc/en-us/articles/6-Stairs"),
        ("#top", f"{BASE}#top"),
        ("//cdn.example/a?b=1&amp;c=2", "https://cdn.example/a?b=1&c=2"),
        ("mailto:ines@example.com", "mailto:ines@example.com"),
        (
            "/hc/article_attachments/7/a.png?token=x",
            "https://halcyon.zendesk.com/hc/article_attachments/7/a.png",
        ),
        ("https://f.example/a?X-Amz-Signature=1", "https://f.example/a"),
    ],
)
def test_links_are_whole_and_do_not_expire(url: str, expected: str) -> None:
    assert read(f'<a href="{url}">a</a>') == f"[a]({expected})"
    assert links(f"<p><A HREF='{url}'>a</A></p>", BASE) == (expected,)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "http://[", ""])
def test_what_cannot_be_followed_is_no_link(url: str) -> None:
    html = f'<a href="{url}">a</a>'
    if url:
        assert read(html) == "a"
        assert links(html, BASE) == ()


def test_an_image_keeps_its_words() -> None:
    html = '<img src="/hc/article_attachments/7?Expires=1" alt="A board"><img src="data:,x">'
    url = "https://halcyon.zendesk.com/hc/article_attachments/7"
    assert read(html).startswith(f"![A board]({url})")


SLOW_TABLE = pytest.param("table><tr><td", marks=pytest.mark.slow)  # three elements each


@pytest.mark.parametrize("name", ["div", "ul><li", "blockquote", "b", "span", SLOW_TABLE])
def test_ten_thousand_elements_inside_one_another_keep_their_text(name: str) -> None:
    opened = f"<{name}>" * 10_000
    assert "deep" in read(f"{opened}deep")
    assert "deep" in read(f"{opened}deep{f'</{name}>' * 10_000}")


@pytest.mark.parametrize(
    "html",
    [
        "<a " * 50_000,
        '<a b="' * 30_000,
        "<!-" * 50_000,
        "<script>" * 30_000,
        "&" * 100_000,
        " " * 500_000 + "x",
        "<pre>" + " " * 500_000 + "x",
        "<pre>" + " \n" * 250_000 + "x",
        "<a " + "a=" * 100_000 + ">",
        "<li>a" * 10_000,
    ],
    ids=lambda html: html[:9],
)
def test_hostile_texts_are_read_in_good_time(html: str) -> None:
    began = time.process_time()
    read(html)
    links(html, BASE)
    assert time.process_time() - began < 10


_PIECES = """
    < > </ <p> </p> <li> <ul> <td> <tr> <table> <pre> </pre> <code> <a~href=" " ' <!-- --> <! <?xml
    [ ]]> ` &#x x <img~src= <h1> <td~colspan=9> <td~colspan='²'> <script </script> é <br/> ~ \0
"""
_pieces = st.sampled_from([piece.replace("~", " ") for piece in _PIECES.split()])


@given(st.lists(_pieces, max_size=60).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_text_is_some_markdown(html: str) -> None:
    assert isinstance(read(html), str)
    schemes = {link.partition(":")[0] for link in links(html, BASE)}
    assert schemes <= {"http", "https", "mailto", "tel"}


def test_a_long_numbered_list_goes_on_with_its_numbers_and_is_linear() -> None:
    """Bug: the converter counts all items before each, so that a mebibyte took half an hour."""
    items = [f"<li>{n}</li>" for n in range(1, 2 * MOST_ITEMS + 2)]
    shown = markdown(f"<ol>{''.join(items)}</ol>", "https://x.example")
    lines = [line for line in shown.split("\n") if line]
    assert lines == [f"{n}. {n}" for n in range(1, 2 * MOST_ITEMS + 2)]
    rebuilt = _Rebuilt("https://x.example")
    rebuilt.read(f"<ol>{'<li>a' * 10_000}")
    lists = "".join(rebuilt.out).split("<ol")
    assert max(part.count("<li>") for part in lists) == MOST_ITEMS


@pytest.mark.parametrize("deep", ["<blockquote>", "<ul><li>", "<ol><li>", "<dl><dd>"])
def test_lines_within_lists_and_quotations_are_not_shifted_without_end(deep: str) -> None:
    """Bug: thirty of them made thirty megabytes of one, in a quarter of a minute."""
    html = deep * 31 + "<pre>" + "a\n" * 10_000
    assert len(markdown(html, "https://x.example")) < 25 * len(html)


@pytest.mark.parametrize("group", ["thead", "tbody"])
def test_a_table_has_a_bounded_number_of_heads_and_bodies(group: str) -> None:
    """Bug: for each the converter looked through all of the table, so that 64 KB took minutes."""
    rebuilt = _Rebuilt(BASE)
    many = f"<{group}><tr><td>a</td></tr></{group}>" * 1_000
    rebuilt.read(f"<table>{many}</table><table><{group}>{many}</table>")
    said = "".join(rebuilt.out)
    assert said.count(f"<{group}>") == 2 * MOST_GROUPS
    assert said.count("<tr>") == 2_000


def test_the_head_of_a_table_has_a_bounded_number_of_rows() -> None:
    rebuilt = _Rebuilt(BASE)
    rebuilt.read("<table><thead>" + "<tr><td>a</td></tr>" * 1_000)
    head, _, rest = "".join(rebuilt.out).partition("</thead>")
    assert (head.count("<tr>"), rest.count("<tr>")) == (MOST_GROUPS, 1_000 - MOST_GROUPS)
