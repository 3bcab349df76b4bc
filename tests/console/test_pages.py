"""Each page: what it shows, and that nothing of what a provider wrote is markup."""

from __future__ import annotations

import httpx
import pytest

from tests.console.conftest import Town
from tests.console.running import Outline

pytestmark = pytest.mark.integration


def test_the_overview_shows_what_comes_in_and_how_sources_stand(
    operator: httpx.Client, town: Town
) -> None:
    shown = operator.get("/console")
    assert shown.status_code == 200
    page = Outline(shown.text)
    for delivery in town.deliveries:
        assert f"/console/deliveries/{delivery}" in page.links
    assert f"/console/sources/{town.connection}" in page.links
    assert "github of a test" in page.text
