"""Which URLs name a broker, what is made of them, and what of them is told."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.transport import TRANSPORT_ALIASES

from ingest.broker.address import FAMILIES, REDIS, SENTINEL, address_of
from ingest.broker.broker import broker_of
from ingest.broker.line import bell_line
from ingest.core.errors import BadSettings
from ingest.settings import load

PASSWORD = "a-password-of-mine"
UNSUPPORTED = sorted({*TRANSPORT_ALIASES, "sqla+mysql", "sqla+postgresql", "unix", "http", "SQS"})
UNSUPPORTED = [name for name in UNSUPPORTED if name.lower() not in FAMILIES]


@pytest.mark.parametrize("name", ["CELERY_BROKER_URL", "REDIS_URL"])
@pytest.mark.parametrize("scheme", UNSUPPORTED)
def test_what_is_not_tested_is_refused_in_one_line(scheme: str, name: str) -> None:
    """Bug: some transports of kombu ended in a TypeError or a missing module's traceback."""
    with pytest.raises(BadSettings) as caught:
        load({name: f"{scheme}://u:{PASSWORD}@host/path"})
    said = str(caught.value)
    assert said.startswith(f"{name} names ")
    assert scheme.lower() in said
    assert "redis://host:6379/0" in said
    assert "amqp://" in said
    assert PASSWORD not in said
    assert "\n" not in said


@pytest.mark.parametrize("scheme", ["memory", "filesystem"])
def test_what_crosses_no_process_boundary_is_told_to_be_so(scheme: str) -> None:
    with pytest.raises(BadSettings, match="crosses no process boundary"):
        load({"CELERY_BROKER_URL": f"{scheme}://"})


@pytest.mark.parametrize("scheme", [name for name in FAMILIES if name != SENTINEL])
def test_what_is_supported_has_a_driver(scheme: str) -> None:
    line = bell_line(broker_of(f"{scheme}://u:p@127.0.0.1:1/0"))
    assert line.transport.driver_type == FAMILIES[scheme]


def test_a_list_is_of_one_kind() -> None:
    with pytest.raises(BadSettings, match="several kinds"):
        load({"CELERY_BROKER_URL": "redis://a:1/0;amqp://b:2//"})
    assert load({"CELERY_BROKER_URL": "redis://a:1/0;rediss://b:2/0"}).broker_url


@pytest.mark.parametrize(
    "urls",
    [
        "sentinel://:pw@h1:1;sentinel://h2:2/3?master_name=m",
        "sentinel://h1:1/3?master_name=m;sentinel://:pw@h2:2",
        "sentinel://:pw@h1:1/3?master_name=m;sentinel://:pw@h2:2/3?master_name=m",
    ],
)
def test_what_one_sentinels_url_says_holds_for_all(urls: str) -> None:
    """Whichever of them answers, the primary's password and database are the same."""
    found = address_of("CELERY_BROKER_URL", urls)
    assert found.urls == "sentinel://:pw@h1:1/3;sentinel://:pw@h2:2/3"
    assert found.told == {"master_name": "m"}
    assert "pw" not in found.shown


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        ("sentinel://h1:1/0?master_name=a;sentinel://h2:2/0?master_name=b", "disagree"),
        ("sentinel://:a@h1:1/0;sentinel://:b@h2:2/0?master_name=m", "disagree"),
        ("sentinel://h1:1/0;sentinel://h2:2/1?master_name=m", "disagree"),
        ("sentinel://h1:1/0?socket_timeout=3&master_name=m", "INGEST_BROKER_OPTIONS"),
        ("sentinel://h1:1;sentinel://h2:2", r"\?master_name=mymaster"),
    ],
)
def test_sentinels_that_contradict_themselves_are_a_wrong_setting(urls: str, said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        broker_of(urls)


def test_the_masters_name_may_be_an_option() -> None:
    options = broker_of("sentinel://h1:1", {"master_name": "m"}).options()
    assert options["master_name"] == "m"


@pytest.mark.parametrize("told", ["none", "optional", "required"])
def test_tls_verifies_the_server_unless_the_url_says_otherwise(told: str) -> None:
    assert bell_line(broker_of("rediss://h:1/0")).ssl == {"ssl_cert_reqs": 2}
    assert bell_line(broker_of("rediss://h:1/0?ssl_ca_certs=/ca")).ssl == {
        "ssl_cert_reqs": 2,
        "ssl_ca_certs": "/ca",
    }
    other = bell_line(broker_of(f"rediss://h:1/0?ssl_cert_reqs={told}"))
    assert other.ssl == {"ssl_cert_reqs": ("none", "optional", "required").index(told)}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([name for name, kind in FAMILIES.items() if kind == REDIS]),
            st.from_regex(r"[a-z]{1,8}", fullmatch=True),
            st.from_regex(r"[A-Za-z0-9%_.~-]{12,20}", fullmatch=True),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_of_a_list_every_host_is_shown_and_no_password(
    told: list[tuple[str, str, str]],
) -> None:
    urls = ";".join(f"{scheme}://u:{password}@{host}:1/0" for scheme, host, password in told)
    shown = address_of("CELERY_BROKER_URL", urls).shown
    assert [urlsplit(one).hostname for one in shown.split(";")] == [host for _, host, _ in told]
    assert not [password for _, _, password in told if password in shown]
