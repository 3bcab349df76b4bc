"""What holds for whatever an adapter says, of a real delivery, of any junk and of a look-up.

Every law that makes an adapter say something ends here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from ingest.core.changes import Change, Delete, Upsert
from ingest.core.ranks import content, rank
from ingest.sources.contract import Normalised, Source
from ingest.testing.laws.fixtures import Fixture

LONGEST_KEY = 255
MOST_DRIFT = 100


def check_meaning(fixture: Fixture, means: Normalised) -> None:
    """Raise `AssertionError` for a meaning that the program could not store, or not explain."""
    told = means.changes or means.renames
    assert told or means.skip, "a delivery without a change is skipped with a reason"
    assert not (told and means.skip), "what is skipped changes nothing"
    assert not means.renames or fixture.source.naming, "what is renamed has a `Source.naming`"
    _conforms(means.event, fixture.source.event_types, "event_types")
    check_changes(fixture.source, fixture.scope, means.untokened)
    assert len(means.drift) <= MOST_DRIFT, f"drift names over {MOST_DRIFT} fields; cut it"


def check_event(source: Source, event: Mapping[str, Any]) -> None:
    """The same for the event of a sync run."""
    _conforms(event, source.event_types, "event_types")


def check_changes(source: Source, scope: str, changes: Iterable[Change]) -> None:
    """The same for what is said of documents."""
    for change in changes:
        assert rank(change), "a change has a place in the order"
        orjson.dumps(content(change))
        identity = change.identity
        assert identity.source_type == source.descriptor.source_type, f"{identity} is another's"
        assert identity.scope == scope, f"{identity} lies outside the scope that was asked for"
        assert identity.id, f"{identity} has no id"
        if isinstance(change, Upsert):
            _conforms(change.metadata, source.document_types, "document_types")
        _check_keys(change)


def _check_keys(change: Change) -> None:
    """What a document is found by fits its column."""
    if isinstance(change, Upsert):
        assert 0 < len(change.source_id) <= LONGEST_KEY, f"source_id has {len(change.source_id)}"
        long = [one.key for one in change.references if len(one.key) > LONGEST_KEY]
        assert not long, f"a reference's key is longer than {LONGEST_KEY}"
    if isinstance(change, Upsert | Delete):
        odd = [alias for alias in change.aliases if not 0 < len(alias) <= LONGEST_KEY]
        assert not odd, f"an alias is empty, or longer than {LONGEST_KEY}"


def _conforms(metadata: Mapping[str, Any], types: tuple[type[BaseModel], ...], named: str) -> None:
    """It can be stored, and says nothing but what exactly one of the types says."""
    stored = orjson.loads(orjson.dumps(dict(metadata)))
    assert None not in stored.values(), f"an absent field is left out, never null: {stored}"
    readings = [type_.__name__ for type_ in types if _says_all(type_, stored)]
    told = f"{len(readings)} of the source's {named} say exactly {stored}: {readings or 'none'}"
    assert len(readings) == 1, told


def _says_all(type_: type[BaseModel], stored: Any) -> bool:
    try:
        read = type_.model_validate(stored, strict=True)
    except ValidationError:
        return False
    return bool(read.model_dump(mode="json", by_alias=True, exclude_none=True) == stored)
