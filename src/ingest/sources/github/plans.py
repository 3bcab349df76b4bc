"""What is left to do for a commit that is applied in parts: a `Difference` in a branch's state.

With it the next part asks for no tree, however many it takes to walk one. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ingest.core.values import JSON
from ingest.sources.github.trees import Difference, File


def plan_of(differs: Difference, *, read: Collection[str], told: Difference) -> JSON:
    """What is left where these paths were read, and `told` was told of those that went; None where
    that is nothing.
    """
    changed: list[JSON] = [
        [file.path, file.sha, file.size] for file in differs.changed if file.path not in read
    ]
    gone, unwanted = differs.gone[len(told.gone) :], differs.unwanted[len(told.unwanted) :]
    if not (changed or gone or unwanted):
        return None
    moved: dict[str, JSON] = {p: old for p, old in differs.moved.items() if p not in read}
    touched: list[JSON] = [path for path in sorted(differs.touched) if path not in read]
    return {
        "changed": changed,
        "gone": [*gone],
        "unwanted": [*unwanted],
        "moved": moved,
        "touched": touched,
    }


def planned(plan: JSON, skipped: Mapping[str, str]) -> Difference | None:
    """The same read again; None where it is none, so that the tree has to tell once more.

    skipped: hashes of files that can be no documents, by path, as the state has them.
    """
    if not isinstance(plan, dict):
        return None
    changed, gone, unwanted = (plan.get(name) for name in ("changed", "gone", "unwanted"))
    moved = plan.get("moved")
    if not (isinstance(changed, list) and isinstance(moved, dict)):
        return None
    files = [_file(told) for told in changed]
    if None in files:
        return None
    return Difference(
        changed=tuple(file for file in files if file is not None),
        gone=_paths(gone),
        unwanted=_paths(unwanted),
        moved={path: old for path, old in moved.items() if isinstance(old, str)},
        skipped=skipped,
        touched=frozenset(_paths(plan.get("touched"))),
    )


def _file(told: JSON) -> File | None:
    path, sha, size = told if isinstance(told, list) and len(told) == 3 else (None, None, None)
    if not (isinstance(path, str) and isinstance(sha, str)):
        return None
    return File(path, sha, size if isinstance(size, int) else None)


def _paths(told: JSON) -> tuple[str, ...]:
    return tuple(path for path in told if isinstance(path, str)) if isinstance(told, list) else ()
