"""What a Linear token may be: a personal key, an OAuth token, or the OAuth client that buys them.

A client's is the JSON `{"clientId": …, "clientSecret": …}`, whose tokens live for 30 days, or one
with a `refreshToken`, whose tokens live for 24 hours; such a refresh token works once and brings
the next. Law: no message quotes a token. Performs no I/O of its own.
Document: linear.app/developers/oauth-2-0-authentication.
"""

from __future__ import annotations

from ingest.core.errors import BadInput, Refused
from ingest.sources import oauth
from ingest.sources.access import Access, Issued, Renewal
from ingest.sources.linear.answers import RULES

FORM = '{"clientId": "…", "clientSecret": "…"[, "refreshToken": "…"]}'
_OPTIONAL = (oauth.REFRESH_TOKEN, oauth.SCOPE)
_ACCEPTED = f"give a personal API key, an OAuth token, or an OAuth client's {FORM}"
_PERSONAL = "lin_api_"
_DEFAULT_SCOPE = "read"
PATH = "graphql"


def authorization(token: str) -> str:
    """Personal keys go as they are, OAuth's tokens as `Bearer`."""
    bare = token.removeprefix("Bearer ").strip()
    return bare if bare.startswith(_PERSONAL) else f"Bearer {bare}"


def check_token(token: str) -> None:
    """Raises `BadInput`, with the remedy, for a token that cannot be one."""
    if oauth.is_object(token):
        oauth.read_client(token, FORM, _OPTIONAL)
        return
    if token.startswith("lin_wh_"):
        raise BadInput(f"that is a webhook's secret; {_ACCEPTED}")
    bare = token.removeprefix("Bearer ")
    if not bare or not bare.isascii() or not bare.isprintable() or " " in bare:
        raise BadInput(f"that is no token of Linear's; {_ACCEPTED}")


def token_end(token: str) -> str | None:
    """When a token ends that nobody renews, and what to give instead."""
    if oauth.is_object(token) or token.startswith(_PERSONAL):
        return None
    return f"an OAuth token alone, which ends within 24 hours, or 30 days; give {FORM}"


def base_of_api(access: Access) -> str:
    """The base URL may end in `/graphql` or not."""
    return access.base_url.rstrip("/").removesuffix(f"/{PATH}")


def _ask(access: Access) -> Issued:
    """`POST /oauth/token`, a form. Linear revokes what was refreshed twice: then authorize anew."""
    try:
        client = oauth.read_client(access.token, FORM, _OPTIONAL)
    except BadInput as error:
        raise Refused(str(error)) from None
    refreshes = oauth.REFRESH_TOKEN in client
    remedy = (
        "the refresh token was used already, or withdrawn: authorize the app anew, and give the "
        f"new refresh token as {FORM}"
        if refreshes
        else f"give the {FORM} of an OAuth app whose client credentials are on"
    )
    endpoint = oauth.TokenEndpoint(
        "Linear", base_of_api(access), "oauth/token", remedy, wait_s=RULES.wait_s
    )
    return endpoint.buy(access, client, oauth.grant(client, _DEFAULT_SCOPE))


RENEWAL = Renewal(oauth.is_object, oauth.secrets_of, _ask)
