"""The rooms: which edge and which room of `flows` may import which (docs/architecture.md)."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "ingest"

EDGES = ("web", "cli", "worker", "door")
"""What the world calls. An edge imports no other edge: what two of them need stands below."""

ROOMS: Mapping[str, tuple[str, ...]] = {
    "batches": (),
    "documents": (),
    "receiving": ("batches",),
    "connections": ("documents", "receiving"),
    "lookups": ("batches", "connections", "documents"),
    "deliveries": ("batches", "connections", "documents", "lookups", "receiving"),
    "syncs": ("batches", "connections", "documents", "lookups"),
    "reprocess": ("batches", "connections", "documents", "syncs"),
    "subscriptions": ("connections", "lookups", "receiving"),
    "legacy": ("batches", "connections", "documents"),
    "doctor": ("connections", "documents", "lookups", "subscriptions", "syncs"),
    "sweep": ("documents",),
    "retention": (),
    "evaluating": (),
    "graph": (),
    "explaining": ("connections", "deliveries", "documents"),
}
"""The rooms of `flows`, each with those that it may use: nobody uses one that uses him."""

PLAYED: Mapping[str, tuple[str, ...]] = {
    "demo": ("cli", "demo"),
    "testing": ("cli", "demo", "testing"),
}
"""What no process of a running installation loads, and who may import it (a source's own `demo`
apart).
"""


@cache
def _imports() -> tuple[tuple[str, str], ...]:
    """(module, imported module) of the whole package; both as dotted names without `ingest.`"""
    return tuple(
        (".".join(path.relative_to(PACKAGE).with_suffix("").parts), named)
        for path in sorted(PACKAGE.rglob("*.py"))
        for named in _named(ast.parse(path.read_text("utf-8")))
    )


def _named(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ingest"):
            module = (node.module or "").removeprefix("ingest").removeprefix(".")
            for alias in node.names:
                yield f"{module}.{alias.name}".removeprefix(".")
        elif isinstance(node, ast.Import):
            yield from (a.name[7:] for a in node.names if a.name.startswith("ingest."))


def _room(module: str) -> str | None:
    """The room of `flows` that a module stands in."""
    parts = module.split(".")
    return parts[1] if parts[0] == "flows" and len(parts) > 1 else None


@pytest.mark.parametrize("edge", EDGES)
def test_no_edge_imports_another(edge: str) -> None:
    others = {*EDGES} - {edge}
    wrong = [
        f"{module} imports {named}"
        for module, named in _imports()
        if module.split(".")[0] == edge and named.split(".")[0] in others
    ]
    assert not wrong


def test_what_stands_below_the_edges_imports_none() -> None:
    """But for the library's own door, `import ingest`, which opens when it is called."""
    wrong = [
        f"{module} imports {named}"
        for module, named in _imports()
        if module.split(".")[0] not in {*EDGES, "__init__"} and named.split(".")[0] in EDGES
    ]
    assert not wrong


def test_every_room_of_flows_is_known_here() -> None:
    found = {_room(module) for module, _ in _imports()} - {None, "__init__"}
    assert found == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_of_flows_uses_those_before_it_alone(room: str) -> None:
    wrong = [
        f"{module} imports {named}"
        for module, named in _imports()
        if _room(module) == room
        and (other := _room(named)) is not None
        and other not in {room, *ROOMS[room]}
    ]
    assert not wrong


def test_no_two_rooms_of_flows_use_one_another() -> None:
    before: set[str] = set()
    for room, used in ROOMS.items():
        assert set(used) <= before, f"{room} uses a room that stands behind it"
        before.add(room)


@pytest.mark.parametrize("room", PLAYED)
def test_what_is_played_is_loaded_by_no_process_that_runs(room: str) -> None:
    wrong = [
        f"{module} imports {named}"
        for module, named in _imports()
        if named.split(".")[0] == room
        and module.split(".")[0] not in PLAYED[room]
        and not (module.startswith("sources.") and ".demo." in f"{module}.")
    ]
    assert not wrong
