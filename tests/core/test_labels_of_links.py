"""What a key in the label of a link says, and one in a path: the link's URL knows."""

from __future__ import annotations

import pytest

from ingest.core.links import links, with_small_hosts
from tests.core.tracking import edges, mentioned


@pytest.mark.parametrize(
    "text",
    [
        "[T-1](https://x.test/y)",
        "[**T-1**](https://x.test/y)",
        "[T-1][y]\n\n[y]: https://x.test/y",
        '<a href="https://x.test/y">T-1</a>',
        "[!2](#2-totals)",
        "[!2 totals](#2-totals)",
        "[T-2](docs/t-2.md) and [T-2](mailto:t-2@x.test)",
        "[T-1](#)",
        "[see !2 there](notes.md)",
        "[x](docs/T-1.md) [x](../T-1)",
        "![T-1](https://x.test/y.png)",
        "![T-1, drawn](y.png)",
        "![!1](y.png)",
        "[![T-1, drawn](https://x.test/y.png)](https://x.test)",
        '[x](https://x.test/y "T-1")',
        "x.test/T-1 and www.x.test/a/T-1",
        "x.test:8080/?key=T-1",
        "s3://x/T-1 ftp://x.test/T-1",
        "/var/log/T-1 and C:\\T-1\\a",
    ],
)
def test_what_a_link_or_a_path_calls_its_own_is_no_mention(text: str) -> None:
    assert mentioned(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "[T-1: the totals](https://x.test/y)",
        "[T-1: the totals](notes.md)",
        "[T-1](https://tracker.test/T-1)",
        "[T-1](../issues/T-1)",
        "[T-1](/acme/issues/1/)",
        "[T-1] (https://x.test/y)",
        "[T-1]()",
        "[T-1](not a link)",
        "[![drawn](https://x.test/y.png)](https://tracker.test/T-1)",
        "see feature/T-1 and one/two/T-1-totals",
        "either/T-1",
        "HTTPS://TRACKER.TEST/T-1".replace("TRACKER", "Tracker"),
    ],
)
def test_a_label_that_says_more_and_a_branch_are_read(text: str) -> None:
    assert mentioned(text) == ["T-1"]


def test_a_path_within_the_site_says_what_its_label_says() -> None:
    assert edges("Fixes [!1](../../issues/1)") == [("resolves", "acme/pay#1")]
    assert mentioned("[!1](../issues/2)") == []


def test_a_key_alone_is_read_where_its_source_has_the_page() -> None:
    """The page tells the thing, and the label may tell what it is called now."""
    assert mentioned("[T-2](https://tracker.test/T-1)") == ["T-1", "T-2"]


def test_schemes_and_hosts_are_the_same_in_any_case() -> None:
    text = "HTTPS://A.Test/Path and https://b.test/Path and Http://C.test:80"
    small = "https://a.test/Path and https://b.test/Path and http://c.test:80"
    assert with_small_hosts(text) == small
    assert with_small_hosts(f"see https://D.test/{text}") == f"see https://d.test/{small}"
    assert with_small_hosts(small) is small
    assert not links("HTTPS://A.TEST").urls
