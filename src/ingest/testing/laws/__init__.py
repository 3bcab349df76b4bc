"""The laws that all sources keep, as a class of tests that an author runs with one line of pytest.

    from ingest.testing import source_laws
    from acme_source import SOURCE

    TestAcme = source_laws(SOURCE, fixtures=FOLDER, connection={"type": "acme", …})

A law is a function `test_…` of one of these modules. Its docstring says in a sentence what it
protects, and what to do about it. No law names a provider.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from inspect import cleandoc, signature
from pathlib import Path
from types import ModuleType
from typing import Any, ParamSpec

import pytest

from ingest.core.values import JSON
from ingest.sources.contract import Source
from ingest.testing.laws import (
    answers,
    connections,
    identity,
    junk,
    limits,
    listing,
    lookups,
    meaning,
    requests,
    signatures,
    story,
    types,
)
from ingest.testing.laws.fixtures import Fixture, Law, Suite, check_connection, read_fixtures
from ingest.testing.sample import Sample

P = ParamSpec("P")

ALWAYS: tuple[ModuleType, ...] = (signatures, meaning, identity, junk, types, connections)
"""The rooms of the laws that every source keeps, in the order in which they are run."""
OF_SAMPLES: tuple[ModuleType, ...] = (story,)
"""Those that a source with a sample keeps too."""
OF_CLIENTS: tuple[ModuleType, ...] = (lookups, answers, requests)
"""And those of one that looks things up, with the sample's fake API."""
OF_LISTS: tuple[ModuleType, ...] = (listing,)
"""And those of one that is listed."""
OF_LIMITS: tuple[ModuleType, ...] = (limits,)
"""And those of one that knows its provider's limits."""
EVERY_ROOM = (*ALWAYS, *OF_SAMPLES, *OF_CLIENTS, *OF_LISTS, *OF_LIMITS)
JUNK: tuple[ModuleType, ...] = (junk,)
"""Those that try examples, for a run that tries many."""
EXAMPLES = 300


def source_laws(
    source: Source,
    *,
    fixtures: Path,
    connection: Mapping[str, JSON],
    sample: Sample | None = None,
    examples: int = EXAMPLES,
    thorough: bool = False,
    free: Mapping[str, str] | None = None,
    laws: tuple[ModuleType, ...] | None = None,
) -> type:
    """A class of tests, one for each law and fixture, for `TestSomething = source_laws(…)`.

    fixtures: the folder with `<event>.<more>.json`, each a delivery of the provider's.
    connection: the metadata of a connection that these deliveries come to.
    sample: the source's `SAMPLE`; with it the laws of its part in the demo are kept, and those of
        look-ups where it has a `provider`; of lists and of limits where the source has a `listing`
        and `limits` too.
    examples, thorough: how much junk is tried; the usual takes seconds, the thorough one minutes.
    free: texts of the connection's metadata that need no form, each with its reason.
    laws: the rooms to take laws from, where not all that apply are wanted.

    Ends the collection with one line where there is no fixture, where one is not {"headers",
    "body"}, or where the metadata does not fit the descriptor's model.
    """
    check_connection(source, connection)
    read = read_fixtures(source, Path(fixtures), connection)
    suite = Suite(source, connection, read, examples, thorough, free or {}, sample)
    rooms = applying_to(suite) if laws is None else laws
    title = source.descriptor.title
    members: dict[str, Any] = {
        "__doc__": f"The laws that {title} keeps as every source does.",
        "pytest_generate_tests": staticmethod(_each_delivery(suite)),
        "suite": pytest.fixture(lambda _self: suite),
    }
    members |= {law.__name__: staticmethod(explained(law)) for law in laws_of(rooms)}
    return type(f"LawsOf{source.descriptor.source_type.capitalize()}", (), members)


def applying_to(suite: Suite) -> tuple[ModuleType, ...]:
    """The rooms whose laws this source can be asked to keep."""
    with_sample = OF_SAMPLES if suite.sample is not None else ()
    has_api = suite.sample is not None and suite.sample.provider is not None
    has_client = has_api and suite.source.connect is not None
    with_client = OF_CLIENTS if has_client else ()
    with_lists = OF_LISTS if has_client and suite.source.listing is not None else ()
    with_limits = OF_LIMITS if has_client and suite.source.limits is not None else ()
    return (*ALWAYS, *with_sample, *with_client, *with_lists, *with_limits)


def laws_of(rooms: tuple[ModuleType, ...]) -> Iterator[Law]:
    """The laws of these rooms, as they stand there."""
    for room in rooms:
        for name, found in vars(room).items():
            if name.startswith("test_") and found.__module__ == room.__name__:
                yield found


def _each_delivery(suite: Suite) -> Callable[[pytest.Metafunc], None]:
    """Runs a law for each fixture, or each delivery of the story, as its parameter is called."""
    of = {"fixture": lambda: suite.fixtures, "delivery": lambda: suite.deliveries}

    def each(metafunc: pytest.Metafunc) -> None:
        for name in of.keys() & set(metafunc.fixturenames):
            found = of[name]()
            metafunc.parametrize(name, found, ids=[one.name for one in found])

    return each


def explained(law: Callable[P, None]) -> Callable[P, None]:
    """The law itself; whatever it raises says which fixture broke it, and what it protects."""

    @functools.wraps(law)
    def kept(*args: P.args, **kwargs: P.kwargs) -> None:
        __tracebackhide__ = True
        try:
            law(*args, **kwargs)
        except (Exception, pytest.fail.Exception) as error:
            for told in signature(law).bind(*args, **kwargs).arguments.values():
                if isinstance(told, Fixture):
                    error.add_note(f"delivery: {told.name} of {told.place}")
            error.add_note(f"law: {law.__name__}\nprotects: {cleandoc(law.__doc__ or '')}")
            raise

    return kept
