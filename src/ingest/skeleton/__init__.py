"""The skeleton of a package of one's own that brings a source; `ingest source new` writes it.

`files` is a whole small source of an invented provider, Acme, as its author would have it: whoever
takes it over replaces words, and not structure. Here its name is the first word to be replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from ingest.core.errors import BadInput
from ingest.sources.registry import is_type, source_types

NAME = "acme"
_ENDING = ".template"


def write(name: str, directory: Path) -> Path:
    """Write the package of a source of that type into a new folder of `directory`; its path.

    Raises `BadInput` for a name that no source can have, or that one has, for a folder that is
    there already, and where nothing can be written.
    """
    if not is_type(name):
        raise BadInput(
            f"{name[:40]!r} cannot be a source's type; take a to z and 0 to 9, first a letter, at "
            "most 31"
        )
    if name in source_types():
        raise BadInput(f"there is a source {name} already; take another name")
    folder = directory / f"ingest-source-{name}"
    try:
        folder.mkdir(parents=True)
        for path, text in _rendered(name):
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, "utf-8")
    except FileExistsError:
        raise BadInput(
            f"{folder} is there already; remove it, or give another --directory"
        ) from None
    except OSError as error:
        raise BadInput(f"{folder} cannot be written: {error.strerror}") from error
    return folder


def _rendered(name: str) -> Iterator[tuple[PurePosixPath, str]]:
    """Every file of the skeleton with its path, under that name."""
    for path, file in _walk(files(__name__) / "files", PurePosixPath()):
        renamed = PurePosixPath(_renamed(str(path), name).removesuffix(_ENDING))
        yield renamed, _renamed(file.read_text("utf-8"), name)


def _walk(folder: Traversable, here: PurePosixPath) -> Iterator[tuple[PurePosixPath, Traversable]]:
    for found in sorted(folder.iterdir(), key=lambda one: one.name):
        if found.is_dir():
            yield from _walk(found, here / found.name)
        elif found.name.endswith(_ENDING):
            yield here / found.name, found


def _renamed(text: str, name: str) -> str:
    """The text with the skeleton's name as it stands there replaced by this one."""
    for told in (str.lower, str.capitalize, str.upper):
        text = text.replace(told(NAME), told(name))
    return text
