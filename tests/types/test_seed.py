"""The seed's interfaces and our types of the same names: TypeScript's own compiler compares them.

Each way in strict mode, and field by field, so that a field of type `any` is no way round. A type
of ours may have further optional fields and nothing else. Where other packages bring sources, the
seed's types and ours are assignable all the same; field by field the seed's own sources count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from ingest.published import published, typescript
from ingest.sources.registry import all_sources
from tests.types.compiler import compile_

SEED = (Path(__file__).parent / "seed.ts").read_text("utf-8")
INTERFACES = re.findall(r"^export interface (\w+)", SEED, re.MULTILINE)
UNIONS = re.findall(r"^export type (\w+)", SEED, re.MULTILINE)

COMPARED = """\
import type * as Seed from "./seed";
import type * as Ours from "./{ours}";

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

declare const seeds: Seed.{name};
declare const ours: Ours.{name};
export const there: Ours.{name} = seeds;
export const back: Seed.{name} = ours;
"""
EXACTLY = """\
export const exactly: Same<
  Pick<Ours.{name}, keyof Seed.{name}>,
  Pick<Seed.{name}, keyof Seed.{name}>
> = true;
"""

BENT: Mapping[str, tuple[str, str, str]] = {
    "a field has another type": ("SentryDocMetadata", "status: string;", "status: number;"),
    "a field has any type": ("SentryDocMetadata", "status: string;", "status: any;"),
    "a field is missing": ("VercelDocMetadata", "  target?: string;\n", ""),
    "a field is new and required": ("NotionDocMetadata", "{\n", "{\n  isNew: boolean;\n"),
    "a field is required that was not": ("GitHubDocMetadata", "branch?:", "branch:"),
    "a field is optional that was not": ("GitHubDocMetadata", "commitSha:", "commitSha?:"),
    "a field may be null": ("ZendeskDocMetadata", "locale?: string", "locale?: string | null"),
    "a list is one": ("LinearDocMetadata", "labels?: string[]", "labels?: string"),
    "a choice has more": ("LinearEventMetadata", 'action: "', 'action: "more" | "'),
    "a choice has less": ("NotionEventMetadata", '"created" | ', ""),
    "a literal is any text": ("GitHubEventMetadata", 'action: "push"', "action: string"),
    "the source is another": ("SentrySourceMetadata", '"sentry"', '"vercel"'),
    "a number is a text": ("ZendeskEventMetadata", "ticketId?: number", "ticketId?: string"),
    "a name is misspelt": ("GitHubSourceMetadata", "repoFullName", "repositoryFullName"),
    "something inside differs": ("DocumentRelationships", "blockedBy?: string[]", "blockedBy?: {}"),
    "a key inside is missing": ("DocumentRelationships", "    commitSha?: string;\n", ""),
}
"""How a type of ours may be wrong: its name, a text in it, and what stands there instead."""

REFUSED = re.compile("TS(2322|2344|2375|2739|2740|2741):")
"""A type that is not assignable, or no constraint's; in exact mode; one or several are missing."""

Verdict = Mapping[str, list[str]]


@pytest.fixture(scope="module")
def seeds_own() -> str:
    """What the seed's own sources publish."""
    return typescript(published({n: s for n, s in all_sources().items() if s.seed_types}))


def _comparison(name: str, ours: str, more: str = EXACTLY) -> str:
    return (COMPARED + more).format(name=name, ours=ours)


def _bent(ours: str, name: str, text: str, other: str) -> str:
    before, opening, rest = ours.partition(f"export interface {name} ")
    inside, closing, after = rest.partition("\n}\n")
    assert text in inside, f"{name} has no {text!r}"
    return before + opening + inside.replace(text, other, 1) + closing + after


@pytest.fixture(
    scope="module",
    params=[{}, {"exactOptionalPropertyTypes": True}],
    ids=["strict", "strict and exact"],
)
def verdict(
    request: pytest.FixtureRequest,
    modules: Path,
    ours: str,
    seeds_own: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Verdict:
    """What the compiler says of each comparison, of our types as they are and of bent ones."""
    folder = tmp_path_factory.mktemp("seed")
    (folder / "seed.ts").write_text(SEED)
    (folder / "ours.ts").write_text(ours)
    (folder / "own.ts").write_text(seeds_own)
    for name in INTERFACES:
        (folder / f"{name}.ts").write_text(_comparison(name, "own"))
    for name in (*INTERFACES, *UNIONS):
        (folder / f"all.{name}.ts").write_text(_comparison(name, "ours", more=""))
    for number, (name, text, other) in enumerate(BENT.values()):
        (folder / f"bent{number}.ts").write_text(_bent(seeds_own, name, text, other))
        (folder / f"against{number}.ts").write_text(_comparison(name, f"bent{number}"))
    return compile_(modules, folder, noEmit=True, **request.param)


def test_the_seed_has_its_nineteen_types_and_three_unions() -> None:
    assert (len(INTERFACES), len(UNIONS)) == (6 + 6 + 6 + 1, 3)


def test_what_is_published_compiles(verdict: Verdict) -> None:
    files = ("", "ours.ts", "own.ts", "seed.ts")
    assert not {said for file in files for said in verdict.get(file, ())}


@pytest.mark.parametrize("name", [*INTERFACES, *UNIONS])
def test_the_seeds_type_and_ours_are_assignable_to_one_another(name: str, verdict: Verdict) -> None:
    assert verdict.get(f"all.{name}.ts", []) == []


@pytest.mark.parametrize("name", INTERFACES)
def test_the_seeds_type_and_ours_are_the_same_field_by_field(name: str, verdict: Verdict) -> None:
    assert verdict.get(f"{name}.ts", []) == []


@pytest.mark.parametrize("how", BENT)
def test_a_bent_type_is_noticed(how: str, verdict: Verdict) -> None:
    said = verdict.get(f"against{list(BENT).index(how)}.ts", [])
    assert said
    assert all(REFUSED.match(line) for line in said), said
