"""What a Zendesk token may be: an OAuth client, which buys tokens; a token; an old API token.

A client's is the JSON `{"clientId": …, "clientSecret": …}`, of a confidential OAuth client; its
tokens live for half an hour, and it acts as the user who made it. Since 27 October 2026 nobody can
make an API token, and all stop on 30 April 2027. Law: no message quotes a token. Performs no I/O of
its own.
Documents: …/api-basics/authentication/oauth-migration; …/security-and-auth.
"""

from __future__ import annotations

import re

from ingest.core.errors import BadInput, Refused
from ingest.sources import oauth
from ingest.sources.access import Access, Issued, Renewal

FORM = '{"clientId": "…", "clientSecret": "…"}'
_ACCEPTED = (
    f"give the {FORM} of a confidential OAuth client that an admin made (Admin Center, Apps and "
    "integrations, APIs, OAuth clients), an OAuth access token alone, or, until 30 April 2027, an "
    "old API token as email/token:api_token"
)
_PRINTABLE = re.compile(r"[!-~]+")
_OPTIONAL = (oauth.SCOPE,)
_DEFAULT_SCOPE = "read"


def is_api_token(token: str) -> bool:
    """Whether it is sent as Basic, and not as Bearer: `email/token:api_token`."""
    return "/token:" in token


def check_token(token: str) -> None:
    """Raises `BadInput`, with the remedy, for a token that cannot be one."""
    if oauth.is_object(token):
        oauth.read_client(token, FORM, _OPTIONAL)
        return
    if not _PRINTABLE.fullmatch(token):
        raise BadInput(f"Zendesk's token is empty or holds blanks; {_ACCEPTED}")
    if "@" in token and not (is_api_token(token) and token.partition("/token:")[2]):
        raise BadInput(f"Zendesk takes no passwords; {_ACCEPTED}")


def token_end(token: str) -> str | None:
    """When a token ends that nobody renews, and what to give instead."""
    if oauth.is_object(token):
        return None
    if is_api_token(token):
        return f"an API token, and all of these stop on 30 April 2027; give {FORM} before"
    return f"an access token alone, which mostly ends within half an hour; give {FORM}"


def base_of_account(access: Access) -> str:
    """The account's own URL; the base may end in `/api/v2` or not."""
    return access.base_url.rstrip("/").removesuffix("/api/v2")


def _ask(access: Access) -> Issued:
    """`POST /oauth/tokens`, JSON: …/oauth-migration, client credentials."""
    try:
        client = oauth.read_client(access.token, FORM, _OPTIONAL)
    except BadInput as error:
        raise Refused(str(error)) from None
    endpoint = oauth.TokenEndpoint(
        "Zendesk",
        base_of_account(access),
        "oauth/tokens",
        f"give the {FORM} of an OAuth client that is confidential and not withdrawn",
        is_form=False,
    )
    return endpoint.buy(access, client, oauth.grant(client, _DEFAULT_SCOPE))


RENEWAL = Renewal(oauth.is_object, oauth.secrets_of, _ask)
