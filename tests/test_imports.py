"""What each way in loads, counted in modules: what is not needed at run time is not imported.

Seconds would depend on the machine; `make bench ONLY=startup` has them.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ingest.sources.registry import all_sources, source_types
from tests.factories import OURS

DEAR = frozenset(
    {
        "alembic",
        "asyncio",
        "billiard",
        "bs4",
        "celery",
        "cryptography",
        "httpcore",
        "httpx",
        "jinja2",
        "kombu",
        "markdownify",
        "opentelemetry",
        "orjson",
        "prometheus_client",
        "psycopg",
        "pydantic",
        "redis",
        "rich",
        "semantic_text_splitter",
        "sentry_sdk",
        "sqlalchemy",
        "starlette",
        "structlog",
        "uvicorn",
        "uvloop",
        "yaml",
    }
)
"""What takes ten milliseconds or more to load, or much memory."""
ROOMS = frozenset({"ingest.demo", "ingest.flows", "ingest.store", "ingest.web", "ingest.worker"})
PROVIDERS = frozenset(f"ingest.sources.{name}" for name in source_types())
COMMAND = "from ingest.cli import run; run({!r}, dict(os.environ))"

LOADS_NONE_OF = [
    ("import ingest", DEAR | ROOMS | PROVIDERS | {"typer"}),
    (COMMAND.format(["--help"]), DEAR | ROOMS | PROVIDERS),
    (COMMAND.format([]), DEAR | ROOMS | PROVIDERS),
    # Typer reads a command line's values with pydantic.
    (COMMAND.format(["stroe"]), (DEAR - {"pydantic"}) | ROOMS | PROVIDERS),
    (COMMAND.format(["--version"]), DEAR | ROOMS | PROVIDERS),
    (
        COMMAND.format(["store", "list"]),
        PROVIDERS | {"alembic", "celery", "httpx", "ingest.demo", "ingest.web", "starlette"},
    ),
    (
        COMMAND.format(["db", "check"]),
        PROVIDERS | {"alembic", "celery", "httpx", "ingest.demo", "ingest.web", "starlette"},
    ),
    (
        COMMAND.format(["types"]),
        {"alembic", "celery", "ingest.demo", "ingest.web", "starlette", "uvicorn"},
    ),
    (
        "import ingest.worker",
        PROVIDERS
        | {"alembic", "httpx", "prometheus_client", "starlette", "typer", "uvicorn", "uvloop"}
        | {"ingest.telemetry.otel", "sentry_sdk"}
        | {"ingest.cli", "ingest.demo", "ingest.embedded", "ingest.testing", "ingest.web"},
    ),
    (
        "import ingest.web",
        PROVIDERS
        | {"alembic", "httpx", "semantic_text_splitter", "typer", "uvloop", "ingest.cli"}
        | {"ingest.demo", "ingest.embedded", "ingest.flows.documents", "ingest.testing"}
        | {"ingest.checkup", "ingest.console", "jinja2"},
    ),
    (
        "import ingest.web; os.environ.update(DATABASE_URL='postgresql:///none', "
        "REDIS_URL='redis://none', INGEST_SECRET_KEY='a-key-for-tests-that-opens-nothing-else'); "
        "ingest.web.create_app()",
        frozenset({"ingest.checkup", "ingest.console", "jinja2", "ingest.cli"})
        | {"ingest.telemetry.otel", "sentry_sdk"},
    ),
]


@pytest.mark.skipif(
    set(source_types()) != OURS, reason="a command tries the sources of other packages, to tell"
)
@pytest.mark.parametrize(("code", "needless"), LOADS_NONE_OF, ids=[c for c, _ in LOADS_NONE_OF])
def test_nothing_is_loaded_that_is_not_needed(code: str, needless: frozenset[str]) -> None:
    """Variables of sources are set, as in production: each name of one is looked at."""
    given = {name: text for name, text in os.environ.items() if not name.startswith("INGEST_")}
    for name in source_types():
        given[f"INGEST_{name.upper()}_WEBHOOK_SECRETS"] = "a secret of a test"
    done = subprocess.run(
        [sys.executable, "-c", f"import os, sys; {code}; print('loaded', *sys.modules)"],
        env=given | {"INGEST_DATA_DIR": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.splitlines()[-1].removeprefix("loaded ").split(" "))
    assert "ingest" in loaded
    assert not loaded & needless


@pytest.mark.parametrize("way_in", ["ingest.worker", "ingest.web", "ingest"])
def test_nothing_of_ours_loads_what_nobody_asked_for(way_in: str) -> None:
    """Where OpenTelemetry is installed Redis' driver loads its metrics; here nobody can."""
    hidden = "; ".join(f"sys.modules[{name!r}] = None" for name in ("opentelemetry", "sentry_sdk"))
    code = f"import sys; {hidden}; import {way_in}; print('ok')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("ok", "")


def test_the_names_of_the_sources_are_known_without_loading_one() -> None:
    assert source_types() == tuple(all_sources())
