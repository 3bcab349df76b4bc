"""Which brokers are supported, and what their URLs say. Performs no I/O, and asks no driver.

Law: what is not tested here is refused in one line; of a URL only its scheme and hosts are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, urlsplit

from ingest.core.errors import BadSettings

REDIS, SENTINEL, AMQP = "redis", "sentinel", "amqp"

FAMILIES: Mapping[str, str] = {
    "redis": REDIS,
    "rediss": REDIS,
    "redis+socket": REDIS,
    "sentinel": SENTINEL,
    "amqp": AMQP,
    "amqps": AMQP,
    "pyamqp": AMQP,
}
"""The family of each scheme that is tested; what a family takes stands in `options`."""
_IN_ONE_PROCESS = frozenset({"memory", "filesystem"})
SUPPORTED = (
    "give redis://host:6379/0, rediss://…, redis+socket:///path, "
    "sentinel://host:26379;sentinel://host:26379/0?master_name=…, or amqp://user:password@host// "
    "(amqps://, pyamqp://)"
)
MASTER_NAME = "master_name"
_VERIFIED = "ssl_cert_reqs=required"


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker is: `urls` as its driver takes them, `shown` as anybody may read them.

    `told` is what the URL says of a transport's options.
    """

    family: str
    urls: str = field(repr=False)
    shown: str
    told: Mapping[str, object] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many URLs there are."""
        return self.urls.count(";") + 1


def family_of(name: str, urls: str) -> str:
    """The one family of all these URLs, as `FAMILIES` names it; they have semicolons between them.

    name: the variable that they are from, for messages.
    Raises `BadSettings` for a scheme that is not supported, and for several families.
    """
    families = {_family(name, url) for url in urls.split(";")}
    if len(families) > 1:
        raise BadSettings(f"{name} lists brokers of several kinds; one broker has one kind")
    return families.pop()


def address_of(name: str, urls: str) -> BrokerAddress:
    """The address of a broker, out of its URLs with semicolons between them; asks nobody.

    name: as above. Raises `BadSettings` for what is not supported, or contradicts itself.
    """
    family = family_of(name, urls)
    each = [url.strip() for url in urls.split(";")]
    parts = [urlsplit(url) for url in each]
    shown = ";".join(_shown(part) for part in parts)
    if family == SENTINEL:
        return _sentinels(name, parts, shown)
    return BrokerAddress(family, ";".join(_verified(url) for url in each), shown)


def _family(name: str, url: str) -> str:
    scheme = url.strip().partition("://")[0].lower()
    if scheme in _IN_ONE_PROCESS:
        raise BadSettings(
            f"{name} names {scheme}://, which crosses no process boundary: worker, beat and "
            f"receiver would not hear one another; {SUPPORTED}"
        )
    if scheme not in FAMILIES:
        told = scheme if scheme.replace("+", "").isalnum() and len(scheme) <= 24 else "its scheme"
        raise BadSettings(f"{name} names a broker that is not supported: {told}; {SUPPORTED}")
    return FAMILIES[scheme]


def _shown(part: SplitResult) -> str:
    """Without the password, and without a query, in which one may stand."""
    user, at, host = part.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    return f"{part.scheme}://{name}{':**' if colon else ''}{at}{host}{part.path}"


def _verified(url: str) -> str:
    """TLS to Redis verifies the server unless the URL says otherwise; its driver does not."""
    part = urlsplit(url)
    if part.scheme != "rediss" or "ssl_cert_reqs" in part.query:
        return url
    return f"{url}{'&' if part.query else '?'}{_VERIFIED}"


def _sentinels(name: str, parts: list[SplitResult], shown: str) -> BrokerAddress:
    """User, password, database and master's name may stand in any of the URLs, and hold for all.

    Redis' driver asks the sentinels that it is given one by one; the database and the password of
    its own are those of the URL that it happens to have in hand.
    """
    users = {part.netloc.rpartition("@")[0] for part in parts} - {""}
    paths = {part.path.strip("/") for part in parts} - {""}
    masters = _masters(name, parts)
    if max(len(users), len(paths), len(masters)) > 1:
        raise BadSettings(
            f"{name}: its sentinels disagree on user, password, database or {MASTER_NAME}; "
            "say each once"
        )
    user = f"{users.pop()}@" if users else ""
    path = f"/{paths.pop()}" if paths else ""
    hosts = [part.netloc.rpartition("@")[2] for part in parts]
    urls = ";".join(f"{SENTINEL}://{user}{host}{path}" for host in hosts)
    return BrokerAddress(SENTINEL, urls, shown, {MASTER_NAME: masters.pop()} if masters else {})


def _masters(name: str, parts: list[SplitResult]) -> set[str]:
    """The names of masters that the URLs tell, which take no other parameter."""
    told = [one for part in parts for one in parse_qsl(part.query, keep_blank_values=True)]
    if {key for key, _ in told} - {MASTER_NAME}:
        raise BadSettings(
            f"{name}: a sentinel's URL takes ?{MASTER_NAME}=… alone; the rest goes into "
            "INGEST_BROKER_OPTIONS"
        )
    return {value for _, value in told if value}
