"""All targets, made when they are asked for, by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from fuzz.target import Target
from fuzz.targets import answers, deliveries, plain, receiver, rendering, signatures
from fuzz.targets.sources import subject
from ingest.sources.registry import all_sources

Make = Callable[[], Target | None]


def every() -> Mapping[str, Make]:
    """What there is; `None` is made of what a source does not have."""
    found: dict[str, Make] = {
        "parsing": plain.parsing,
        "extraction": plain.extraction,
        "chunking": plain.chunking,
        "markup": plain.markup,
        "blocks": plain.blocks,
        "rendering": rendering.target,
        "receiver": receiver.target,
    }
    for name in all_sources():
        found[f"signatures-{name}"] = partial(_of, signatures.target, name)
        found[f"deliveries-{name}"] = partial(_of, deliveries.target, name)
        found[f"answers-{name}"] = partial(_of, answers.target, name)
    return found


def _of(make: Callable[..., Target | None], name: str) -> Target | None:
    return make(subject(name))
