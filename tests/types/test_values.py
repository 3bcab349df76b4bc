"""What a database holds, against what is published: the compiler, the guards and the schema judge.

A value is checked as the literal that it is: against the seed's own interface where the seed has
one (`T extends U`, so that nothing is widened), against our type with nothing left over, and
against the union.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.published import Family, Member, Published, json_schema
from ingest.published.shape import shape
from ingest.sources.registry import all_sources
from tests.types.compiler import PINNED, compile_, run
from tests.types.written import Value, Written, meant, of_family, says, stored, with_fixtures

HEAD = """\
import type * as Seed from "./seed";
import type * as Ours from "./ours";

"""
SEED = (Path(__file__).parent / "seed.ts").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class Judge:
    """The compiler and the validator, in a folder with what is published."""

    modules: Path
    folder: Path

    def compiler(self, checks: Mapping[str, str]) -> dict[str, list[str]]:
        """What the compiler says of these checks, by their names."""
        for name, check in checks.items():
            (self.folder / f"{name}.ts").write_text(HEAD + check)
        errors = compile_(self.modules, self.folder, exactOptionalPropertyTypes=True)
        return {name.removesuffix(".ts"): said for name, said in errors.items()}

    def guards_and_schema(
        self, values: Mapping[Family, Sequence[Value]]
    ) -> dict[Family, list[dict[str, Any]]]:
        """Of each value, the guards that say yes, and the definitions that hold."""
        asked = [_question(family, some) for family, some in values.items()]
        (self.folder / "asked.json").write_text(json.dumps(asked))
        places = [str(self.folder / p) for p in ("out/ours.js", "schema.json", "asked.json")]
        return dict(zip(values, run(self.modules, PINNED / "judge.cjs", *places), strict=True))


def _question(family: Family, values: Sequence[Value]) -> dict[str, Any]:
    types = [member.name for member in family.members]
    return {
        "union": family.any_name or family.name,
        "types": types,
        "guards": [f"is{name}" for name in (*types, *([family.name] if family.any_name else []))],
        "values": [one.value for one in values],
    }


@pytest.fixture
def judge(modules: Path, types: Published, ours: str, tmp_path: Path) -> Judge:
    (tmp_path / "seed.ts").write_text(SEED)
    (tmp_path / "ours.ts").write_text(ours)
    (tmp_path / "schema.json").write_text(json.dumps(json_schema(types)))
    return Judge(modules, tmp_path)


def _check(union: str, values: Sequence[Value], seeds: set[str]) -> str:
    """The values of a union, against their own types and against the union."""
    lines: list[str] = []
    for type_ in dict.fromkeys((union, *(one.type for one in values))):
        there = f"Seed.{type_}" if type_ in seeds else f"Ours.{type_}"
        lines.append(f"declare function of{type_}<T extends {there}>(value: T): void;")
    for number, one in enumerate(values):
        literal = json.dumps(one.value)
        lines += [f"of{one.type}({literal});", f"of{union}({literal});"]
        lines.append(f"export const value{number}: Ours.{one.type} = {literal};")
    return "\n".join(lines)


def _seeds(types: Published) -> set[str]:
    """The names under which both the seed and we have a type."""
    members = {member.name for family in types.families for member in family.seeds}
    return members | {types.relationships.__name__, types.connections.name}


def _accepted(judge: Judge, types: Published, written: Written) -> None:
    """Nothing is left unchecked: each value is one type's, and everybody says so."""
    columns = ("documents", "events", "connections")
    values = {
        family: of_family(family, written[column].values())
        for column, family in zip(columns, types.families, strict=True)
        if column in written
    }
    assert all(values.values()), "a column of which nothing is checked"
    unions = {family.any_name or family.name: some for family, some in values.items()}
    seeds = _seeds(types)
    checks = {union: _check(union, some, seeds) for union, some in unions.items()}
    if "relationships" in written:
        name = types.relationships.__name__
        told = _relationships(types, written["relationships"].values())
        checks[name] = _check(name, [one for one in told if _is_seeds(one)], seeds)
        checks["beside"] = _check(name, [one for one in told if not _is_seeds(one)], set())
    assert judge.compiler(checks) == {}
    for family, judged in judge.guards_and_schema(values).items():
        for one, found in zip(values[family], judged, strict=True):
            union = [f"is{family.name}"] if family.any_name and one.type in seeds else []
            assert found["guards"] == [f"is{one.type}", *union], one
            assert (found["types"], found["union"]) == ([one.type], True), one


def _is_seeds(relationships: Value) -> bool:
    """Whether it mentions none but the seed's sources."""
    known = {name for name, source in all_sources().items() if source.seed_types}
    return set(relationships.value.get("mentions", ())) <= known


def _relationships(types: Published, values: Iterable[Any]) -> list[Value]:
    model = types.relationships
    found = [Value(model.__name__, value) for value in values]
    assert found
    assert all(says(model, one.value) for one in found)
    return found


def test_what_a_delivery_means_is_what_is_published(judge: Judge, types: Published) -> None:
    _accepted(judge, types, meant(with_fixtures()))


@pytest.mark.integration
@pytest.mark.once
def test_what_is_in_the_database_is_what_is_published(
    engine: sa.Engine, judge: Judge, types: Published
) -> None:
    written = stored(engine, with_fixtures())
    _accepted(judge, types, written)
    had = {
        value.type
        for column, family in (("documents", types.documents), ("events", types.events))
        for value in of_family(family, written[column].values())
    }
    members = {*types.documents.members, *types.events.members}
    ours = {member.name for member in members if member.source_type in with_fixtures()}
    assert ours - had == set(), "types that nothing is written in"


WRONG: Mapping[str, Any] = {
    "a number for a text": {"webhookId": 7},
    "null": {"webhookId": None},
    "an action of the other member": {"action": "no such action"},
    "another source": {"type": "no such source"},
}


def test_a_value_that_does_not_fit_is_refused_by_the_compiler_and_the_schema(
    judge: Judge, types: Published
) -> None:
    event = next(m for m in types.events.seeds if "webhook_id" in m.model.model_fields)
    values = [Value(event.name, {**_made(event), **wrong}) for wrong in WRONG.values()]
    checks = {f"wrong{n}": _check(event.name, [v], {event.name}) for n, v in enumerate(values)}
    beside = Value(event.name, {**_made(event), "beside": 1})
    checks["beside"] = _check(event.name, [beside], {event.name})
    said = judge.compiler(checks)
    assert said.keys() == checks.keys()
    assert [line.partition(":")[0] for line in said["beside"]] == ["TS2353"], "nothing may be left"
    (judged,) = judge.guards_and_schema({types.events: values}).values()
    assert not [found for found in judged if event.name in found["types"]]


def _made(member: Member) -> dict[str, Any]:
    """A value of the member: its required fields, each with what the schema lets it be."""
    shaped = shape(member.model)
    return {name: _any_of(shaped["properties"][name]) for name in shaped["required"]}


def _any_of(told: Mapping[str, Any]) -> Any:
    return told.get("const", told.get("enum", [""])[0])
