"""What each kind of broker's client is told, by default and by a user."""

from __future__ import annotations

import json
import socket

import pytest
from amqp import Connection as Driver

from ingest.broker.address import AMQP, FAMILIES, REDIS, SENTINEL
from ingest.broker.broker import Broker, broker_of
from ingest.broker.options import KNOWN
from ingest.core.errors import BadSettings
from ingest.settings import load

SECRET = "a-secret-of-mine"
URLS = {
    REDIS: "redis://h:1/0",
    SENTINEL: "sentinel://h:1;sentinel://i:1/0?master_name=m",
    AMQP: "amqp://h:1//",
}


def broker(family: str, **told: object) -> Broker:
    return broker_of(URLS[family], told)


@pytest.mark.parametrize("family", [REDIS, SENTINEL])
def test_a_host_of_redis_that_vanished_is_noticed_by_default(family: str) -> None:
    for options in (broker(family).options(), broker(family).bell_options()):
        assert 0 < float(str(options["socket_timeout"])) <= 10
        assert 0 < float(str(options["socket_connect_timeout"])) <= 5
        assert options["socket_keepalive"] is True
        assert options["health_check_interval"] == 10
        assert isinstance(options["socket_keepalive_options"], dict)
        assert options["socket_keepalive_options"][socket.TCP_KEEPIDLE] == 10


def test_a_host_of_rabbitmq_that_vanished_is_noticed_by_default() -> None:
    found = broker(AMQP)
    assert 0 < found.heartbeat_s <= 30
    assert found.connect_s == 5
    assert found.options()["confirm_publish"] is True
    bell = found.bell_options()
    assert bell["read_timeout"] == bell["write_timeout"] == bell["connect_timeout"] == 2
    assert "heartbeat" not in bell, "nobody beats for a bell that lies idle"


@pytest.mark.parametrize("family", sorted(set(FAMILIES.values())))
def test_only_what_a_kind_of_broker_knows_is_told_to_it(family: str) -> None:
    foreign = {"visibility_timeout", "socket_timeout"} if family == AMQP else {"confirm_publish"}
    assert not foreign & broker(family).options().keys()
    assert ("master_name" in broker(family).options()) == (family == SENTINEL)
    assert ("unacked_key" in broker(family).options()) is False


def test_the_driver_of_rabbitmq_knows_every_option_by_name() -> None:
    """It swallows what it does not know."""
    known = set(Driver.__init__.__code__.co_varnames)
    assert KNOWN[AMQP].keys() <= known


@pytest.mark.parametrize("text", ["no", "[]", "1", '"a"', "{", '{"a": NaN}', "{1: 2}", "null"])
def test_what_is_no_json_object_is_a_wrong_setting(text: str) -> None:
    with pytest.raises(BadSettings, match="INGEST_BROKER_OPTIONS is no JSON object"):
        load({"INGEST_BROKER_OPTIONS": text})


@pytest.mark.parametrize(
    ("family", "told", "said"),
    [
        (REDIS, {"confirm_publish": True}, "a redis broker does not take"),
        (AMQP, {"socket_timeout": 1}, "a amqp broker does not take"),
        (REDIS, {"master_name": "m"}, "a redis broker does not take"),
        (REDIS, {f"{SECRET} ": 1}, "holds an option"),
        (REDIS, {"socket_timeout": SECRET}, "a number of seconds above 0"),
        (REDIS, {"socket_timeout": 0}, "a number of seconds above 0"),
        (REDIS, {"socket_timeout": True}, "a number of seconds above 0"),
        (REDIS, {"visibility_timeout": 60}, "above 120"),
        (REDIS, {"socket_keepalive": 1}, "true or false"),
        (REDIS, {"socket_keepalive_options": {"TCP_NOTHING": 1}}, "TCP_KEEPIDLE"),
        (REDIS, {"socket_keepalive_options": {"TCP_KEEPIDLE": -1}}, "TCP_KEEPIDLE"),
        (SENTINEL, {"sentinel_kwargs": {"host": SECRET}}, "an object of password"),
        (SENTINEL, {"master_name": ""}, "a text"),
        (AMQP, {"heartbeat": -1}, "a whole number"),
        (AMQP, {"client_properties": 1}, "an object"),
    ],
)
def test_an_option_that_does_not_fit_is_named_and_its_value_is_not(
    family: str, told: dict[str, object], said: str
) -> None:
    with pytest.raises(BadSettings, match="INGEST_BROKER_OPTIONS") as caught:
        broker(family, **told)
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_users_options_hold_for_who_works_and_make_no_bell_wait() -> None:
    told = json.loads('{"socket_timeout": 33, "visibility_timeout": 600}')
    found = broker(REDIS, **told)
    assert found.options()["socket_timeout"] == 33
    assert found.bell_options()["socket_timeout"] == 2
    assert found.bell_options()["visibility_timeout"] == 600
    keepalive = broker(REDIS, socket_keepalive_options={"TCP_KEEPCNT": 7}).options()
    assert keepalive["socket_keepalive_options"] == {socket.TCP_KEEPCNT: 7}
    assert broker(AMQP, heartbeat=7, connect_timeout=1.5).heartbeat_s == 7
    assert broker(AMQP, connect_timeout=1.5).connect_s == 1.5


def test_a_sentinels_own_password_is_not_shown() -> None:
    found = broker(SENTINEL, sentinel_kwargs={"password": SECRET})
    asked = found.options()["sentinel_kwargs"]
    assert isinstance(asked, dict)
    assert (asked["password"], asked["socket_timeout"]) == (SECRET, 1.0)
    assert SECRET not in repr(found)
