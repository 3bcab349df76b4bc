"""Which addresses a provider may be asked at: those of the public internet, in whatever form."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.errors import Refused, Unavailable
from ingest.sources.addresses import MOST_ADDRESSES, judged, kind_of

PUBLIC = ("8.8.8.8", "140.82.121.6", "2606:4700::6810:84e5", "::ffff:8.8.8.8", "64:ff9b::808:808")


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_public_internet_is_none_of_the_others(address: str) -> None:
    assert kind_of(address) is None


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("fd12:3456::1", "private"),
        ("fec0::1", "private"),
        ("169.254.1.1", "link-local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("169.254.169.254", "a cloud's own service"),
        ("fd00:ec2::254", "a cloud's own service"),
        ("168.63.129.16", "a cloud's own service"),
        ("100.100.100.200", "a cloud's own service"),
        ("100.64.0.1", "shared between carriers (CGNAT)"),
        ("100.127.255.255", "shared between carriers (CGNAT)"),
        ("0.0.0.0", "unspecified"),  # noqa: S104 - nothing is bound
        ("0.1.2.3", "unspecified"),
        ("::", "unspecified"),
        ("224.0.0.251", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("240.0.0.1", "reserved"),
        ("192.0.0.8", "reserved"),
        ("4000::1", "reserved"),
        ("203.0.113.9", "for documentation"),
        ("2001:db8::1", "for documentation"),
        ("3fff::1", "for documentation"),
        ("198.18.0.1", "for benchmarks"),
        ("64:ff9b:1::a00:1", "a local translation"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:169.254.169.254", "a cloud's own service"),
        ("::127.0.0.1", "reserved"),
        ("64:ff9b::a00:1", "private"),
        ("2002:a00:1::1", "private"),
        ("2002:7f00:1::", "loopback"),
        ("localhost", "none"),
        ("127.1", "none"),
        ("0x7f000001", "none"),
        ("2130706433", "none"),
        ("", "none"),
    ],
)
def test_every_other_address_is_known_for_what_it_is(address: str, kind: str) -> None:
    assert kind_of(address) == kind
    with pytest.raises(Refused) as raised:
        judged("errors.halcyon.example", [address])
    said = str(raised.value)
    assert "errors.halcyon.example" in said
    assert kind in said
    assert "INGEST_ALLOWED_API_HOSTS" in said


@given(address=st.ip_addresses())
def test_what_passes_is_global_for_python_too(address: IPv4Address | IPv6Address) -> None:
    if kind_of(str(address)) is None and not isinstance(address, IPv6Address):
        assert address.is_global
        assert not address.is_multicast


@given(address=st.ip_addresses(v=4))
def test_an_address_within_another_counts_as_what_it_is(address: IPv4Address) -> None:
    kind, packed = kind_of(str(address)), address.packed
    within = (
        b"\0" * 10 + b"\xff\xff" + packed,
        bytes.fromhex("0064ff9b0000000000000000") + packed,
        bytes.fromhex("2002") + packed + b"\0" * 10,
    )
    assert {kind_of(str(ip_address(raw))) for raw in within} == {kind}


def test_one_address_that_is_not_public_spoils_a_name() -> None:
    with pytest.raises(Refused, match=r"10\.0\.0\.7"):
        judged("api.example.test", ["8.8.8.8", "10.0.0.7"])


def test_the_addresses_come_in_their_order_and_their_usual_spelling() -> None:
    told = ["2606:4700:0:0::1", "8.8.8.8", "8.8.8.8"]
    assert judged("api.example.test", told) == ("2606:4700::1", "8.8.8.8")
    many = [f"8.8.4.{n}" for n in range(99)]
    assert judged("api.example.test", many) == tuple(many[:MOST_ADDRESSES])


def test_a_name_without_an_address_may_have_one_later() -> None:
    with pytest.raises(Unavailable, match=r"api\.example\.test"):
        judged("api.example.test", [])
