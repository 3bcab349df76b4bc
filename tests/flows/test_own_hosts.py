"""Pages on a host of one's own are bound like those on the provider's, whoever mentions them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ingest.flows.deliveries.drain import drain_deliveries
from tests.factories import connect, make_store
from tests.flows import halcyon
from tests.flows.desk import Desk, desk

__all__ = ["desk"]
pytestmark = pytest.mark.integration

GHE = "https://ghe.halcyon.test"
API = {"github": f"{GHE}/api/v3"}
PAGE = f"{GHE}/halcyon/web/issues/1"


@pytest.mark.parametrize(("api_urls", "bound"), [(API, {"halcyon/web#1": True}), ({}, {})])
def test_a_page_of_an_enterprise_counts_in_any_text_where_the_setting_names_its_host(
    desk: Desk, engine: sa.Engine, api_urls: dict[str, str], bound: dict[str, bool]
) -> None:
    store = make_store(engine, "store-1")
    github = connect(engine, "github", stores=[store])
    linear = connect(engine, "linear", stores=[store])
    desk.deliver(linear, halcyon.linear_issue(1, description=f"Seen in {PAGE}"))
    desk.deliver(github, halcyon.issue(1))
    drain_deliveries(engine, go_on=lambda: True, threads=1, api_urls=api_urls)
    assert desk.targets("ENG-1") == bound


def test_a_page_of_an_enterprise_counts_in_its_own_texts_without_any_setting(
    desk: Desk, engine: sa.Engine
) -> None:
    github = connect(engine, "github", stores=[make_store(engine, "store-1")])
    desk.deliver(
        github,
        halcyon.issue(2, body=f"fixes {PAGE}", html_url=f"{GHE}/halcyon/web/issues/2"),
        halcyon.issue(1, html_url=PAGE),
    )
    desk.work()
    assert desk.targets("halcyon/web#2") == {"halcyon/web#1": True}


def test_a_sub_issue_that_names_its_parent_by_the_id_alone_is_bound_to_it(
    desk: Desk, engine: sa.Engine
) -> None:
    linear = connect(engine, "linear", stores=[make_store(engine, "store-1")])
    desk.deliver(linear, halcyon.linear_issue(2, parentId="issue-1"), halcyon.linear_issue(1))
    desk.work()
    assert desk.targets("ENG-2")["issue-1"] is True
