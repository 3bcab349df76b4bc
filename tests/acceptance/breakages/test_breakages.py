"""Each way in which it breaks: done to a running installation, found, mended, and seen to go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
import sqlalchemy as sa

from ingest.machine import is_ready
from ingest.sources.registry import source_types
from ingest.store import migrations, upgrade
from ingest.store.engine import connect, transaction
from tests.acceptance.breakages.installation import Installation
from tests.acceptance.breakages.page import Step, sections
from tests.databases import empty_databases
from tests.web.running import receiver

pytestmark = [
    pytest.mark.integration,
    pytest.mark.once,
    pytest.mark.xdist_group("breakages"),
]

CONNECTED = "Ten ways in which it breaks"
BREAK: Mapping[str, Callable[[Installation], object]] = {
    "Wrong secret": Installation.change_secret,
    "Revoked token": Installation.revoke_token,
    "Wrong scope": Installation.narrow_token,
    "Paused": Installation.pause,
    "Filter too narrow": Installation.narrow_filter,
    "Hook deleted": Installation.delete_hook,
    "Worker down": Installation.kill_worker,
    "Broker down": Installation.stop_broker,
    "Disk full": Installation.fill_disk,
}
"""How each is broken, by its heading; a schema that is behind needs a database of its own."""
ELSEWHERE: Mapping[str, Callable[[Installation], object]] = {
    "# the first webhook comes": Installation.issue,
    "# the next webhook comes": Installation.issue,
    "# a moment later": lambda _: None,
    "# the token is given the right": Installation.permit,
    "# a minute later": Installation.age,
    "# a worker is started": Installation.start_worker,
    "# the broker is started": Installation.start_broker,
    "# the disk is given room": Installation.give_room,
}
"""What is done where the page says that somebody does it."""


@pytest.fixture(scope="module")
def whole(stack: Installation) -> Installation:
    """One for all that breaks, with the source connected as the page says."""
    follow(stack, sections()[CONNECTED])
    return stack


def follow(installation: Installation, steps: tuple[Step, ...]) -> None:
    for step in steps:
        if step.does.startswith("#"):
            ELSEWHERE[step.does](installation)
        else:
            installation.says(step.does.removeprefix("$ "), step.says)


def test_the_page_has_what_is_broken_here_and_nothing_else() -> None:
    assert [*sections()] == [CONNECTED, *BREAK, "Schema behind"]


@pytest.mark.parametrize("heading", BREAK)
def test_cause_and_cure_are_found(whole: Installation, heading: str) -> None:
    if heading == "Disk full" and whole.disk is None:
        pytest.skip("nothing can be mounted here, so no disk can be filled")
    BREAK[heading](whole)
    follow(whole, sections()[heading])


def test_a_schema_that_is_behind_is_found_and_brought_up(
    whole: Installation, postgres_url: str
) -> None:
    with empty_databases(postgres_url) as make:
        database_url = make()
        engine = connect(database_url)
        _bring_to_the_one_before(engine)
        behind = replace(whole, environ={**whole.environ, "DATABASE_URL": database_url})
        with receiver(database_url, lambda _queue: None) as port:
            assert not is_ready("127.0.0.1", port)
            follow(behind, sections()["Schema behind"])
            assert is_ready("127.0.0.1", port)
        engine.dispose()


def _bring_to_the_one_before(engine: sa.Engine) -> None:
    before = f"{int(upgrade.head()) - 1:04}"
    with transaction(engine) as conn:
        migrations.run(conn, before)
    with transaction(engine) as conn:
        upgrade.add_source_types(conn, source_types())
