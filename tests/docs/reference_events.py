"""The page of the events: what becomes of each, what is recorded of it, and what is left alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pydantic import BaseModel

from ingest.published import Member, published
from ingest.published.shape import Schema, shape
from ingest.sources.contract import Source
from ingest.sources.registry import all_sources
from tests.docs.events_told import Told, told
from tests.docs.tables import cell, table
from tests.docs.wanted import EVENTS
from tests.factories import OURS

BASE = {"string": "text", "integer": "number", "boolean": "true, false"}
LEFT_OUT = "a text that is none of the others'"


def events() -> str:
    """Every event of every source, and the types of what is recorded of it."""
    ours = {name: one for name, one in all_sources().items() if name in OURS}
    of_source = {members[0].source_type: members for members in published(ours).events.by_source()}
    sections = (_source(name, one, of_source[name]) for name, one in sorted(ours.items()))
    return f"""# Events

Two things are called so. *What a provider sends* is listed by its name there, with what becomes of
it; why it is so, and what goes with what: [events](../events.md). *What is recorded* is a row of
`lightfast_ingestion_events` for each store that the delivery was for:

- `event_key`: the provider's id of the delivery, or of the fact where a delivery's id is none; a
  sync run's is of the object and its version. Over 255 characters it is hashed.
- `event_metadata`: JSON, of the types below; `ingest types` writes them as TypeScript and JSON
  Schema.
- `status`: `processed`; `skipped` where it changed nothing; `failed` comes out of a legacy database
  alone.

The outcomes are those of the deliveries in `tests/sources/<source>/fixtures`, read by the adapters;
*of these* names the fixtures, where an event ends in several ways. *With a token* is with one on
the connection; a look-up that finds nothing, or is refused, ends as [events](../events.md) has it.
An event that stands nowhere here is `skipped: unknown …`, and recorded all the same. *Asked for*
are the events that a webhook is made for, or that somebody is told to choose.

{"".join(sections)}This page is made of the code (`make reference`).
"""


def _source(name: str, one: Source, members: tuple[Member, ...]) -> str:
    descriptor = one.descriptor
    reasons = sorted({*one.ignored.values()})
    ignored = ((cell(why), _codes(_of(one.ignored, why))) for why in reasons)
    ends = table(
        ("event", "of these", "`action`", "with a token", "without one"),
        map(_row, told(name)),
    )
    facts = table(("of a delivery", ""), _facts(one))
    asked = _codes(sorted(EVENTS.get(name, ())))
    recorded = "\n".join(map(_member, members))
    return f"""## {descriptor.title}

{facts}
Asked for: {asked}.

### What becomes of {descriptor.title}'s events

{ends}
### What is left alone of {descriptor.title}'s

Each delivery of these is `skipped`, with the reason, and recorded. A name that ends in a dot stands
for all that begin so.

{table(("reason", "events"), ignored)}
### What is recorded of {descriptor.title}'s

{recorded}
"""


def _of(ignored: Mapping[str, str], reason: str) -> list[str]:
    return sorted(kind for kind, why in ignored.items() if why == reason)


def _facts(one: Source) -> Iterator[tuple[str, str]]:
    """What the descriptor says of any delivery."""
    descriptor = one.descriptor
    yield "refused without", _codes(descriptor.needed_headers)
    yield "headers that are stored", _codes(sorted(descriptor.kept_headers))
    absent = "; where it names none, a hash of the body" if descriptor.key_may_be_absent else ""
    yield "is the same as another by", f"the provider's id of it{absent}"
    if descriptor.volatile_fields:
        yield "fields that another attempt may change", _codes(sorted(descriptor.volatile_fields))
    route = f"`/webhooks/{descriptor.source_type}"
    app_wide = f", and {route}` of an app" if descriptor.signs_for_all_tenants else ""
    yield "comes by", f"{route}/{{connection_id}}`{app_wide}"


def _row(one: Told) -> tuple[str, ...]:
    cases = ", ".join(f"`{case}`" if case else "any other" for case in one.cases)
    outcome = one.outcome
    return (
        f"`{one.event}`",
        cell(cases),
        f"`{outcome.action}`",
        cell(outcome.with_token),
        cell(outcome.without),
    )


def _member(member: Member) -> str:
    """A type of what is recorded: which `action` tells it, and its fields."""
    schema = shape(member.model)
    required = schema.get("required", ())
    fields = (
        (f"`{name}`", _type(told), "always" if name in required else "where it is known")
        for name, told in schema["properties"].items()
        if name not in {"type", "action"}
    )
    seeds = ", the seed's own" if member.is_seeds else ""
    says = cell(_first_paragraph(member.model))
    heading = f"**`{member.name}`**{seeds}. {says}"
    return f"{heading} `action`: {_actions(member)}.\n\n{table(('field', 'is', 'there'), fields)}"


def _first_paragraph(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").partition("\n\n")[0]


def _actions(member: Member) -> str:
    mark = member.mark
    return _codes(mark.values) if mark is not None and mark.values else LEFT_OUT


def _type(told: Schema) -> str:
    if "const" in told:
        return f"`{told['const']}`"
    if "enum" in told:
        return _codes(told["enum"])
    return BASE[told["type"]]


def _codes(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words) or "nothing"
