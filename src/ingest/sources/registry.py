"""The sources, found by discovery: each folder beside this file that exports `SOURCE`.

A seventh source is one new folder; nothing here names one.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

import ingest.sources
from ingest.core.errors import NotConnected
from ingest.core.references import Syntax
from ingest.sources.contract import Source

_LIKE_A_TYPE = re.compile(r"[a-z]{1,20}")
"""What is quoted; anything else may be what belongs in another place: a body, a secret."""


@cache
def all_sources() -> Mapping[str, Source]:
    """Every source by its type, in the order of their names."""
    found: dict[str, Source] = {}
    for module in sorted(pkgutil.iter_modules(ingest.sources.__path__), key=lambda m: m.name):
        if module.ispkg:
            source: Source = import_module(f"ingest.sources.{module.name}").SOURCE
            found[source.descriptor.source_type] = source
    return MappingProxyType(found)


def source(source_type: str) -> Source:
    """The source of that type; raises `NotConnected` with the known ones named."""
    try:
        return all_sources()[source_type]
    except KeyError:
        known = ", ".join(all_sources())
        shown = repr(source_type) if _LIKE_A_TYPE.fullmatch(source_type) else "that was told"
        raise NotConnected(f"source type {shown} is unknown; known are {known}") from None


def package_of(source_type: str) -> str:
    """The package of a source, by the name that it is imported by."""
    return f"ingest.sources.{source(source_type).descriptor.source_type}"


@cache
def syntaxes() -> tuple[Syntax, ...]:
    """How things of every source are mentioned in text."""
    return tuple(s.mentions for s in all_sources().values() if s.mentions is not None)
