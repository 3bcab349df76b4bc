"""Globs: what of a repository is wanted, in the words of people who write `.gitignore` files."""

from __future__ import annotations

import time

import pytest

from ingest.sources.github.globs import DEFAULT_INCLUDE, Globs, from_config, read


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
        ("*.MD", "a.md", False),
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


@pytest.mark.parametrize(
    "glob",
    [
        "*a" * 200 + "b",
        "**/" * 150 + "b",
        "**/a*/" * 80 + "b",
        "a*" * 100 + "/" + "*a" * 100,
        "{a,b}" * 60,
        "[a-" * 100,
    ],
)
def test_no_glob_is_slow_whatever_the_path(glob: str) -> None:
    globs = Globs(include=(glob,))
    began = time.perf_counter()
    for path in ("a" * 4_000, "a/" * 2_000 + "a", "/".join(["a" * 50] * 80)):
        globs.want(path)
    assert time.perf_counter() - began < 2


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
    "text",
    [
        "include: [docs/**\n",
        "- docs/**\n",
        "just words",
        "include: {a: b}\n",
        "include: [1, 2]\n",
        "include: &a [docs/**]\nexclude: *a\n",
        "include: [" + ", ".join(["a"] * 300) + "]\n",
        "include: [" + "a" * 600 + "]\n",
        "a: " * 20_000,
    ],
)
def test_a_broken_configuration_is_known_as_one(text: str) -> None:
    assert from_config(text) is None


def test_globs_are_kept_and_read_again() -> None:
    globs = Globs(("a/**",), ("b",))
    assert read(globs.as_json()) == globs
