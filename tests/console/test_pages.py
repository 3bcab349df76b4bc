"""Each page: what it shows, and that nothing of what a provider wrote is markup."""

from __future__ import annotations

import httpx
import pytest
import sqlalchemy as sa

from ingest.flows.deliveries.drain import drain_deliveries
from ingest.store import text_search
from ingest.store.engine import transaction
from tests.console.conftest import Town
from tests.console.running import Outline
from tests.flows import halcyon

pytestmark = pytest.mark.integration

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\u202e'


def shown(operator: httpx.Client, path: str, status: int = 200) -> Outline:
    answer = operator.get(path)
    assert answer.status_code == status, (path, answer.text)
    return Outline(answer.text)


def test_the_overview_shows_what_comes_in_and_how_sources_stand(
    operator: httpx.Client, town: Town
) -> None:
    page = shown(operator, "/console")
    for delivery in town.deliveries:
        assert f"/console/deliveries/{delivery}" in page.links
    assert f"/console/sources/{town.connection}" in page.links
    assert "github of a test" in page.text
    assert "none is due" in page.text


def test_whatever_is_linked_is_there(operator: httpx.Client, town: Town) -> None:
    """Every page can be reached from the first one, by links alone."""
    seen, left = {"/console"}, ["/console"]
    while left:
        page = shown(operator, left.pop())
        found = {link for link in page.links if link.startswith("/")} - seen
        seen |= found
        left += sorted(found)
    for path in (
        f"/console/documents/{town.issue}",
        f"/console/documents/{town.comment}",
        f"/console/documents/{town.issue}/history",
        "/console/doctor",
        "/console/syncs",
        "/console/look-ups",
    ):
        assert path in seen
