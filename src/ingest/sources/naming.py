"""How what a provider's keys begin with is read, and put in another's place. Performs no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ingest.core.naming import Called
from ingest.core.values import JSON

Metadata = Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Naming:
    """A space of a scope (a repository, a team, a project) whose name keys begin with.

    All are pure. Names are the provider's, in its spelling.

    within: of a document's metadata, in which space it is, and by which name its keys call that;
        None where they do not say.
    tells: whether that name is the provider's own word of the time, so that others are renamed
        after it; what only repeats a key that it was told (a comment's issue) tells none.
    key: a key (`source_id`, alias, what a reference holds) under another name: (key, before,
        after); the key itself where it is not one under `before`.
    metadata: a document's metadata under another name, as the provider would tell them now: (them,
        before, after).
    prefix: a name as a bare key would begin with it (`Descriptor.owned_prefixes`).
    """

    within: Callable[[Metadata], Called | None]
    key: Callable[[str, str, str], str]
    metadata: Callable[[Metadata, str, str], dict[str, JSON]]
    prefix: Callable[[str], str]
    tells: Callable[[Metadata], bool] = lambda _metadata: True
