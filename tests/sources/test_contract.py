"""The laws that all sources share, for each source of this repository; nobody is named here.

A fixture is `<provider>/fixtures/<event>.<more>.json` with {"headers", "body"}: a delivery in the
provider's real shape. Where they come from another connection than the sample one, what is other
about it stands in `<provider>/connection.json`. A new source needs fixtures and nothing in this
file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any

import pytest

from ingest.sources.contract import Source
from ingest.sources.registry import source
from ingest.testing import source_laws
from ingest.testing.laws import EVERY_ROOM, JUNK, laws_of
from ingest.testing.laws.fixtures import Law
from ingest.testing.sample import sample_of
from tests.factories import METADATA, OURS

HERE = Path(__file__).parent
FREE: Mapping[str, str] = {
    "include": "patterns of paths, which end in no request and have bounds of their own",
    "exclude": "the same",
}
"""Texts without a form, and why."""


def _laws(of: Source, **more: Any) -> type:
    folder = HERE / of.descriptor.source_type
    return source_laws(
        of,
        fixtures=folder / "fixtures",
        connection=_connection(folder),
        sample=sample_of(of.descriptor.source_type),
        free=FREE,
        **more,
    )


def _connection(folder: Path) -> dict[str, Any]:
    other = folder / "connection.json"
    return {**METADATA[folder.name], **(json.loads(other.read_text()) if other.exists() else {})}


for _source in map(source, sorted(OURS)):
    _name = _source.descriptor.title
    globals()[f"Test{_name}"] = _laws(_source, examples=100)
    globals()[f"Test{_name}ForLong"] = pytest.mark.slow(
        _laws(_source, examples=4_000, thorough=True, laws=JUNK)
    )


@pytest.mark.parametrize("law", [*laws_of(EVERY_ROOM)], ids=lambda law: law.__name__)
def test_a_law_says_what_it_protects_and_what_to_do(law: Law) -> None:
    protects, _, remedy = cleandoc(law.__doc__ or "").partition("\nRemedy: ")
    assert protects.partition("\n")[0].endswith(".")
    assert remedy
