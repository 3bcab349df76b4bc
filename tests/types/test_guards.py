"""The guards: in a file that the compiler checks, they lead to the seed's types and to ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ingest.published import Family, Member, Published
from tests.types.compiler import compile_

HEAD = """\
import type * as Seed from "./seed";
import * as Ours from "./ours";
"""
GUARDED = """
export function of{name}(value: Ours.{of}): {there}.{name} | undefined {{
  return Ours.is{name}(value) ? value : undefined;
}}
"""
UNGUARDED = """
export function blindly{name}(value: Ours.{of}): Ours.{name} {{
  return value;
}}
"""


def _guarded(family: Family, member: Member) -> str:
    there = "Seed" if member.is_seeds else "Ours"
    return GUARDED.format(name=member.name, of=family.any_name or family.name, there=there)


def _left(family: Family) -> str:
    """Where the guard of the seed's union says no, the compiler knows that ours are left."""
    left = " | ".join(f"Ours.{m.name}" for m in family.members if not m.is_seeds) or "never"
    return (
        f"export function left(value: Ours.{family.any_name}): {left} | undefined {{\n"
        f"  return Ours.is{family.name}(value) ? undefined : value;\n}}\n"
    )


@pytest.fixture(scope="module")
def said(
    modules: Path, types: Published, ours: str, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, list[str]]:
    """What the compiler says of functions that ask a guard, and of such that do not."""
    mixed = [family for family in types.families if family.any_name is not None]
    checks = {
        "guarded.ts": "".join(_guarded(f, member) for f in types.families for member in f.members),
        "unions.ts": "".join(
            GUARDED.format(name=f.name, of=f.any_name, there="Seed") for f in mixed
        ),
        "blind.ts": "".join(
            UNGUARDED.format(name=member.name, of=f.any_name or f.name)
            for f in types.families
            for member in f.members
        ),
        **{f"left.{f.name}.ts": _left(f) for f in mixed},
    }
    folder = tmp_path_factory.mktemp("guards")
    (folder / "seed.ts").write_text((Path(__file__).parent / "seed.ts").read_text("utf-8"))
    (folder / "ours.ts").write_text(ours)
    for name, check in checks.items():
        (folder / name).write_text(HEAD + check)
    return compile_(modules, folder, noEmit=True)


def test_a_guard_gives_the_seeds_own_type_and_ours(said: Mapping[str, list[str]]) -> None:
    assert {name: lines for name, lines in said.items() if name != "blind.ts"} == {}


def test_without_the_guard_the_compiler_refuses(
    said: Mapping[str, list[str]], types: Published
) -> None:
    members = [member for family in types.families for member in family.members]
    assert len(said["blind.ts"]) == len(members)
    assert all(line.startswith("TS2322") for line in said["blind.ts"])
