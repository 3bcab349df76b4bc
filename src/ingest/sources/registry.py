"""The sources, found by discovery: each folder beside this file that exports `SOURCE`.

A seventh source is one new folder; nothing here names one.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

import ingest.sources
from ingest.core.errors import NotConnected
from ingest.core.references import Syntax
from ingest.sources.contract import Source


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
        raise NotConnected(f"source type {source_type!r} is unknown; known are {known}") from None


@cache
def syntaxes() -> tuple[Syntax, ...]:
    """How things of every source are mentioned in text."""
    return tuple(s.mentions for s in all_sources().values() if s.mentions is not None)
