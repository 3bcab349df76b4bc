"""The law of the matcher: it says what globs say, and costs no more than the path is long.

What is hostile is either refused as a configuration, or is an automaton of bounded size; time is
measured beside that with room for a slow machine.
"""

from __future__ import annotations

import fnmatch
import time
import tracemalloc
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.core.errors import BadInput
from ingest.sources.github.globs import LONGEST_GLOB, LONGEST_PATH, MOST_GLOBS, Globs
from ingest.sources.github.matcher import MOST_STEPS, matcher

# A model written apart from the code: names tried one by one, stars by trying everything.


def _fits(parts: Sequence[str], names: Sequence[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == "**":
        return any(_fits(parts[1:], names[n:]) for n in range(len(names) + 1))
    return bool(names) and fnmatch.fnmatchcase(names[0], parts[0]) and _fits(parts[1:], names[1:])


def _fits_glob(glob: str, path: str) -> bool:
    parts = [part for part in glob.split("/") if part]
    if not parts:
        return False
    if "/" not in glob.rstrip("/"):
        parts.insert(0, "**")
    file, names = [*parts[:-1], _same(parts[-1])], path.split("/")
    told = [*names[:-1], _same(names[-1])]
    if glob.endswith("/"):
        return _fits([*parts, "**", "*"], told)
    if set("*?[") & set(parts[-1]):
        return _fits(file, told)
    return _fits(file, told) or _fits([*parts, "**", "*"], told)


def _same(name: str) -> str:
    """With its extension as all others write it."""
    cut = name.rfind(".") + 1
    return name[:cut] + name[cut:].lower() if cut else name


def _wanted(include: Sequence[str], exclude: Sequence[str], path: str) -> bool:
    def chosen(globs: Sequence[str]) -> bool:
        fitting = [glob for glob in globs if _fits_glob(glob.removeprefix("!"), path)]
        return bool(fitting) and not fitting[-1].startswith("!")

    return chosen(include) and not chosen(exclude)


_pieces = st.sampled_from(
    ["a", "b", "A", "*", "?", "[ab]", "[!a]", "**", ".md", ".Md", "[", "x]", "é"]
)
_parts = st.just("**") | st.lists(_pieces, min_size=1, max_size=3).map("".join)
_globs = st.builds(
    lambda taken_back, root, parts, end: f"{taken_back}{root}{'/'.join(parts)}{end}",
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "", "/"]),
    st.lists(_parts, min_size=1, max_size=4),
    st.sampled_from(["", "", "/"]),
)
_names = st.text("abé.[x]m/", min_size=1, max_size=4).map(lambda name: name.replace("/", "b"))
_paths = st.lists(_names, min_size=1, max_size=5).map("/".join)


@given(st.lists(_globs, max_size=4), st.lists(_globs, max_size=2), _paths)
@example(["docs/*/**"], [], "docs/a")
@example(["a/**/b"], [], "ab/b")
@example(["**"], ["!**"], "a")
def test_a_path_is_wanted_as_the_globs_say(
    include: list[str], exclude: list[str], path: str
) -> None:
    try:
        made = matcher(include, exclude)
    except BadInput:
        return
    assert made.wants(path) is _wanted(include, exclude, path)


@given(st.lists(_globs, max_size=4), _paths)
def test_a_folder_that_is_not_reached_holds_nothing_that_is_wanted(
    include: list[str], path: str
) -> None:
    made = matcher(include, ())
    if made.wants(path):
        folders = [path[:at] for at, letter in enumerate(path) if letter == "/"]
        assert all(made.reaches(folder) for folder in folders)


def test_folders_beside_those_that_are_named_are_not_reached() -> None:
    made = matcher(("docs/**", "/*/guide/*.md", "!src/**"), ("x/**",))
    assert [f for f in ("docs", "docs/a", "src", "src/guide", "src/a") if made.reaches(f)] == [
        "docs",
        "docs/a",
        "src",
        "src/guide",
    ]


