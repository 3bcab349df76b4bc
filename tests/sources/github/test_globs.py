"""Globs: what of a repository is wanted, in the words of people who write `.gitignore` files."""

from __future__ import annotations

import re

import pytest

from ingest.core.errors import BadInput
from ingest.flows.connections.connect import connection_metadata
from ingest.sources.github import SOURCE
from ingest.sources.github.globs import DEFAULT_INCLUDE, Globs, from_config, read
from tests.factories import METADATA


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("*.md", "README.md", True),
        ("*.md", "docs/a/b.md", True),
        ("/*.md", "README.md", True),
        ("/*.md", "docs/b.md", False),
        ("docs/*.md", "docs/a.md", True),
        ("docs/*.md", "docs/a/b.md", False),
        ("docs/**/*.md", "docs/b.md", True),
        ("docs/**/*.md", "docs/a/b/c.md", True),
        ("docs/**", "docs/a/b.txt", True),
        ("docs/**", "other/a.txt", False),
        ("docs", "docs/a/b.txt", True),
        ("docs", "a/docs/b.txt", True),
        ("docs/", "docs/a.txt", True),
        ("docs/", "docs", False),
        ("/docs/guide", "docs/guide/a.md", True),
        ("/docs/guide", "a/docs/guide/a.md", False),
        ("./docs/*.md", "docs/a.md", True),
        ("**/*.{md,mdx}", "a/b.mdx", True),
        ("**/*.{md,mdx}", "a/b.txt", False),
        ("a?.md", "ab.md", True),
        ("a?.md", "a/.md", False),
        ("[a-c].md", "b.md", True),
        ("[!a-c].md", "b.md", False),
        ("**/ü ö.md", "x/ü ö.md", True),
        ("**", "anything/at/all", True),
        ("*.MD", "a.md", True),
        ("*.md", "README.MD", True),
        ("*.M[dX]", "a.mD", True),
        ("readme.md", "README.md", False),
        ("Docs/*.md", "docs/a.md", False),
        ("Old.App", "Old.App/a.md", True),
        ("Old.App", "old.app", False),
        ("Old.App", "Old.app", True),
        ("", "a.md", False),
        ("/", "a.md", False),
        ("[", "[", False),
    ],
)
def test_a_glob_fits_as_people_expect(glob: str, path: str, fits: bool) -> None:
    expected = fits or (glob, path) == ("[", "[")
    assert Globs(include=(glob,)).want(path) is expected


def test_the_last_glob_that_fits_decides_and_exclusion_is_stronger() -> None:
    globs = Globs(("docs/**", "!docs/old/**", "docs/old/kept.md"), ("**/secret.md",))
    wanted = ["docs/a.md", "docs/old/kept.md"]
    assert [
        p
        for p in ("docs/a.md", "docs/old/b.md", "docs/old/kept.md", "docs/secret.md")
        if globs.want(p)
    ] == wanted


def test_texts_that_people_write_are_wanted_by_default() -> None:
    paths = ("README.md", "a/b.mdx", "a.rst", "a.txt", "a.adoc", "a.markdown", "a.py", "a.png")
    assert [p for p in paths if Globs().want(p)] == list(paths[:6])
    assert all(Globs().want(path.upper()) == Globs().want(path) for path in paths)


@pytest.mark.parametrize(
    "text",
    [
        "include: [docs/**]\nexclude:\n  - '**/old/**'\n",
        "---\ninclude: docs/**\nexclude: '**/old/**'\n",
        "\ufeffversion: 1\nstore: docs\ninclude:\n- docs/**\nexclude:\n- '**/old/**'",
    ],
)
def test_a_configuration_names_its_globs(text: str) -> None:
    assert from_config(text) == Globs(("docs/**",), ("**/old/**",))


@pytest.mark.parametrize("text", ["", "store: docs\n", "include: []\n", "include:\n"])
def test_a_configuration_without_globs_leaves_the_default(text: str) -> None:
    assert from_config(text) == Globs(DEFAULT_INCLUDE)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("include: [docs/**\n", "YAML mapping"),
        ("- docs/**\n", "YAML mapping"),
        ("just words", "YAML mapping"),
        ("a: " * 20_000, "32768 characters"),
        ("include: &a [docs/**]\nexclude: *a\n", "without anchors"),
        ("include: {a: b}\n", "include is no list"),
        ("exclude: [1, 2]\n", "exclude has what is no text"),
        ("include: [" + "a" * 600 + "]\n", "500 characters"),
        ("include: [" + ", ".join(["a"] * 300) + "]\n", "300 globs, and 200 are the most"),
        ("include: ['" + "{a,b}" * 7 + "']\n", "more than 64 alternatives"),
        ("include: ['" + "{a}" * 17 + "']\n", "more than 16 braces"),
        ("include: [" + ", ".join(["a*" * 200] * 20) + "]\n", "more than 4096 characters"),
        ("include: ['" + "".join(f"[{c}]" for c in "abcdefghi") + "']\n", "more than 8 different"),
    ],
)
def test_a_broken_configuration_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(BadInput, match=re.escape(reason)):
        from_config(text)


def test_globs_that_cannot_be_used_are_refused_when_a_source_is_connected() -> None:
    with pytest.raises(BadInput, match="more than 64 alternatives"):
        connection_metadata(SOURCE.descriptor, {**METADATA["github"], "include": ["{a,b}" * 7]})


def test_globs_are_kept_and_read_again() -> None:
    globs = Globs(("a/**",), ("b",))
    assert read(globs.as_json()) == globs
