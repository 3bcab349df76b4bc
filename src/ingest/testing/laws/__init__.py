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
from ingest.testing.laws import connections, identity, junk, meaning, signatures, types
from ingest.testing.laws.fixtures import Law, Suite, check_connection, read_fixtures

P = ParamSpec("P")

MODULES: tuple[ModuleType, ...] = (signatures, meaning, identity, junk, types, connections)
"""The rooms of the laws, in the order in which they are run."""
JUNK: tuple[ModuleType, ...] = (junk,)
"""Those that try examples, for a run that tries many."""
EXAMPLES = 300


def source_laws(
    source: Source,
    *,
    fixtures: Path,
    connection: Mapping[str, JSON],
    examples: int = EXAMPLES,
    thorough: bool = False,
    free: Mapping[str, str] | None = None,
    laws: tuple[ModuleType, ...] = MODULES,
) -> type:
    """A class of tests, one for each law and fixture, for `TestSomething = source_laws(…)`.

    fixtures: the folder with `<event>.<more>.json`, each a delivery of the provider's.
    connection: the metadata of a connection that these deliveries come to.
    examples, thorough: how much junk is tried; the usual takes seconds, the thorough one minutes.
    free: texts of the connection's metadata that need no form, each with its reason.
    laws: the rooms to take laws from.

    Ends the collection with one line where there is no fixture, where one is not {"headers",
    "body"}, or where the metadata does not fit the descriptor's model.
    """
    check_connection(source, connection)
    read = read_fixtures(source, Path(fixtures), connection)
    suite = Suite(source, connection, read, examples, thorough, free or {})
    title = source.descriptor.title
    members: dict[str, Any] = {
        "__doc__": f"The laws that {title} keeps as every source does.",
        "pytest_generate_tests": staticmethod(_each_fixture(suite)),
        "suite": pytest.fixture(lambda _self: suite),
    }
    members |= {law.__name__: staticmethod(_explained(law)) for law in laws_of(laws)}
    return type(f"LawsOf{source.descriptor.source_type.capitalize()}", (), members)


def laws_of(modules: tuple[ModuleType, ...] = MODULES) -> Iterator[Law]:
    """The laws of these rooms, as they stand there."""
    for module in modules:
        for name, found in vars(module).items():
            if name.startswith("test_") and found.__module__ == module.__name__:
                yield found


def _each_fixture(suite: Suite) -> Callable[[pytest.Metafunc], None]:
    def each(metafunc: pytest.Metafunc) -> None:
        if "fixture" in metafunc.fixturenames:
            ids = [fixture.name for fixture in suite.fixtures]
            metafunc.parametrize("fixture", suite.fixtures, ids=ids)

    return each


def _explained(law: Callable[P, None]) -> Callable[P, None]:
    """The law itself; whatever it raises says which fixture broke it, and what it protects."""

    @functools.wraps(law)
    def explained(*args: P.args, **kwargs: P.kwargs) -> None:
        __tracebackhide__ = True
        try:
            law(*args, **kwargs)
        except Exception as error:
            told = signature(law).bind(*args, **kwargs).arguments
            if "fixture" in told:
                error.add_note(f"fixture: {told['fixture'].file}")
            error.add_note(f"law: {law.__name__}\nprotects: {cleandoc(law.__doc__ or '')}")
            raise

    return explained
