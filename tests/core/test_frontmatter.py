"""Front matter of Markdown files."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.frontmatter import MAX_CHARS, parse_frontmatter

lines = st.sampled_from(
    [
        "a: 1",
        "b: [x, {y: z}]",
        "- c",
        "  d: e",
        "x: &a y",
        "z: *a",
        "? q",
        "---",
        "...",
        "!!set {a}",
        "n: .inf",
        "t: 2024-01-15T10:00:00Z",
        "u: 2024-99-99",
        "v: 1:30",
        "on: yes",
        '"\\ud800": 1',
    ]
)


def test_a_mapping_is_read_and_taken_off_the_body() -> None:
    assert parse_frontmatter("---\ntitle: Hello\ntags: [a, b]\n---\n# Text\n") == (
        {"title": "Hello", "tags": ["a", "b"]},
        "# Text\n",
    )


def test_scalars_become_what_json_can_hold() -> None:
    found, _ = parse_frontmatter(
        "---\nday: 2024-01-15\nat: 2024-01-15T10:00:00Z\nnan: .nan\nodd: 0755\nshort: 1:30\n"
        "whole: -12\nhalf: 0.5\nyes: on\nnone: ~\nquoted: '12'\nbig: 99999999999999999999\n"
        "set: !!set {a}\nbin: !!binary aGk=\n---\n"
    )
    assert found == {
        "day": "2024-01-15",
        "at": "2024-01-15T10:00:00+00:00",
        "nan": ".nan",
        "odd": "0755",
        "short": "1:30",
        "whole": -12,
        "half": 0.5,
        "yes": True,
        "none": None,
        "quoted": "12",
        "big": "99999999999999999999",
        "set": {"a": None},
        "bin": "aGk=",
    }


@pytest.mark.parametrize(
    "body",
    [
        "",
        "text",
        "---",
        "---\n",
        "---\na: 1\n",
        "----\na: 1\n----\n",
        "---\n- a\n---\n",
        "---\n---\n",
        "---\njust words\n---\n",
        "---\na: [\n---\n",
        "---\na: b: c\n---\n",
        "---\na: \x01\n---\n",
        "---\na: \ud800\n---\n",
        "---\na: !!python/object/apply:os.system [x]\nb: [\n---\n",
        "---\na: &x [1]\nb: *x\n---\n",
        "---\na: " + "[" * 40 + "]" * 40 + "\n---\n",
        "---\na: " + "[" * 20_000 + "\n---\n",
        "---\na: " + "x" * MAX_CHARS + "\n---\n",
        " ---\na: 1\n---\n",
    ],
)
def test_what_is_no_front_matter_stays_in_the_body(body: str) -> None:
    assert parse_frontmatter(body) == (None, body)


def test_an_alias_bomb_is_refused() -> None:
    bomb = "".join(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(9))
    body = f"---\na0: &a0 [x, x]\n{bomb}---\n"
    assert parse_frontmatter(body) == (None, body)


def test_a_tag_of_another_language_is_only_text() -> None:
    found, _ = parse_frontmatter("---\na: !!python/name:os.system ''\n---\n")
    assert found == {"a": ""}


def test_windows_line_ends_are_understood() -> None:
    assert parse_frontmatter("---\r\na: 1\r\n---\r\nrest") == ({"a": 1}, "rest")


@given(st.lists(lines, max_size=8).map("\n".join) | st.text(st.characters()))
def test_nothing_is_ever_raised_and_the_result_is_json(inside: str) -> None:
    found, rest = parse_frontmatter(f"---\n{inside}\n---\nrest")
    if found is not None:
        orjson.dumps(found)
        assert rest.endswith("rest")


def test_a_key_that_is_no_text_stands_as_it_was_typed() -> None:
    found, _ = parse_frontmatter("---\n? {é: b, [c, 'd']: e}\n: f\n? [g]\n: h\n---\n")
    assert found == {"{é: b, [c, 'd']: e}": "f", "[g]": "h"}


@pytest.mark.parametrize("pair", ["{? %s : 'c\"'}", '[? %s : "\'\\\\"]', "{? [%s, '\\'] : b}"])
def test_keys_within_keys_are_no_longer_than_the_text(pair: str) -> None:
    """Bug: each level quoted the one below, so that 300 characters became gigabytes."""
    nested = "{a: b}"
    for _ in range(15):
        nested = pair % nested
    body = f"---\n? {nested}\n: c\n---\n"
    found, _ = parse_frontmatter(body)
    assert found is not None
    assert len(orjson.dumps(found)) < 2 * len(body)