# Whoever wrote them.

HOSTILE: dict[str, Callable[[int], str]] = {
    "many **": lambda n: "**/" * 150 + f"b{n}",
    "** and *": lambda n: "/".join(["**", "a*"] * 70) + f"/b{n}",
    "braces": lambda n: "{a,b}" * 5 + f"/**/{n}*x",
    "nested braces": lambda n: "{a,{b,{c,{d,{e,{f,g*}}}}}}/**/" + f"{n}*",
    "empty braces": lambda n: "{}" * 16 + "{,}" * 6 + f"*{n}",
    "alternatives": lambda n: "**/{" + ",".join(f"a*{m}" for m in range(64)) + f"}}/{n}*",
    "stars in a name": lambda n: "*a" * 240 + f"b{n}",
    "stars and ?": lambda n: "*?" * 240 + f"b{n}",
    "a star and many ?": lambda n: "**/*a" + "?" * 480 + f"b{n}",
    "sets": lambda n: "**/*" + "[a-f]" * 90 + f"b{n}",
    "open sets": lambda n: "[a-" * 160 + str(n),
    "wide sets": lambda n: "**/*" + "".join(f"[{c}\u0100-\uffff]" for c in "bcdefghi") + f"b{n}",
    "all of it": lambda n: "**/" + "*a?a*/" * 20 + f"{n}b",
}
PATHS = {
    "deep": "/".join("a" * 2_048),
    "one long name": "a" * LONGEST_PATH,
    "long names": "/".join(["a" * 50] * 80),
    "two bytes each": "".join(map(chr, range(0x100, 0x100 + LONGEST_PATH // 2))),
}


def _most(make: Callable[[int], str]) -> tuple[str, ...]:
    """As many globs of a kind as are accepted, and as 32 KB hold."""
    globs: list[str] = []
    while len(globs) < MOST_GLOBS and sum(map(len, globs)) < 2**15:
        one = make(len(globs))
        assert len(one) <= LONGEST_GLOB
        try:
            matcher([*globs, one], ())
        except BadInput:
            break
        globs.append(one)
    return tuple(globs)


_DEAR = {"wide sets", "many **"}  # seconds each, for the same law
_EACH = [pytest.param(kind, marks=[pytest.mark.slow] * (kind in _DEAR)) for kind in HOSTILE]


@pytest.mark.parametrize("kind", _EACH)
def test_whoever_wrote_the_globs_their_automaton_is_bounded(kind: str) -> None:
    tracemalloc.start()
    try:
        globs = _most(HOSTILE[kind])
        made = matcher(globs[: len(globs) // 2], globs[len(globs) // 2 :])
        for path in PATHS.values():
            made.wants(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert made.steps <= MOST_STEPS
    assert peak < 16 * 2**20


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_path_is_slow_whoever_wrote_the_globs(kind: str) -> None:
    """The deepest path takes 1 to 3 ms of a quiet core, an ordinary one 30 µs."""
    made = Globs(_most(HOSTILE[kind]))
    for path in PATHS.values():
        assert _fastest(made, [path]) < 0.1
    ordinary = [f"packages/web-{n}/docs/guides/{n}-getting-started.md" for n in range(200)]
    assert _fastest(made, ordinary) / len(ordinary) < 0.001


def _fastest(made: Globs, paths: Sequence[str]) -> float:
    """Seconds of this thread's own time, of three tries the best."""
    taken = []
    for _ in range(3):
        fresh = Globs(made.include)
        began = time.thread_time()
        for path in paths:
            fresh.want(path)
        taken.append(time.thread_time() - began)
    return min(taken)


def test_twice_the_path_costs_twice_as_much_and_no_more() -> None:
    made = Globs(_most(HOSTILE["** and *"]))
    short, long = "/".join("a" * 500), "/".join("a" * 2_000)
    assert _fastest(made, [long]) < 12 * _fastest(made, [short])
