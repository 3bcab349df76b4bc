"""Laws of a connection's metadata: what a person gives, and what requests and tenants are made of.

What they protect: a token goes nowhere but to its provider, and no text bends a request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from ingest.core.errors import BadInput, PermanentError, Refused
from ingest.core.values import JSON
from ingest.sources.forms import Form
from ingest.sources.hosts import Reach, base_of
from ingest.testing.laws.fixtures import Suite
from ingest.testing.laws.junk import bodies, junk, tried

UNKNOWN: Mapping[str, JSON] = {"region": "eu"}
HOSTILE = ["a\nb", "a\r\nhost: x", "a\x00b", "\x7f", "\u2028", "\ud800", "x" * 5_000]
"""What no text of any connection is."""


def test_the_sample_metadata_survives_a_round_trip(suite: Suite) -> None:
    """What a person gives is what is stored, and a field of tomorrow is kept.

    Remedy: fields have their camelCase names as aliases, and the model allows extra ones.
    """
    given_ = {**suite.connection, **UNKNOWN}
    model = suite.source.descriptor.connection.model_validate(given_)
    stored = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert {name: stored.get(name) for name in given_} == given_
    again = suite.source.descriptor.connection.model_validate(stored)
    assert again.model_dump(mode="json", by_alias=True, exclude_none=True) == stored


def test_a_connection_stands_for_a_tenant(suite: Suite) -> None:
    """No connection takes everybody's deliveries: it names what it stands for, or is refused.

    Remedy: `connection_tenants` raises `BadInput` that names the missing field.
    """
    descriptor = suite.source.descriptor
    tenants = descriptor.connection_tenants(suite.connection)
    assert tenants, "the sample connection stands for nothing"
    assert all(type(name) is str and name for name in tenants), tenants
    with pytest.raises(ValidationError):
        descriptor.connection.model_validate({"type": suite.source_type})
    with pytest.raises(BadInput):
        descriptor.connection_tenants({})


def test_deliveries_find_the_sample_connection(suite: Suite) -> None:
    """A delivery comes to its connection by what its body names.

    Remedy: `tenants` and `connection_tenants` (or `own_names`) call one thing by one name, and the
    sample metadata are those of a connection that the fixtures were recorded from.
    """
    descriptor = suite.source.descriptor
    home = set(descriptor.connection_tenants(suite.connection))
    home |= descriptor.own_names(suite.connection)
    named = [set(descriptor.tenants(one.headers, one.body)) for one in suite.fixtures]
    away = sorted({name for names in named for name in names})
    assert not away or any(names & home for names in named), f"{away} are none of {sorted(home)}"


# Texts.


def test_every_text_of_a_connection_has_a_form(suite: Suite) -> None:
    """What a person types ends in a request as one segment of a path, or in none.

    Remedy: annotate the field with a `Form` of `ingest.sources.forms`; a text that ends in no
    request is one of `source_laws(…, free={field: reason})`.
    """
    without = {name for name, forms in _texts_of(suite) if not forms}
    assert without <= suite.free.keys(), f"texts without a form: {sorted(without)}"


def test_no_text_of_a_connection_is_more_than_a_line(suite: Suite) -> None:
    """No header and no log line can be made of a connection's metadata.

    Remedy: the field's `Form` is a pattern for the whole text, and says what to give.
    """
    descriptor, fields = suite.source.descriptor, dict(_fields(suite))
    for name, _ in _texts_of(suite):
        if name in suite.free or name == "type":
            continue
        for told in HOSTILE:
            metadata = {
                **suite.connection,
                name: [told] if _is_list(fields[name].annotation) else told,
            }
            with pytest.raises(ValidationError) as raised:
                descriptor.connection.model_validate(metadata)
            faults = raised.value.errors(include_url=False, include_input=False)
            own = [fault["msg"] for fault in faults if name in fault["loc"]]
            assert any("give " in said for said in own), f"{name}: {own} do not say what to give"
            assert not any(told in said for said in own), f"{name}: the error quotes the text"


def _fields(suite: Suite) -> Iterator[tuple[str, FieldInfo]]:
    for name, told in suite.source.descriptor.connection.model_fields.items():
        yield told.alias or name, told


def _texts_of(suite: Suite) -> Iterator[tuple[str, tuple[Form, ...]]]:
    """Each text of the metadata with its forms, by the field's name as it is stored."""
    for name, told in _fields(suite):
        own = tuple(one for one in told.metadata if isinstance(one, Form))
        yield from ((name, forms) for forms in _texts(told.annotation, own))


def _texts(annotation: Any, forms: tuple[Form, ...]) -> Iterator[tuple[Form, ...]]:
    """The forms of each text within an annotation."""
    if annotation is str:
        yield forms
    told = getattr(annotation, "__metadata__", ())
    inner = tuple(one for one in told if isinstance(one, Form))
    of = get_args(annotation)[:1] if told else get_args(annotation)
    for one in of if get_origin(annotation) is not dict else ():
        yield from _texts(one, inner)


def _is_list(annotation: Any) -> bool:
    if get_origin(annotation) in {list, tuple}:
        return True
    return get_origin(annotation) is not dict and any(map(_is_list, get_args(annotation)))


# Hosts, and whatever is stored.


def test_a_token_goes_to_the_provider_s_own_hosts(suite: Suite) -> None:
    """A token is never sent to a host that a connection's metadata made up.

    Remedy: where there is `connect`, the descriptor has `api_url` (https) and `api_hosts`, and
    `documents` turns what was read into changes.
    """
    source, descriptor = suite.source, suite.source.descriptor
    assert (source.connect is None) == (source.documents is None), "connect and documents go along"
    if source.connect is None:
        return
    assert descriptor.api_hosts, "there is a client, and api_hosts name no host"
    base = base_of(descriptor, suite.connection, Reach())
    assert not base.is_trusted, "the base is on another host than api_hosts name"


def test_a_descriptor_survives_any_metadata(suite: Suite) -> None:
    """A connection that was stored by an earlier version stops nobody.

    Remedy: a descriptor's functions read each field of the metadata as one that may be anything.
    """
    of_metadata = st.fixed_dictionaries({}, optional=dict.fromkeys(dict(_fields(suite)), junk))

    @tried(suite.examples // 3)
    @given(of_metadata | bodies, st.text(max_size=30))
    def check(metadata: dict[str, Any], text: str) -> None:
        descriptor = suite.source.descriptor
        for names in (
            descriptor.own_names(metadata),
            descriptor.connection_accounts(metadata),
            descriptor.owned_prefixes(metadata),
            descriptor.connection_filter(metadata) or frozenset(),
        ):
            assert all(type(name) is str for name in names), names
        assert type(descriptor.scope("a tenant", metadata)) is str, "scope: no text"
        assert descriptor.shaped_by(metadata) == descriptor.shaped_by(metadata), "shaped_by"
        assert isinstance(descriptor.prefix_of(text), str | None), "prefix_of: no text"
        _refused_at_most(suite, metadata, text)

    check()


def _refused_at_most(suite: Suite, metadata: dict[str, Any], token: str) -> None:
    descriptor = suite.source.descriptor
    asked = (
        lambda: descriptor.connection_tenants(metadata),
        lambda: base_of(descriptor, metadata, Reach()),
        lambda: descriptor.check_token(token),
    )
    for ask in asked:
        try:
            ask()
        except (PermanentError, Refused) as error:
            assert str(error), "an error that says nothing"  # noqa: PT017 - of any kind
