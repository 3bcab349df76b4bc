"""Where providers reach this installation: its public URL, and the route of a connection. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from ingest.core.errors import BadInput

LONGEST = 1_024
"""Of a public URL; what providers take with our route behind it is hardly longer."""


def public_url(told: str) -> str:
    """A public URL as it is kept, without a slash at its end.

    Raises `BadInput`, quoting nothing (a password may stand in it), for what is none: another
    scheme, no host, or a user, a query or a fragment beside it.
    """
    url = told.strip().rstrip("/")
    if not _is_plain(url):
        raise BadInput(
            "that is no public URL of this installation; give one as https://ingest.example.com, "
            "without user, query or fragment: the webhooks' route is put behind it"
        )
    return url


def route_of(source_type: str, connection_id: str) -> str:
    """The path at which a connection's webhooks come in."""
    return f"/webhooks/{source_type}/{connection_id}"


def webhook_url(public: str, source_type: str, connection_id: str) -> str:
    """Where the provider sends a connection's webhooks."""
    return f"{public}{route_of(source_type, connection_id)}"


def _is_plain(url: str) -> bool:
    try:
        parts = urlsplit(url)
        reachable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    plain = "@" not in parts.netloc and not parts.query and not parts.fragment
    printable = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    is_web = parts.scheme in ("http", "https")
    return is_web and reachable and plain and printable and len(url) <= LONGEST
