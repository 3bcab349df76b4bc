"""Variables that nobody reads: who misspells one is told the right name, and never the value."""

from __future__ import annotations

import pytest

from ingest.settings import load
from ingest.variables import NAMES, SUFFIXES, warnings

TYPES = ("gitforge", "linearly", "notionist")
SECRET = "a-value-that-nobody-may-see"


def told(*names: str) -> list[str]:
    return warnings(dict.fromkeys(names, SECRET), lambda: TYPES)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("INGEST_GIFORGE_WEBHOOK_SECRETS", "INGEST_GITFORGE_WEBHOOK_SECRETS"),
        ("INGEST_GITFORGE_WEBHOOK_SECRET", "INGEST_GITFORGE_WEBHOOK_SECRETS"),
        ("INGEST_GITFORGE_SECRETS", "INGEST_GITFORGE_WEBHOOK_SECRETS"),
        ("INGEST_NOTIONIST_APIURL", "INGEST_NOTIONIST_API_URL"),
        ("INGEST_NOTIONIST_URL", "INGEST_NOTIONIST_API_URL"),
        ("INGEST_DATADIR", "INGEST_DATA_DIR"),
        ("ingest_data_dir", "INGEST_DATA_DIR"),
        ("INGEST_SECRET_KEYS", "INGEST_SECRET_KEY"),
        ("INGEST_DATABASE_URL", "DATABASE_URL"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("CELERY_BROKER", "CELERY_BROKER_URL"),
        ("database_url", "DATABASE_URL"),
        ("Redis_Uri", "REDIS_URL"),
        ("IGNEST_SECRET_KEY", "INGEST_SECRET_KEY"),
        ("INJEST_SECRET_KEY", "INGEST_SECRET_KEY"),
        ("INGESTS_DATA_DIR", "INGEST_DATA_DIR"),
        ("ingst_gitforge_webhook_secrets", "INGEST_GITFORGE_WEBHOOK_SECRETS"),
        ("INGEST_gitforge_API_URL", "INGEST_GITFORGE_API_URL"),
        ("INGEST_SECRET_KEY_FILE", "INGEST_SECRET_KEY"),
        ("INGEST_DATA_DIR ", "INGEST_DATA_DIR"),
    ],
)
def test_a_near_miss_is_told_with_the_right_name(name: str, meant: str) -> None:
    assert told(name) == [f"{name} is not a setting; did you mean {meant}?"]


@pytest.mark.parametrize(
    "name", ["INGEST_FOO", "INGEST_STRIPE_WEBHOOK_SECRETS", "INGEST_JIRA_API_URL", "INGEST_"]
)
def test_what_is_like_nothing_is_told_without_a_guess(name: str) -> None:
    assert told(name) == [f"{name} is not a setting"]


def test_what_is_read_is_told_nothing_about() -> None:
    of_sources = [f"INGEST_{name.upper()}{suffix}" for name in TYPES for suffix in SUFFIXES]
    assert told(*NAMES, *of_sources) == []


@pytest.mark.parametrize(
    "names",
    [
        ("DATABASE_URI", "DATABASE_URL"),
        ("TEST_DATABASE_URL", "DATABASES_URL"),
        ("PATH", "INGESTED", "INVEST_SECRETS", "INTEREST_DATA_DIR", "LATEST_SECRET_KEY"),
        ("database_url", "DATABASE_URL"),
        ("INJEST_SECRET_KEY", "INGEST_SECRET_KEY"),
    ],
)
def test_what_belongs_to_other_programs_is_left_alone(names: tuple[str, ...]) -> None:
    assert told(*names) == []


@pytest.mark.parametrize("name", ["INGEST_gitforge_API_URL", "INGEST_API_URL", "INGEST__API_URLS"])
def test_what_is_told_to_be_no_setting_is_none(name: str) -> None:
    """Bug: a name that was warned of was read all the same, in any letters and of no source."""
    assert told(name)
    assert load({name: "https://gitforge.example"}).api_urls == {}


def test_each_is_told_and_no_value_is() -> None:
    said = told("INGEST_B", "INGEST_A", "DATABASE_URI")
    assert [line.split()[0] for line in said] == ["DATABASE_URI", "INGEST_A", "INGEST_B"]
    assert SECRET not in str(said)


def test_sources_are_asked_for_only_where_a_variable_may_be_theirs() -> None:
    """They take a while to import."""

    def never() -> tuple[str, ...]:
        raise AssertionError("asked")

    assert warnings(dict.fromkeys([*NAMES, "PATH"], ""), never) == []
