"""Buys the token of an installation, for an hour, by the key of its GitHub App.

[DOC: generating-an-installation-access-token; REST-OAS apps/create-installation-access-token]
"""

from __future__ import annotations

import json

from ingest.core.errors import BadInput, Refused
from ingest.sources.access import Access, Issued, Renewal
from ingest.sources.answers import Absent
from ingest.sources.forms import DIGITS
from ingest.sources.github.answers import InstallationToken
from ingest.sources.github.payloads import read
from ingest.sources.github.rest import rest_api
from ingest.sources.github.tokens import AppKey, app_key, is_app
from ingest.sources.http import bearer


def _ask(access: Access) -> Issued:
    """An installation that is gone or suspended gets none, nor does a key that was withdrawn."""
    key, id_ = _key(access.token), access.metadata.get("githubInstallationId")
    if not DIGITS.fits(id_):
        raise Refused("a GitHub App's key needs githubInstallationId in the connection's metadata")
    now, api = access.now(), rest_api(access)
    headers = {"authorization": bearer(key.jwt(now))}
    try:
        answer = api.post(f"app/installations/{id_}/access_tokens", json={}, headers=headers)
    except Absent as error:
        raise Refused(
            f"GitHub knows no installation {id_} of App {key.app_id}: it was removed or "
            "suspended, or is another App's"
        ) from error
    except Refused as error:
        raise Refused(
            f"{error}: give a private key that App {key.app_id} still has, and see that its "
            f"installation {id_} is not suspended"
        ) from error
    finally:
        api.close()
    made = read(InstallationToken, answer.json())
    access.mask.learn(made.token, passing=True)
    return Issued(made.token, max(0.0, (made.expires_at - now).total_seconds()))


def _key(token: str) -> AppKey:
    try:
        key = app_key(token)
    except BadInput as error:
        raise Refused(str(error)) from None
    if key is None:
        raise Refused("a plain GitHub token is renewed by nobody")
    return key


def _secrets(token: str) -> tuple[str, ...]:
    """The key; the mask takes its lines apart."""
    try:
        told = json.loads(token, strict=False) if is_app(token) else None
    except (ValueError, RecursionError):
        return ()
    pem = told.get("privateKey") if isinstance(told, dict) else None
    return (pem,) if isinstance(pem, str) else ()


RENEWAL = Renewal(is_app, _secrets, _ask)
