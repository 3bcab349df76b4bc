"""Texts that strain a reader: what sources mention, Markdown, HTML, repeated without measure."""

from __future__ import annotations

from random import Random

MENTIONS = (
    "#1",
    "#12 ",
    "GH-12",
    "a/b#1",
    "acme/payments#7",
    "acme/payments@0123456789abcdef0123456789abcdef01234567",
    "https://github.com/acme/payments/issues/7",
    "https://github.com/acme/payments/pull/7#issuecomment-1",
    "https://github.com/acme/payments/blob/main/a.md#L1-L2",
    "https://ghe.example:8443/a/b/pull/1",
    "ENG-12",
    "eng-12-fix",
    "https://linear.app/acme/issue/ENG-12/title",
    "WEB-2K",
    "https://acme.sentry.io/issues/123/?project=1",
    "https://sentry.io/organizations/acme/issues/1/",
    "https://vercel.com/acme/web/dpl_123",
    "web-git-a-acme.vercel.app",
    "https://www.notion.so/acme/Title-0123456789abcdef0123456789abcdef",
    "notion.so/a-",
    "01234567-89ab-cdef-0123-456789abcdef",
    "ZD-12",
    "zendesk #12",
    "https://acme.zendesk.com/agent/tickets/12",
    "https://acme.zendesk.com/hc/en-us/articles/360-title",
    "Merge branch 'eng-12-fix' of https://github.com/a/b",
)
KEYWORDS = (
    "fixes ",
    "Fixes: ",
    "closes ",
    "resolves https://",
    "not fixes ",
    "blocked by ",
    "depends on ",
    "Related to: ",
    "part of ",
    "and ",
    ", ",
    "no longer ",
)
MARKS = (
    "`",
    "``",
    "```\n",
    "~~~\n",
    "> ",
    "- ",
    "\n- [ ] ",
    "1. ",
    "# ",
    "\n# ",
    "\n",
    "\n\n",
    " ",
    "\t",
    "    ",
    "*",
    "**",
    "_",
    "[",
    "]",
    "](",
    "[a](https://a.example ",
    "![",
    "[1]: https://a.example\n",
    "[a][b]",
    "|",
    "| a | b |\n|--|--|\n",
    "---\n",
    "---\na: b\n",
    "<!--",
    "-->",
    "<",
    ">",
    "</",
    "<pre>",
    "<code>",
    "</code>",
    "<a href=",
    '<a href="https://a.example">',
    "<table><tr><td>",
    "</td>",
    "<ul><li>",
    "<ol start=9999999999><li>",
    "<br>",
    "<p ",
    "<div>",
    "<img src=x alt=",
    "<script>",
    "<![CDATA[",
    "<?",
    "&",
    "&amp;",
    "&#x110000;",
    "&#0;",
    "&#",
    "\\",
    "/",
    "//",
    ":",
    "::",
    "-",
    "--",
    ".",
    "@",
    "%",
    "%2f",
    "?",
    "=",
    "(",
    ")",
    "'",
    '"',
    "{",
    "{{",
    "$",
)
ODD = (
    "\x00",
    "\x1b[31m",
    "\x7f",
    "\x85",
    "\r",
    "\r\n",
    "\u2028",
    "\u200b",
    "\u200d",
    "\u202e",
    "\ufeff",
    "\ufffe",
    "\ufffd",
    "\ud800",
    "\udfff",
    "\udc80",
    "é",
    "e\u0301",
    "\u0301",
    "\u0f73",
    "İ",
    "ß",
    "ﬁ",
    "ſ",
    "K",
    "日本",
    "👩‍👩‍👧",
    "\U0010ffff",
    "\u1100\u1161",
    "٣",
    "²",
    "①",
)
WORDS = (
    "",
    "a",
    "A",
    "x" * 300,
    "null",
    "0",
    "-1",
    "1e999",
    "main",
    "../..",
    "a b",
    "http://",
    "https://[::1/%zz",
)
TIMES = (
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999-14:00",
    "1969-12-31T23:59:59Z",
    "2026-02-30T00:00:00Z",
    "2026-03-02",
    "2026-03-02T12:00:00.123456789Z",
    "2026-W10-1",
    "20260302T120000Z",
    "2026-03-02T24:00:00Z",
)
KINDS = (MENTIONS, KEYWORDS, MARKS, ODD, WORDS, TIMES)
SHORT, LONG, HUGE = 60, 1_000, 30_000


def piece(rng: Random) -> str:
    """A word of the grammar."""
    return rng.choice(rng.choice(KINDS))


def text(rng: Random, *, most: int = HUGE) -> str:
    """A few words, or a short row of them again and again, or rows in rows; at most `most` long."""
    drawn = rng.random()
    if drawn < 0.35:
        return "".join(piece(rng) for _ in range(rng.randint(0, 4)))
    if drawn < 0.6:
        return "".join(piece(rng) for _ in range(rng.randint(4, 60)))[:most]
    size = min(most, HUGE if rng.random() < 0.03 else rng.choice((SHORT, SHORT, LONG)))
    unit = "".join(piece(rng) for _ in range(rng.randint(1, 3))) or "a"
    row = unit * (1 + size // len(unit))
    if drawn < 0.85:
        return row[:size]
    other = piece(rng) or "b"
    half = row[: size // 2]
    return (piece(rng) + half + other * (1 + size // 2 // len(other)))[:most]


def bent(rng: Random, said: str, *, most: int = HUGE) -> str:
    """A text with something of the grammar put in, taken out or repeated."""
    at = rng.randint(0, len(said))
    to = min(len(said), at + rng.choice((0, 1, 3, 20, len(said))))
    drawn = rng.random()
    if drawn < 0.5:
        return said[:at] + text(rng, most=most) + said[at:]
    if drawn < 0.7:
        return said[:at] + said[to:]
    if drawn < 0.85:
        return (said[:at] + said[at:to] * rng.choice((2, 8, 100)) + said[to:])[: most + len(said)]
    return said[:at] + piece(rng) + said[to:]
