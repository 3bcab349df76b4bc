"""The sources: each folder beside this file, and each entry point of the group `ingest.sources`.

A seventh source is one new folder, here or in a package of its own; nothing here names one. The
names are known without importing any; a source is imported when it is asked for. Law: a broken one
harms no other. It names itself in one line, and who asks for it gets `BrokenSource`.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import TYPE_CHECKING

import ingest.sources
from ingest.core.errors import BrokenSource, NotConnected

if TYPE_CHECKING:  # a command's help asks for the names alone
    from ingest.core.identity import Identity
    from ingest.core.references import Says, Syntax
    from ingest.sources.contract import Source

GROUP = "ingest.sources"
"""The entry points of a package outside: `<source type> = "<its package>:SOURCE"`."""
EXPORTED = "SOURCE"

_TYPE = re.compile(r"[a-z][a-z0-9]{0,30}")
"""It becomes a label of the enum, a variable `INGEST_<SOURCE>_…`, a path, a key of `mentions`."""
_QUOTED = re.compile(r"[a-z]{1,20}")
"""What is quoted of a type that nobody has; anything else may be what belongs in another place: a
body, a secret."""
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class _SourcePlace:
    """Where a source is said to be: the module, what it is called there, and who brings it.

    package: the distribution with its version, or the folder.
    """

    name: str
    module: str
    attribute: str
    package: str
    is_outside: bool

    def line(self, reason: str) -> str:
        """What is wrong with it, and what to do."""
        remedy = "or uninstall it" if self.is_outside else "or remove its folder"
        return f"source {self.name!r} of {self.package} is broken: {reason}; mend it, {remedy}"


@dataclass(frozen=True, slots=True)
class _Places:
    """By source type where each one is; and a line, by what names it, for each that can be none."""

    by_type: Mapping[str, _SourcePlace]
    misnamed: Mapping[str, str]


def source_types() -> tuple[str, ...]:
    """The types of all sources that are there, in the order of their names; imports none of them.

    Whether one can be used is known once it is asked for.
    """
    return tuple(_places().by_type)


def source(source_type: str) -> Source:
    """The source of that type, imported when it is first asked for.

    Raises `NotConnected` for one that is not there, with the known ones named, and `BrokenSource`
    for one that cannot be used.
    """
    if source_type not in _places().by_type:
        known = ", ".join(source_types())
        shown = repr(source_type) if _QUOTED.fullmatch(source_type) else "that was told"
        raise NotConnected(f"source type {shown} is unknown; known are {known}")
    found = _loaded(source_type)
    if isinstance(found, str):
        raise BrokenSource(found)
    return found


@cache
def all_sources() -> Mapping[str, Source]:
    """Every source that can be used, by its type, in the order of their names. Imports them all."""
    loaded = {name: _loaded(name) for name in source_types()}
    return MappingProxyType({n: found for n, found in loaded.items() if not isinstance(found, str)})


def broken(*, outside_only: bool = False) -> dict[str, str]:
    """A line for each source that cannot be used, by its name: which, of which package, why, and
    the remedy. Imports all to find out; with `outside_only` those of other packages alone.

    One whose name is wrong, or is another's, has a line too; it is in no list of types.
    """
    lines = dict(_places().misnamed)
    for name, place in _places().by_type.items():
        if place.is_outside or not outside_only:
            found = _loaded(name)
            lines |= {name: found} if isinstance(found, str) else {}
    return lines


def is_type(name: str) -> bool:
    """Whether a source could be called so."""
    return _TYPE.fullmatch(name) is not None


def package_of(source_type: str) -> str:
    """The package that a source stands in, as it is imported; empty for a lone module.

    Raises as `source` does.
    """
    source(source_type)
    spec = import_module(_places().by_type[source_type].module).__spec__
    return (spec.parent or "") if spec is not None else ""


@cache
def syntaxes() -> tuple[Syntax, ...]:
    """How things of every source are mentioned in text."""
    return tuple(s.mentions for s in all_sources().values() if s.mentions is not None)


def deploying() -> tuple[str, ...]:
    """The sources whose documents are deployments (`Source.deploys`)."""
    return tuple(name for name, found in all_sources().items() if found.deploys)


def folded(source_type: str, key: str) -> str:
    """A key of that source as it is compared (`Syntax.fold`); itself where nobody folds it."""
    found = all_sources().get(source_type)
    return key if found is None or found.mentions is None else found.mentions.fold(key)


def says(thing: Identity) -> Says:
    """What the words of such a document make of an edge (`Source.says`)."""
    found = all_sources().get(thing.source_type)
    return {} if found is None else found.says.get(thing.kind, {})


def imported(module: str, attribute: str) -> object:
    """What a module of a source exports.

    Raises `BrokenSource` with the reason, whatever its import raises.
    """
    try:
        return getattr(import_module(module), attribute)
    except (Exception, SystemExit) as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST_REASON]
        raise BrokenSource(f"{module} gives no {attribute} ({said})") from error


@cache
def _loaded(source_type: str) -> Source | str:
    """The source; a line where it cannot be used. It is tried once in a process."""
    from ingest.sources.contract import Descriptor, Source  # noqa: PLC0415 - names need no pydantic

    place = _places().by_type[source_type]
    try:
        found = imported(place.module, place.attribute)
    except BrokenSource as error:
        return place.line(str(error))
    named = f"{place.module}:{place.attribute}"
    if not isinstance(found, Source) or not isinstance(found.descriptor, Descriptor):
        return place.line(f"{named} is no Source of ingest.sources.contract")
    told = found.descriptor.source_type
    return found if told == source_type else place.line(f"{named} says that it is {told!r}")


@cache
def _places() -> _Places:
    found: dict[str, _SourcePlace] = {}
    misnamed: dict[str, str] = {}
    for place in (*_inside(), *_outside()):
        if not is_type(place.name):
            reason = "its name is none; take a to z and 0 to 9, first a letter, at most 31"
            misnamed[place.name] = place.line(reason)
        elif place.name in found:
            reason = f"the name is taken by {found[place.name].package}"
            misnamed[f"{place.name} of {place.package}"] = place.line(reason)
        else:
            found[place.name] = place
    return _Places(dict(sorted(found.items())), misnamed)


def _inside() -> Iterator[_SourcePlace]:
    """The folders of this package; they come first, so that nobody outside takes their names."""
    for module in pkgutil.iter_modules(ingest.sources.__path__):
        if module.ispkg:
            package = f"{ingest.sources.__name__}.{module.name}"
            yield _SourcePlace(module.name, package, EXPORTED, package, is_outside=False)


def _outside() -> Iterator[_SourcePlace]:
    """What other packages bring. Of two of one name the first in the order of packages has it."""
    points = [(point, _package(point)) for point in entry_points(group=GROUP)]
    for point, package in sorted(points, key=lambda one: (one[1], one[0].name)):
        module, _, attribute = (part.strip() for part in point.value.partition(":"))
        yield _SourcePlace(point.name, module, attribute or EXPORTED, package, is_outside=True)


def _package(point: EntryPoint) -> str:
    """The distribution that brings it, with its version; its module where it does not say."""
    told = point.dist.metadata if point.dist is not None else None
    return f"{told['Name']} {told['Version']}" if told and told["Name"] else point.value
