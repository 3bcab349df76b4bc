"""What a connection leaves out, by the names that people give its filters. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ingest.core.errors import BadInput
from ingest.core.values import JSON
from ingest.sources.contract import Descriptor, Filter, Payload


def given_filters(descriptor: Descriptor, told: Iterable[str]) -> dict[str, JSON]:
    """The fields of a connection's metadata by `NAME=VALUE`, as `include=docs/**`.

    One name may come several times, where it holds a list; without a value it leaves nothing out
    any more. Raises `BadInput` for a name that the source has not, with those that it has.
    """
    values: dict[str, list[str]] = {}
    for one in told:
        name, is_given, value = one.partition("=")
        if not is_given:
            raise BadInput(
                f"{one[:80]!r} is no filter; write NAME=VALUE, as in {_example(descriptor)}"
            )
        values.setdefault(name.strip(), []).append(value.strip())
    return {
        _known(descriptor, name).field: _value(name, _known(descriptor, name), given)
        for name, given in values.items()
    }


def filters_shown(descriptor: Descriptor, metadata: Payload) -> str:
    """What a connection leaves out, for people; empty where it is nothing."""
    told = {name: metadata.get(one.field) for name, one in descriptor.filters.items()}
    return "; ".join(f"{name} {_words(value)}" for name, value in told.items() if value)


def widening(descriptor: Descriptor, connection_id: str) -> str:
    """The command by which a connection wants more."""
    names = ", ".join(descriptor.filters)
    return f"ingest source update {connection_id} --filter NAME=VALUE ({names})"


def _known(descriptor: Descriptor, name: str) -> Filter:
    found = descriptor.filters.get(name)
    if found is None:
        has = ", ".join(f"{n} ({one.says})" for n, one in descriptor.filters.items())
        raise BadInput(
            f"{descriptor.title} has no filter {name[:80]!r}; "
            + (f"it has {has}" if has else "all that its connection stands for is wanted")
        )
    return found


def _value(name: str, of: Filter, given: list[str]) -> JSON:
    wanted = [value for value in given if value]
    if not wanted:
        return of.nothing
    if of.many:
        return [*wanted]
    if len(wanted) > 1:
        raise BadInput(f"--filter {name} holds one value, and {len(wanted)} are given")
    return wanted[0]


def _example(descriptor: Descriptor) -> str:
    return f"{next(iter(descriptor.filters), 'NAME')}=…"


def _words(value: JSON) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
