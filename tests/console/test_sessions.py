"""Sessions, forms and failures, where a clock decides."""

from __future__ import annotations

from ingest.console.sessions import SESSION_S, seals_of
from ingest.console.throttle import MOST_ADDRESSES, MOST_FAILURES, WITHIN_S, Throttle

KEYS = ("the key of today", "the key of yesterday")


def test_a_session_ends_in_its_time() -> None:
    seals = seals_of(KEYS, "a password")
    cookie = seals.session("abc", 1000.5)
    assert seals.opened(cookie, 1000 + SESSION_S - 1) == "abc"
    assert seals.opened(cookie, 1000 + SESSION_S) is None


def test_while_keys_rotate_both_are_believed() -> None:
    old, both = seals_of(KEYS[1:], "a password"), seals_of(KEYS, "a password")
    assert both.opened(old.session("abc", 0), 1) == "abc"
    assert both.is_form_token("abc", old.form_token("abc"))
    assert old.opened(both.session("abc", 0), 1) is None
    assert "password" not in repr(both)


def test_a_signature_serves_one_use() -> None:
    seals = seals_of(KEYS, "")
    assert not seals.is_form_token("abc", seals.session("abc", 0).rpartition(".")[2])
    token = seals.form_token(f"{SESSION_S}.abc")
    assert seals.opened(f"{SESSION_S}.abc.{token}", 0) is None


def test_failures_are_counted_by_address_for_a_while() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    for _ in range(MOST_FAILURES):
        assert throttle.wait_s("192.0.2.1") == 0
        throttle.failed("192.0.2.1")
    assert throttle.wait_s("192.0.2.1") == WITHIN_S
    assert throttle.wait_s("192.0.2.2") == 0
    now[0] = WITHIN_S
    assert throttle.wait_s("192.0.2.1") == 0


def test_a_network_is_one_address_and_memory_is_bounded() -> None:
    throttle = Throttle(lambda: 0.0)
    for number in range(MOST_FAILURES):
        throttle.failed(f"2001:db8::{number + 1:x}")
    assert throttle.wait_s("2001:db8::ffff") > 0
    assert throttle.wait_s("2001:db8:0:1::1") == 0
    for number in range(MOST_ADDRESSES):
        throttle.failed(f"stranger {number}")
    assert throttle.wait_s("2001:db8::ffff") == 0, "the one that failed longest ago is forgotten"
