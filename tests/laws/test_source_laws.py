"""What `source_laws` hands over: a class of tests, or one line that says what is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingest.testing import source_laws
from ingest.testing.laws import ALWAYS, EVERY_ROOM, JUNK, OF_LIMITS, OF_LISTS, laws_of
from tests.laws.conftest import Sound

TOLD: dict[str, Any] = {"headers": {"X-Acme-Delivery": "d"}, "body": {"event": "user.created"}}


def _names(made: type) -> set[str]:
    return {name for name in vars(made) if name.startswith("test_")}


def test_the_class_has_every_law_that_applies(sound: Sound) -> None:
    given: dict[str, Any] = {"fixtures": sound.fixtures, "connection": sound.sample.metadata}
    every = {law.__name__ for law in laws_of(EVERY_ROOM)}
    assert _names(source_laws(sound.source, **given, sample=sound.sample)) == every
    unlisted, unlimited = replace(sound.source, listing=None), replace(sound.source, limits=None)
    for without, rooms in ((unlisted, OF_LISTS), (unlimited, OF_LIMITS)):
        of_it = {law.__name__ for law in laws_of(rooms)}
        assert _names(source_laws(without, **given, sample=sound.sample)) == every - of_it
    always = {law.__name__ for law in laws_of(ALWAYS)}
    assert _names(source_laws(sound.source, **given)) == always
    some = {law.__name__ for law in laws_of(JUNK)}
    assert _names(source_laws(sound.source, **given, laws=JUNK)) == some


def test_each_law_of_the_class_says_what_it_protects(sound: Sound) -> None:
    made = source_laws(sound.source, fixtures=sound.fixtures, connection=sound.sample.metadata)
    assert all("Remedy: " in getattr(made, name).__doc__ for name in _names(made))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, r"there is no fixture in .*: record a delivery of Acme as <event>\.<more>\.json"),
        ({"a.json": "{"}, r"the fixture .*a\.json is no JSON: "),
        ({"a.json": "[]"}, r'the fixture .*a\.json has no object "headers": a fixture is \{"heade'),
        ({"a.json": '{"headers": {}}'}, r'a\.json has no object "body": '),
        ({"a.json": '{"headers": {"x": 1}, "body": {}}'}, r"a\.json has a header that is no text"),
    ],
)
def test_what_is_wrong_with_the_fixtures_is_said_in_a_line(
    sound: Sound, tmp_path: Path, files: dict[str, str], said: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(pytest.Collector.CollectError, match=said) as raised:
        source_laws(sound.source, fixtures=tmp_path, connection=sound.sample.metadata)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ({}, r"does not fit AcmeSourceMetadata: projectId: Field required; projectKey: Field requ"),
        ({"projectId": "a b", "projectKey": "A"}, r"projectId: Value error, give an id, or a slug"),
        ({"projectId": "p", "projectKey": "A", "type": "b"}, r"type: Input should be 'acme'"),
    ],
)
def test_metadata_that_does_not_fit_is_said_in_a_line(
    sound: Sound, connection: dict[str, Any], said: str
) -> None:
    with pytest.raises(pytest.Collector.CollectError, match=said) as raised:
        source_laws(sound.source, fixtures=sound.fixtures, connection=connection)
    assert len(str(raised.value).splitlines()) == 1


def _pytest(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *more],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_pytest_names_the_delivery_the_law_and_the_remedy(sound: Sound, tmp_path: Path) -> None:
    (tmp_path / "test_laws.py").write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(sound.fixtures.parents[1] / 'src')!r})\n"
        "from pathlib import Path\n"
        "from ingest.testing import source_laws\n"
        "from ingest_source_acme import SOURCE\n"
        "from ingest_source_acme.demo import SAMPLE\n"
        "HERE = Path(__file__).parent\n"
        "TestAcme = source_laws(SOURCE, fixtures=HERE, connection=SAMPLE.metadata)\n"
    )
    ran = _pytest(tmp_path)
    assert "there is no fixture in" in ran.stdout
    assert "Traceback" not in ran.stdout
    told = {**TOLD, "headers": {}}
    (tmp_path / "user.created.json").write_text(json.dumps(told))
    ran = _pytest(tmp_path, "-k", "what_its_descriptor_needs")
    assert "needed_headers that the fixture has not: ['x-acme-delivery']" in ran.stdout
    assert "delivery: user.created of " in ran.stdout
    assert "protects: A real delivery is never answered with 400." in ran.stdout
    assert "Remedy: `needed_headers` are those that the provider always sends" in ran.stdout


@pytest.mark.parametrize("missing", ["pytest", "hypothesis"])
def test_without_the_extra_one_line_names_it(missing: str) -> None:
    text = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from ingest.testing import fakes, sample, signing\n"
        "from ingest.testing import source_laws\n"
    )
    ran = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert ran.stderr.splitlines()[-1] == (
        f"ImportError: the laws of sources need {missing}: pip install 'lightfast-ingest[testing]'"
    )
