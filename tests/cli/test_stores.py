"""`ingest store`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Ingest

pytestmark = pytest.mark.integration


def test_a_store_is_created_with_what_is_missing_above_it(ingest: Ingest) -> None:
    made = ingest(
        "store", "create", "docs", "--workspace", "w1", "--organization", "Org One", "--json"
    ).json
    assert made["created"] is True
    assert (made["id"], made["slug"], made["index_name"]) == ("docs", "docs", "docs")
    assert (made["workspace_id"], made["organization_id"]) == ("w1", "Org One")
    assert made["created_at"].endswith("Z")
    assert [row["id"] for row in ingest("store", "list", "--json").json] == ["docs"]


def test_creating_it_again_changes_nothing(ingest: Ingest) -> None:
    first = ingest("store", "create", "docs", "--json").json
    again = ingest("store", "create", "docs", "--json").json
    assert again == {**first, "created": False}
    assert again["workspace_id"] == again["organization_id"] == "default"
    assert len(ingest("store", "list", "--json").json) == 1


def test_a_second_store_joins_the_workspace_and_its_organization(ingest: Ingest) -> None:
    ingest("store", "create", "one", "--workspace", "w", "--organization", "o")
    second = ingest("store", "create", "two", "--workspace", "w", "--json").json
    assert second["organization_id"] == "o"


def test_ids_of_any_shape_get_slugs_that_differ(ingest: Ingest) -> None:
    slugs = {
        ingest("store", "create", name, "--json").json["slug"]
        for name in ("Docs", "DOCS", "docs", "do cs", "do/cs", "文書", "x" * 191)
    }
    assert len(slugs) == 7
    assert "docs" in slugs
    indexes = [row["index_name"] for row in ingest("store", "list", "--json").json]
    assert len(set(indexes)) == 7
    assert max(map(len, indexes)) <= 45


@pytest.mark.parametrize("name", ["", " ", "x" * 192, "a\nb", "a\x1bb"])
def test_what_cannot_be_an_id_is_wrong_use(ingest: Ingest, name: str) -> None:
    ran = ingest("store", "create", name)
    assert ran.code == 2
    assert "cannot be an id" in ran.err
    assert ingest("store", "list", "--json").json == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--workspace", "other"], "store docs is in workspace w, not other"),
        (["--organization", "other"], "workspace w belongs to organization o, not other"),
    ],
)
def test_an_owner_that_contradicts_is_refused_and_leaves_no_trace(
    ingest: Ingest, options: list[str], said: str
) -> None:
    ingest("store", "create", "docs", "--workspace", "w", "--organization", "o")
    ran = ingest("store", "create", "docs", *options)
    assert ran.code == 2
    assert said in ran.err
    fresh = ingest("store", "create", "new", "--workspace", "w", "--organization", "other")
    assert fresh.code == 2
    assert len(ingest("store", "list", "--json").json) == 1


def test_people_see_a_table_or_a_hint(ingest: Ingest) -> None:
    empty = ingest("store", "list")
    assert (empty.code, empty.out) == (0, "")
    assert "ingest store create ID" in empty.err
    ingest("store", "create", "[bold]docs")
    told = ingest("store", "list").out
    assert told.splitlines()[0].split()[:2] == ["id", "workspace"]
    assert "[bold]docs" in told


def test_what_goes_for_good_is_asked_about_first(ingest: Ingest) -> None:
    ingest("store", "create", "docs", "--workspace", "w", "--organization", "o")
    for argv in (("store", "delete", "docs"), ("organization", "delete", "o")):
        asked = ingest(*argv)
        assert asked.code == 2
        assert "goes for good, with 1 stores" in asked.err
        assert "say --yes if that is meant" in asked.err
    assert len(ingest("store", "list", "--json").json) == 1
    gone = ingest("store", "delete", "docs", "--yes", "--json").json
    assert (gone["id"], gone["stores"], gone["organizations"]) == ("docs", 1, 0)
    gone = ingest("organization", "delete", "o", "--yes", "--json").json
    assert (gone["id"], gone["organizations"]) == ("o", 1)
    for argv in (("store", "delete", "docs"), ("organization", "delete", "o")):
        assert ingest(*argv, "--yes").code == 2
