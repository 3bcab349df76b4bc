"""One broker as the settings have it: its address, its options, and the names of its queues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.broker import options
from ingest.broker.address import AMQP, MASTER_NAME, SENTINEL, BrokerAddress, address_of
from ingest.broker.options import Options
from ingest.core.errors import BadSettings

URL_VARIABLE, PREFIX_VARIABLE = "CELERY_BROKER_URL", "INGEST_QUEUE_PREFIX"
_REDIS_KEYS = ("unacked", "unacked_index", "unacked_mutex")
"""What kombu keeps beside its queues in Redis: one set for each environment."""


@dataclass(frozen=True, slots=True)
class Broker:
    """What is needed to reach a broker.

    told: the user's own options, which may be secrets.
    prefix: stands before the names of queues, so that environments can share a broker.
    """

    address: BrokerAddress
    told: Options = field(default_factory=dict, repr=False)
    prefix: str = ""

    @property
    def url(self) -> str:
        """As the driver takes it: of one host, or of several with semicolons between."""
        return self.address.urls

    @property
    def shown(self) -> str:
        """As anybody may read it."""
        return self.address.shown

    @property
    def heartbeat_s(self) -> int:
        """Between two signs of life, where a kind of broker knows them."""
        told = self.told.get("heartbeat", options.HEARTBEAT_S)
        return told if self.address.family == AMQP and isinstance(told, int) else 0

    @property
    def connect_s(self) -> float:
        """How long a worker waits for one attempt to connect."""
        told = self.told.get("connect_timeout", options.CONNECT_S)
        return float(told) if isinstance(told, int | float) else options.CONNECT_S

    def queue(self, name: str) -> str:
        """A queue's name on this broker."""
        return f"{self.prefix}{name}"

    def options(self) -> dict[str, object]:
        """Options of the driver for who works: he waits, but never without an end.

        The user's own go before the defaults of the kind of broker.
        """
        family = self.address.family
        keys = {} if family == AMQP else {f"{key}_key": self.queue(key) for key in _REDIS_KEYS}
        told = {name: value for name, value in self.told.items() if name != "heartbeat"}
        if family == SENTINEL:
            asked = told.get("sentinel_kwargs")
            told["sentinel_kwargs"] = {
                **options.ASKED,
                **(asked if isinstance(asked, dict) else {}),
            }
        own = {**(keys if self.prefix else {}), **self.address.told}
        return {**options.DEFAULTS[family], **own, **told}

    def bell_options(self) -> dict[str, object]:
        """Options of the driver for who rings: one attempt with each host, and a short one.

        Nothing of the user's may make him wait longer: a bell that is not heard is swept.
        """
        bell = options.BELLS[self.address.family]
        tries = 0 if self.address.family == SENTINEL else self.address.count - 1
        return {**self.options(), **bell, "max_retries": tries}


def broker_of(
    urls: str, told: Mapping[str, object] | None = None, prefix: str = "", *, name: str = ""
) -> Broker:
    """The broker that these URLs and options say; nothing is contacted.

    told: as INGEST_BROKER_OPTIONS has it.
    name: the variable of the URLs, for messages.
    Raises `BadSettings` for a broker that there is not, or that takes no such options.
    """
    address = address_of(name or URL_VARIABLE, urls)
    known = options.require_known(address.family, told or {})
    if address.family == SENTINEL and not {MASTER_NAME} & {*address.told, *known}:
        raise BadSettings(
            f"{name or URL_VARIABLE} names sentinels and not what they watch; add "
            f'?{MASTER_NAME}=mymaster, or {options.VARIABLE}=\'{{"{MASTER_NAME}": "mymaster"}}\''
        )
    return Broker(address, known, prefix)
