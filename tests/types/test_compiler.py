"""Where the compiler cannot be had, it is said why: what needs it is skipped for that reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.types.compiler import MissingTool, installed


def _program(folder: Path, name: str, said: str = "", code: int = 0) -> None:
    (folder / name).write_text(f"#!/bin/sh\necho '{said}' >&2\nexit {code}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("there", [[], ["node"]])
def test_a_machine_without_node_or_npm_is_named_as_the_reason(
    there: list[str], tmp_path: Path
) -> None:
    for name in there:
        _program(tmp_path, name)
    with pytest.raises(MissingTool, match=r"(node|npm) is not on this machine"):
        installed(tmp_path, str(tmp_path))


def test_an_install_that_fails_says_npms_reason_and_leaves_nothing(tmp_path: Path) -> None:
    programs, prefix = tmp_path / "bin", tmp_path / "prefix"
    programs.mkdir()
    prefix.mkdir()
    _program(programs, "node")
    _program(programs, "npm", "no network here", code=1)
    with pytest.raises(MissingTool, match="no network here"):
        installed(prefix, str(programs))
    assert list(prefix.iterdir()) == []
