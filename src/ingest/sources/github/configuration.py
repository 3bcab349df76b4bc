"""Which files are wanted: what the connection says of it, or else the repository itself.

Law: what is broken changes nothing. The globs of before stay in force, and a person is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import orjson

from ingest.core.errors import BadInput, PermanentError
from ingest.core.frontmatter import MAX_CHARS
from ingest.core.values import JSON
from ingest.sources.contract import Payload
from ingest.sources.github.applied import Applied
from ingest.sources.github.files import text_of
from ingest.sources.github.globs import Globs, from_config, read
from ingest.sources.github.trees import File

CONFIG_PATHS = ("lightfast.yml", ".lightfast.yml", "lightfast.yaml", ".lightfast.yaml")
"""Where a repository says itself what it wants: the first that is there."""
_LARGEST = 4 * MAX_CHARS + 4
"""In bytes: a longer one has more characters than are read, in any encoding."""


@dataclass(frozen=True, slots=True)
class Wants:
    """What the connection itself says of the files: its globs, or where the repository says them.

    `globs` is None where they stand in the repository, in the first of `config_paths`; and where
    the connection's are broken, as `problem` tells then.
    """

    globs: Globs | None
    config_paths: tuple[str, ...]
    digest: str
    problem: str | None = None


def wants(metadata: Payload) -> Wants:
    """Out of the connection's metadata: `include` and `exclude`, `configPath`."""
    told = {name: metadata.get(name) for name in ("include", "exclude")}
    own, problem = None, None
    try:
        own = read(told) if any(told.values()) else None
    except BadInput as error:
        problem = f"the globs of the connection's metadata are broken: {error}"
    named = metadata.get("configPath")
    paths = (named.lstrip("/"),) if isinstance(named, str) and named else ()
    said: JSON = [own.as_json() if own else None, *paths]
    digest = hashlib.sha256(orjson.dumps(said)).hexdigest()[:16]
    return Wants(own, (*paths, *CONFIG_PATHS), digest, problem)


def in_force(
    before: Applied,
    want: Wants,
    find: Callable[[str], File | None],
    read_file: Callable[[File], bytes],
) -> Applied:
    """The state with the globs in force; `find` finds a file of the commit by its path.

    Raises `PermanentError` where they are broken, and which were in force is not known any more.
    """
    if want.globs is not None:
        return replace(before, want=want.digest, globs=want.globs, config=None, problem=None)
    if want.problem is not None:
        return _as_before(before, want, before.config, want.problem)
    file = next((file for path in want.config_paths if (file := find(path))), None)
    if file is None:
        return replace(before, want=want.digest, globs=Globs(), config=None, problem=None)
    if file.sha == before.config:
        return replace(before, want=want.digest)
    try:
        globs = _configured(file, read_file)
    except BadInput as error:
        return _as_before(before, want, file.sha, f"{file.path} is broken: {error}")
    return replace(before, want=want.digest, globs=globs, config=file.sha, problem=None)


def _configured(file: File, read_file: Callable[[File], bytes]) -> Globs:
    if file.size is not None and file.size > _LARGEST:
        raise BadInput(f"it has more than {MAX_CHARS} characters")
    text = text_of(read_file(file))
    if text is None:
        raise BadInput("it is no text")
    return from_config(text)


def _as_before(before: Applied, want: Wants, config: str | None, problem: str) -> Applied:
    if before.globs is None and before.files:
        raise PermanentError(f"{problem}; and the globs of before are not known any more")
    globs = before.globs or Globs()
    told = f"{problem}; until it is mended, the globs of before decide which files are wanted"
    return replace(before, want=want.digest, globs=globs, config=config, problem=told)
