"""Where a token may be sent: a provider's own hosts, and those that an operator allows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.errors import BadSettings, Refused, Unavailable
from ingest.settings import load
from ingest.sources.access import Access
from ingest.sources.contract import Descriptor
from ingest.sources.hosts import HOST, LABEL, ApiBase, Reach, base_of, matches
from ingest.sources.registry import source
from tests.factories import METADATA, OURS

NOWHERE = Reach()
PAGES = [
    ("github", {}, "", set()),
    ("github", {}, "https://api.github.com", set()),
    ("github", {}, "https://ghe.acme.test/api/v3", {"ghe.acme.test"}),
    ("github", {}, "https://GHE.acme.test:8443/api/v3/", {"ghe.acme.test:8443"}),
    ("github", {}, "https://api.acme.ghe.com", {"acme.ghe.com"}),
    ("sentry", {}, "", set()),
    ("sentry", {"apiHost": "de.sentry.io"}, "", set()),
    ("sentry", {"apiHost": "evilsentry.io"}, "", {"evilsentry.io"}),
    ("sentry", {"apiHost": "Errors.acme.test:9000"}, "", {"errors.acme.test:9000"}),
    ("sentry", {}, "https://errors.acme.test/api/0", {"errors.acme.test"}),
    ("vercel", {"projectName": "Boards"}, "", {"boards"}),
    ("zendesk", {"mappedHosts": ["Help.acme.test", 7]}, "", {"help.acme.test"}),
    ("zendesk", {"mappedHosts": "help.acme.test"}, "", set()),
    ("linear", {}, "https://linear.acme.test", set()),
    ("notion", {}, "https://notion.acme.test", set()),
]
EVIL = [
    "evil.com#",
    "evil.com/",
    "evil.com?",
    "x@127.0.0.1:9200/",
    "x:y@evil.com",
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "[::1]",
    "[::1]:443",
    "::1",
    "169.254.169.254",
    "localhost",
    "LOCALHOST",
    "a.localhost",
    "evil.com\\.sentry.io",
    "evil.com%23.sentry.io",
    "sentry.io.evil.com",
    "evilsentry.io",
    "sentry.io@evil.com",
    "sentry.io:9000",
    "sentry.io.",
    "sentry.io\n",
    "sentry.io ",
    " sentry.io",
    "sentry.io\tevil.com",
    "ｓentry.io",
    "sentry。io",
    "sentry.io:99999",
    "sentry.io:0",
    "-.sentry.io",
    "a..sentry.io",
    ".sentry.io",
    "*.sentry.io",
    "https://sentry.io",
    "a" * 64 + ".sentry.io",
    "a." * 130 + "sentry.io",
]
NAMING = {"sentry": "apiHost", "vercel": "apiHost", "zendesk": "zendeskSubdomain"}
SUBDOMAINS = {"localhost", "LOCALHOST", "2130706433", "0x7f000001"}
"""What is an address, or this very machine, as a whole name, and none as a part of one."""
HOSTILE = st.one_of(
    st.sampled_from(EVIL),
    st.text(alphabet="./\\?#%@:;&=* \t\n\x00aev1xio-_é。[]", max_size=30),
    st.builds(
        lambda a, b, c: f"{a}{b}{c}",
        st.sampled_from(["sentry.io", "api.vercel.com", "acme", "evil.com", "127.0.0.1"]),
        st.sampled_from(["", ".", "#", "@", ":", "/", "?", "\\", "%2f", "\n", "。", ".."]),
        st.sampled_from(["", "sentry.io", "api.vercel.com", "evil.com", "443", "x"]),
    ),
)


def _noon() -> datetime:
    return datetime(2026, 3, 2, 12, tzinfo=UTC)


def _descriptor(name: str) -> Descriptor:
    return source(name).descriptor


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_provider_says_where_its_api_is(name: str) -> None:
    descriptor = _descriptor(name)
    assert descriptor.api_hosts
    base = base_of(descriptor, METADATA[name], NOWHERE)
    assert matches(httpx.URL(base.url).host, descriptor.api_hosts)
    assert not base.is_trusted


@pytest.mark.parametrize("host", ["de.sentry.io", "us.sentry.io", "halcyon.sentry.io", "SENTRY.io"])
def test_every_host_of_a_provider_is_its_own(host: str) -> None:
    told = {**METADATA["sentry"], "apiHost": host}
    assert base_of(_descriptor("sentry"), told, NOWHERE) == ApiBase(
        f"https://{host.lower()}/api/0", is_trusted=False
    )


@pytest.mark.parametrize("name", NAMING)
@pytest.mark.parametrize("told", EVIL)
def test_metadata_sends_a_token_to_nobody_else(name: str, told: str) -> None:
    """Stored ones too: connections of earlier versions were not asked for any form."""
    metadata = {**METADATA[name], NAMING[name]: told}
    if name == "zendesk" and told in SUBDOMAINS:
        assert base_of(_descriptor(name), metadata, NOWHERE).url == f"https://{told}.zendesk.com"
        return
    with pytest.raises(Refused) as raised:
        base_of(_descriptor(name), metadata, NOWHERE)
    assert NAMING[name] in str(raised.value)
    assert "INGEST_ALLOWED_API_HOSTS" in str(raised.value)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("told", [None, "", 5, ["a"], "a.b"])
def test_of_what_is_no_subdomain_no_host_is_made(told: Any) -> None:
    """A bug once: an account without one was asked for at none.zendesk.com."""
    with pytest.raises(Refused, match="zendeskSubdomain"):
        base_of(_descriptor("zendesk"), {"zendeskSubdomain": told}, NOWHERE)


@pytest.mark.parametrize(("name", "metadata", "api_url", "owned"), PAGES)
def test_pages_are_known_by_the_host_of_the_connection_or_of_the_setting(
    name: str, metadata: dict[str, Any], api_url: str, owned: set[str]
) -> None:
    assert source(name).descriptor.owned_pages(metadata, api_url) == owned


@given(told=HOSTILE)
def test_whatever_metadata_names_only_a_provider_is_asked(told: str) -> None:
    """As far as to the resolver, which is the last to hear a name."""
    for name, field in NAMING.items():
        heard: list[str] = []

        def resolve(host: str, heard: list[str] = heard) -> list[str]:
            heard.append(host)
            raise Unavailable("nobody is asked in a test")

        found, metadata = source(name), {**METADATA[name], field: told}
        try:
            base = base_of(found.descriptor, metadata, NOWHERE)
        except Refused:
            continue
        url = httpx.URL(base.url)
        assert (url.scheme, url.port, url.userinfo, url.query) == ("https", None, b"", b"")
        assert found.connect is not None
        client = found.connect(Access(base.url, "x" * 40, metadata, _noon, resolve))
        with pytest.raises(Unavailable):
            client.check()
        client.close()
        assert len(heard) == 1
        assert matches(heard[0], found.descriptor.api_hosts)


def test_an_operator_may_allow_further_hosts() -> None:
    told = {**METADATA["sentry"], "apiHost": "errors.halcyon.example:9000"}
    for allowed in ("errors.halcyon.example", "ERRORS.halcyon.EXAMPLE", "*.halcyon.example"):
        assert base_of(_descriptor("sentry"), told, Reach({}, (allowed,))) == ApiBase(
            "https://errors.halcyon.example:9000/api/0", is_trusted=True
        )
    for allowed in ("halcyon.example", "*.errors.halcyon.example", "alcyon.example"):
        with pytest.raises(Refused, match=r"errors\.halcyon\.example:9000"):
            base_of(_descriptor("sentry"), told, Reach({}, (allowed,)))


def test_what_an_operators_own_setting_names_is_taken_as_it_is() -> None:
    told = {**METADATA["sentry"], "apiHost": "x@127.0.0.1:9200/"}
    reach = Reach({"sentry": "http://10.0.0.7:9000/sentry"})
    assert base_of(_descriptor("sentry"), told, reach) == ApiBase(
        "http://10.0.0.7:9000/sentry", is_trusted=True
    )


@pytest.mark.parametrize("told", EVIL)
def test_what_is_no_name_of_a_host_has_not_its_form(told: str) -> None:
    named = {"sentry.io.evil.com", "evilsentry.io", "sentry.io:9000", "sentry.io:99999"}
    assert HOST.fits(told) is (told in named)
    assert LABEL.fits(told) is (told in SUBDOMAINS)


@pytest.mark.parametrize(
    ("told", "hosts"),
    [
        ("", ()),
        (" , ", ()),
        ("errors.halcyon.example", ("errors.halcyon.example",)),
        ("a.example, *.b.example ,sentry", ("a.example", "*.b.example", "sentry")),
    ],
)
def test_the_setting_is_a_list(told: str, hosts: tuple[str, ...]) -> None:
    assert load({"INGEST_ALLOWED_API_HOSTS": told}).allowed_api_hosts == hosts


NONSENSE = """
*|*.com|a.*|*.|.example|a..b|https://a.example|a.example:9000|a.example/x|10.0.0.1|10.0.0.0/8
[::1]|localhost|a b|é.example|a.example;b
"""


@pytest.mark.parametrize("told", NONSENSE.strip().replace("\n", "|").split("|"))
def test_nonsense_in_the_setting_is_one_clear_line(told: str) -> None:
    with pytest.raises(BadSettings, match="INGEST_ALLOWED_API_HOSTS holds ") as raised:
        load({"INGEST_ALLOWED_API_HOSTS": f"good.example,{told}"})
    assert str(raised.value).isprintable()
    assert "*.example.com" in str(raised.value)


@pytest.mark.parametrize(
    "told", ["https://a.example#x", "https://a.example?x", "a.example", "ftp://a"]
)
def test_an_operators_base_is_a_base(told: str) -> None:
    with pytest.raises(BadSettings, match="INGEST_SENTRY_API_URL"):
        load({"INGEST_SENTRY_API_URL": told})
