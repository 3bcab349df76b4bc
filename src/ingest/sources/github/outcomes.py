"""What a delivery comes to: changes, look-ups, or nothing, with a reason. Performs no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ingest.core.changes import Change, Refresh
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Notice
from ingest.sources.later import fresh

# GitHub's API may lag behind the webhook that it has just sent.
_LAG_S = 30.0


@dataclass(frozen=True, slots=True)
class Skipped:
    """The delivery is understood and changes no document. `notices`: what it says of its
    connection.
    """

    reason: str
    notices: tuple[Notice, ...] = ()


Outcome = tuple[Change | Refresh, ...] | Skipped


def ask(
    identity: Identity,
    hint: Mapping[str, JSON] | None = None,
    *,
    otherwise: tuple[Change, ...] = (),
    told: int | None = None,
) -> Refresh:
    """The look-up of an object that GitHub has just spoken of as being there, of this version."""
    new = {} if told is None else fresh(told)
    return Refresh(identity, {**new, **(hint or {})}, otherwise, patience_s=_LAG_S)
