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
from typing import TYPE_CHECKING

import ingest.sources
from ingest.core.errors import NotConnected

if TYPE_CHECKING:  # a command's help asks for the names alone
    from ingest.core.references import Syntax
    from ingest.sources.contract import Source

_LIKE_A_TYPE = re.compile(r"[a-z]{1,20}")
"""What is quoted; anything else may be what belongs in another place: a body, a secret."""


@cache
def source_types() -> tuple[str, ...]:
    """The type of every source, in their order; loads none of them."""
    folders = pkgutil.iter_modules(ingest.sources.__path__)
    return tuple(sorted(module.name for module in folders if module.ispkg))


@cache
def all_sources() -> Mapping[str, Source]:
    """Every source by its type, in the order of their names."""
    found: dict[str, Source] = {}
    for name in source_types():
        source: Source = import_module(f"ingest.sources.{name}").SOURCE
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


@cache
def syntaxes() -> tuple[Syntax, ...]:
    """How things of every source are mentioned in text."""
    return tuple(s.mentions for s in all_sources().values() if s.mentions is not None)
