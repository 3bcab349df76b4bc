"""How tickets and articles are mentioned: `#7890`, `ZD-7890`, and the URLs of their pages.

Law: a bare number is a ticket only in Zendesk's own texts, and not where a word before it says what
else it counts; a URL and `ZD-7890` name their account by their prefix. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.core.identity import Identity
from ingest.core.links import host_start
from ingest.core.references import Context, Mention, Syntax

ABBREVIATION = "ZD"
"""What developers write before a ticket's number; whoever has a Zendesk connection owns it."""

# The contract sheet, section e. One digit is a rank or a count far more often than a ticket.
_HASH = re.compile(r"#([1-9][0-9]{1,9}+)(?![A-Za-z0-9_%]|[.,][0-9])")
_NOT_BEFORE = frozenset("&#\\/@-._=?")
_SHORT = re.compile(
    rf"(?<![A-Za-z0-9_.-]){ABBREVIATION}[-#]?([1-9][0-9]{{1,9}}+)(?![A-Za-z0-9_]|[.-][0-9])"
)

_HOST = ".zendesk.com/"
_PAGE = re.compile(
    r"\.zendesk\.com/(?:"
    r"(?:agent/|api/v2/)?(?:#/)?tickets/([1-9][0-9]{0,9}+)"
    r"|(?:hc/(?:[A-Za-z0-9-]{2,12}/)?)?requests/([1-9][0-9]{0,9}+)"
    r"|hc/(?:[A-Za-z0-9-]{2,12}/)?articles/([1-9][0-9]{0,15}+)"
    r")(?![A-Za-z0-9_])"
)
_SUBDOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}\Z")
_SUBDOMAIN_CHARS = 63
# Zendesk's own sites: their articles are nobody's documents.
_ZENDESKS_OWN = frozenset({"www", "support", "developer", "help", "status"})

# What follows these words is not a ticket: `order #1001` is what customers write most.
_COUNTED_LIST = """
    account apartment apt article attempt badge batch bed booking box build bus card chapter charge
    check cheque claim commit confirmation contract conversation coupon customer device door
    extension fax flight form gate group id imei invoice issue item key licence license line load
    locker lot member model nr order package page parcel part payment phase phone pier pin platform
    player po policy position pr product purchase question rank receipt ref reference registration
    reservation room route row sample seat serial shipment sim sku slot step store suite table tag
    tel terminal top track tracking transaction trip unit user version voucher week
"""
_COUNTED = frozenset(_COUNTED_LIST.split())
_WORD = re.compile(
    r"([A-Za-z]{1,16})[.:]?[ \t]{1,3}(?:(?:no|nr|number)[.:]?[ \t]{1,3})?\Z", re.IGNORECASE
)
_COLOUR = re.compile(
    r"(?:colou?rs?|background|foreground|bg|fg|hex|rgb|css)[\"']?[ \t:=\"']*\Z", re.IGNORECASE
)
_REACH = 32


def _find(text: str, context: Context) -> Iterator[Mention]:
    """The cheap questions come first: most texts hold none of the three marks."""
    if context.source_type == "zendesk" and "#" in text:
        yield from _numbers(text, context.scope)
    if ABBREVIATION in text:
        for found in _SHORT.finditer(text):
            key = f"#{found[1]}"
            yield Mention(found.start(), found.end(), "zendesk", key, "text", ABBREVIATION)
    if _HOST in text:
        yield from _pages(text)


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
    if before and (before in _NOT_BEFORE or before.isalnum()):
        return False
    low = max(0, at - _REACH)
    word = _WORD.search(text, low, at)
    if word and word[1].lower() in _COUNTED:
        return False
    return len(found[1]) not in (3, 6) or _COLOUR.search(text, low, at) is None


def _pages(text: str) -> Iterator[Mention]:
    """`https://acme.zendesk.com/agent/tickets/7890`, whatever follows; also without the scheme."""
    for found in _PAGE.finditer(text):
        at = found.start()
        subdomain = _SUBDOMAIN.search(text, max(0, at - _SUBDOMAIN_CHARS), at)
        if subdomain is None or subdomain[0].lower() in _ZENDESKS_OWN:
            continue
        start = host_start(text, subdomain.start())
        if start is not None and text[start - 1 : start] != "/":
            ticket = found[1] or found[2]
            key = f"#{ticket}" if ticket else f"article:{found[3]}"
            yield Mention(start, found.end(), "zendesk", key, "url", subdomain[0].lower())


MENTIONS = Syntax(source="zendesk", find=_find, fold=fold, mention_of=mention_of)
