"""How tickets and articles are mentioned: `#7890`, `ZD-7890`, and the URLs of their pages.

Law: a bare number is a ticket only in Zendesk's own texts, and not where a word before it says
whose number it is; a URL and `ZD-7890` name their account by their prefix, which is the subdomain,
or the whole host where a help centre has one of its own. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.core.identity import Identity
from ingest.core.links import host_start
from ingest.core.references import Context, Mention, Syntax
from ingest.sources.numbered import TRACKERS, is_in_range, owner_of, singular, words_before

ABBREVIATION = "ZD"
"""What developers write before a ticket's number; whoever has a Zendesk connection owns it."""

# The contract sheet, section e. One digit is a rank or a count far more often than a ticket.
_NUMBER = r"([1-9][0-9]{1,9}+)"
_HASH = re.compile(r"#([1-9][0-9]{1,9}+)(?![A-Za-z0-9_%]|[.,][0-9]|-[A-Za-z])")
_NOT_BEFORE = frozenset("&#\\/@-._=?")
_SHORT = re.compile(
    rf"(?:(?<![A-Za-z0-9_./@-])|(?<=[0-9]/))(?:{ABBREVIATION}[-# ]?#?"
    r"|[Zz]endesk(?:['\u2019]s)?:? (?:(?:[Tt]icket|[Rr]equest)s?:? )?#)"
    rf"{_NUMBER}(?![A-Za-z0-9_@]|[.-][0-9])"
)
# The next one of a row: "Zendesk tickets #7890 and #7891".
_FURTHER = re.compile(rf"(?:,? (?:and|or|&) |, ?| ?[&/] ?)#{_NUMBER}(?![A-Za-z0-9_@]|[.-][0-9])")

_DOMAIN = ".zendesk.com"
_HOST = f"{_DOMAIN}/"
_PAGE = re.compile(
    r"\.zendesk\.com/(?:"
    r"(?:agent/|api/v2/)?(?:#/)?tickets/([1-9][0-9]{0,9}+)"
    r"|(?:hc/(?:[A-Za-z0-9-]{2,12}/)?)?requests/([1-9][0-9]{0,9}+)"
    r"|hc/(?:[A-Za-z0-9-]{2,12}/)?articles/([1-9][0-9]{0,15}+)"
    r")(?![A-Za-z0-9_])"
)
# A help centre under a domain of the customer's own.
_MAPPED = re.compile(
    r"https?://(?P<host>(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24})/(?:"
    r"agent/(?:#/)?tickets/(?P<ticket>[1-9][0-9]{0,9}+)"
    r"|hc/(?:[A-Za-z0-9-]{2,12}/)?requests/(?P<request>[1-9][0-9]{0,9}+)"
    r"|hc/(?:[A-Za-z0-9-]{2,12}/)?articles/(?P<article>[1-9][0-9]{0,15}+)"
    r")(?![A-Za-z0-9_])"
)
_SUBDOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}\Z")
_SUBDOMAIN_CHARS = 63
# Zendesk's own sites: their articles are nobody's documents.
_ZENDESKS_OWN = frozenset({"www", "support", "developer", "help", "status"})

# What follows these words is somebody else's number: `order #1001` is what customers write most.
_OTHERS_LIST = """
    account apartment apt article badge batch booking box bus card charge check cheque claim commit
    confirmation contract conversation coupon customer ending extension fax flat flight gate imei
    incident invoice issue item key licence license load locker lot member model nr order package
    parcel part payment phone pin po policy pr product purchase receipt ref reference registration
    reservation rma room route sample serial shipment sim sku store tel tracking transaction trip
    unit user voucher
"""
_OTHERS = frozenset(_OTHERS_LIST.split())
# A small number after these is a count.
_COUNTED_LIST = """
    attempt bed build building chapter device door form group level line page phase pier platform
    player position question rank row seat slot stage step suite table tag terminal test top track
    version week
"""
_COUNTED = frozenset(_COUNTED_LIST.split())
_SMALL_DIGITS = 2
# Between such a word and its number: "order number is #1001".
_LINKING = frozenset({"are", "id", "ids", "is", "no", "nr", "number", "numbers", "was", "were"})
_IDS = frozenset({"id", "ids"})
_TICKETS = frozenset({"case", "request", "ticket"})
_OTHER_TRACKERS = TRACKERS | {"github", "linear", "sentry"}
_REQUESTED = frozenset({"merge", "pull"})
_COLOUR = re.compile(
    r"(?:colou?rs?|background|foreground|bg|fg|hex|rgb|css)[\"']?[ \t:=\"']*\Z", re.IGNORECASE
)
_COLOUR_WORD = re.compile(r"\b(?:colou?rs?|background|hex|rgb|css)\b", re.IGNORECASE)
"""In the words before six digits, which few accounts have tickets of."""
_REACH, _LONG_REACH = 32, 64


