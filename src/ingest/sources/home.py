"""The URLs that a token may be sent to: below one base, on one host. Performs no I/O.

Law: whatever path a client asks for, and wherever a redirect or a next page leads, the request
stays on the origin of the base URL (RFC 6454); a path never climbs, and never begins a query.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from ingest.core.errors import PermanentError, TransientError
from ingest.sources.answers import SHOWN
from ingest.sources.masking import Mask

# What would be another path once it is a URL: RFC 3986, 5.2.4 and 3.4.
_CROOKED = re.compile(r"[?#\\]|(?:\A|/)\.{0,2}(?:/|\Z)")


@dataclass(frozen=True, slots=True)
class Home:
    """Where one provider's API is: every URL that a client asks for goes through it.

    base_url: on whose origin all requests stay. title, mask: for messages.
    """

    title: str
    base_url: str
    mask: Mask

    def url(self, path: str) -> str:
        """A path below the base, or a whole URL on its host, as a whole URL.

        Raises `PermanentError` for one that leads elsewhere.
        """
        if path.startswith(("http://", "https://")):
            self.require(path)
            return path
        below = path.removeprefix("/")
        if below and _CROOKED.search(below.removesuffix("/")):
            raise PermanentError(f"{self.title} has no path that leads elsewhere than it says")
        return f"{self.base_url.rstrip('/')}/{below}"

    def target(self, url: str, location: str) -> str:
        """Where a redirect leads, as a whole URL (RFC 9110, 10.2.2: it may be relative).

        Raises `TransientError` for nowhere, `PermanentError` for another origin.
        """
        if not location:
            raise TransientError(self.mask(f"{self.title} redirects {path_of(url)} nowhere"))
        target = str(self._parsed(url, location))
        self.require(target)
        return target

    def require(self, url: str) -> None:
        """Raise `PermanentError` for another origin (RFC 6454), or for a user's name in the URL."""
        there = self._parsed(url)
        if _origin(there) != _origin(self._parsed(self.base_url)):
            # As it is on the wire: read as a language's, it may be none.
            host = self.mask(there.raw_host.decode("latin-1"))[:SHOWN]
            raise PermanentError(
                f"{self.title} points to {host}, which is not its API's host; "
                "the token is not sent there"
            )

    def no_url(self, error: Exception) -> PermanentError:
        """What no URL can hold, as our error."""
        said = self.mask(str(error))[:SHOWN]
        return PermanentError(f"{self.title} was to be asked for what is no URL: {said}")

    def _parsed(self, url: str, location: str = "") -> httpx.URL:
        """httpx raises more than it says for what is no URL."""
        try:
            return httpx.URL(url).join(location) if location else httpx.URL(url)
        except (httpx.InvalidURL, ValueError, LookupError) as error:
            problem = self.no_url(error)
        raise problem


def path_of(url: str) -> str:
    """Of a URL what may be said: a query can hold what should not be in a log."""
    try:
        return urlsplit(url).path
    except ValueError:
        return "a path"


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None, bytes]:
    """RFC 6454; a default port is None, and a name in the URL would take the token's place."""
    return url.scheme, url.raw_host, url.port, url.userinfo