def _find(text: str, context: Context) -> Iterator[Mention]:
    """The cheap questions come first: most texts hold none of the three marks."""
    if context.source_type == "zendesk" and "#" in text:
        yield from _numbers(text, context.scope)
    by_name = "endesk" in text
    if by_name or ABBREVIATION in text:
        yield from _by_name(text)
    if by_name and _HOST in text:
        yield from _pages(text)
    if "/" in text and ("/hc/" in text or "/agent/" in text):
        yield from _mapped(text, context)


def _by_name(text: str) -> Iterator[Mention]:
    """`ZD-7890`, `Zendesk tickets #7890 and #7891`."""
    for first in _SHORT.finditer(text):
        found: re.Match[str] | None = first
        while found is not None:
            start = found.start() if found is first else found.start(1) - 1
            yield Mention(start, found.end(), "zendesk", f"#{found[1]}", "text", ABBREVIATION)
            found = _FURTHER.match(text, found.end())


def fold(key: str) -> str:
    """Numbers, and locales (RFC 5646, 2.1.1): `article:5:pt-BR` is asked for in any case."""
    return key.lower()


def mention_of(source_id: str) -> str:
    """A ticket is `7890`, and mentioned as `#7890`."""
    return f"#{source_id}" if source_id.isdigit() else source_id


def _numbers(text: str, account: str | None) -> Iterator[Mention]:
    """`#7890`, where it stands alone: a ticket of the text's own account."""
    for found in _HASH.finditer(text):
        if _stands_alone(text, found):
            thing = None if account is None else Identity("zendesk", account, "ticket", found[1])
            key = f"#{found[1]}"
            yield Mention(found.start(), found.end(), "zendesk", key, "text", thing=thing)


def _stands_alone(text: str, found: re.Match[str]) -> bool:
    """Whether `#7890` is no entity (`&#78;`), anchor, repository's number, count or colour."""
    at = found.start()
    before = text[at - 1 : at]
    if before and (before in _NOT_BEFORE or before.isalnum()) and not is_in_range(text, at):
        return False
    if _is_anothers(words_before(text, at), found[1]):
        return False
    if len(found[1]) == 6 and _COLOUR_WORD.search(text, max(0, at - _LONG_REACH), at):
        return False
    return len(found[1]) != 3 or _COLOUR.search(text, max(0, at - _REACH), at) is None


def _is_anothers(words: list[str], number: str) -> bool:
    """Whether the words before a number, the nearest first, say that it counts, or is an order's or
    another system's.
    """
    at = next((at for at, word in enumerate(words) if word not in _LINKING), len(words))
    linking, words = words[:at], words[at:]
    name = singular(words[0]) if words else ""
    if not _IDS.isdisjoint(linking):
        return name not in _TICKETS
    if name in _OTHERS or (name in _COUNTED and len(number) <= _SMALL_DIGITS):
        return True
    if name == "request" and len(words) > 1 and words[1] in _REQUESTED:
        return True
    return owner_of(words) in _OTHER_TRACKERS


def _pages(text: str) -> Iterator[Mention]:
    """`https://acme.zendesk.com/agent/tickets/7890`, whatever follows; also without the scheme."""
    for found in _PAGE.finditer(text):
        at = found.start()
        subdomain = _SUBDOMAIN.search(text, max(0, at - _SUBDOMAIN_CHARS), at)
        if subdomain is None or subdomain[0].lower() in _ZENDESKS_OWN:
            continue
        start = host_start(text, subdomain.start())
        if start is not None and text[start - 1 : start] != "/":
            key = _key(found[1] or found[2], found[3])
            yield Mention(start, found.end(), "zendesk", key, "url", subdomain[0].lower())


def _mapped(text: str, context: Context) -> Iterator[Mention]:
    """The same on a host of the customer's own; that of the text's own page needs no owner."""
    own = context.host if context.source_type == "zendesk" else None
    for found in _MAPPED.finditer(text):
        host = found["host"].lower()
        if not host.endswith(_DOMAIN):
            key = _key(found["ticket"] or found["request"], found["article"])
            prefix = None if host == own else host
            yield Mention(found.start(), found.end(), "zendesk", key, "url", prefix)


def _key(ticket: str | None, article: str | None) -> str:
    return f"#{ticket}" if ticket else f"article:{article}"


MENTIONS = Syntax(source="zendesk", find=_find, fold=fold, mention_of=mention_of)
