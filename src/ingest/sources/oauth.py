"""OAuth's clients as people give them, and the request by which one buys a token (RFC 6749).

What a person gives is a JSON object of texts (`{"clientId": …, "clientSecret": …}`); which of them
a provider takes is the provider's to say. Law: no message quotes one, but the client's id. Performs
no I/O of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from ingest.core.errors import BadInput, BadPayload, Refused, TransientError
from ingest.core.values import JSON
from ingest.sources.access import Access, Issued
from ingest.sources.answers import Refusal, Rules
from ingest.sources.http import Api

CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, SCOPE = (
    "clientId",
    "clientSecret",
    "refreshToken",
    "scope",
)
_NEEDED = (CLIENT_ID, CLIENT_SECRET)
_VALUE = re.compile(r"[!-~]+")
_SCOPES = re.compile(r"[!-~]+(?: [!-~]+)*")
_LONGEST_LIFE_S = 10 * 365 * 86_400.0
_MAX_BYTES = 2**20
_PASSING = frozenset({408, 425, 429})
"""Statuses from 400 that say nothing of what was given."""


def is_object(given: str) -> bool:
    """Whether what a person gave is meant as JSON, and is no token itself."""
    return given.lstrip().startswith("{")


def read_client(given: str, form: str, optional: Collection[str] = ()) -> dict[str, str]:
    """The fields of an OAuth client: its id and secret, and what of `optional` is given.

    Raises `BadInput`, which says the `form` that is wanted.
    """
    try:
        told = json.loads(given)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise BadInput(f"what begins like JSON is no JSON object; give {form}")
    missing = [name for name in _NEEDED if name not in told]
    unknown = told.keys() - {*_NEEDED, *optional}
    if missing:
        raise BadInput(f"{missing[0]} is missing; give {form}")
    if unknown:
        raise BadInput(f"an OAuth client is given with a field that is not known; give {form}")
    for name, value in told.items():
        fits = _SCOPES if name == SCOPE else _VALUE
        if not isinstance(value, str) or not fits.fullmatch(value):
            raise BadInput(f"{name} is empty, or no text without blanks; give {form}")
    return told


def secrets_of(given: str) -> tuple[str, ...]:
    """What of a client must never be said; nothing of what is none."""
    try:
        told = json.loads(given) if is_object(given) else None
    except (ValueError, RecursionError):
        return ()
    fields = told if isinstance(told, dict) else {}
    found = (fields.get(name) for name in (CLIENT_SECRET, REFRESH_TOKEN))
    return tuple(one for one in found if isinstance(one, str))


def grant(client: Mapping[str, str], scope: str | None = None) -> dict[str, str]:
    """What is sent for one more token: by its refresh token where it has one (RFC 6749, 6), else by
    the client's own credentials (4.4).
    """
    asked = {"client_id": client[CLIENT_ID], "client_secret": client[CLIENT_SECRET]}
    if REFRESH_TOKEN in client:
        return asked | {
            "grant_type": "refresh_token",
            "refresh_token": client[REFRESH_TOKEN],
        }
    told = client.get(SCOPE) or scope
    return asked | {"grant_type": "client_credentials"} | ({"scope": told} if told else {})


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where a provider's tokens are bought.

    title: for messages. base_url, path: where it is. remedy: what to give where no token is made
    any more. is_form: whether it takes a form, as the RFC has it, and else JSON.
    wait_s: as `Rules` has it; limits are the provider's own.
    """

    title: str
    base_url: str
    path: str
    remedy: str
    is_form: bool = True
    wait_s: Callable[[Refusal], float | None] = Rules().wait_s

    def buy(self, access: Access, client: Mapping[str, str], asked: Mapping[str, str]) -> Issued:
        """One token, by one request; raises as `Renewal.ask`.

        `client` is what was given, and becomes what the next token is made of where the answer
        brings another refresh token.
        """
        for name in (CLIENT_SECRET, REFRESH_TOKEN):
            access.mask.learn(client.get(name, ""), passing=name == REFRESH_TOKEN)
        api = Api(
            self.title,
            self.base_url,
            access.now,
            {"accept": "application/json"},
            Rules(wait_s=self._judge),
            max_bytes=_MAX_BYTES,
            resolve=access.resolve,
            mask=access.mask,
        )
        try:
            if self.is_form:
                answer = api.post(self.path, form=asked)
            else:
                answer = api.post(self.path, json=dict(asked))
            told = answer.json()
        except BadPayload:
            told = None
        finally:
            api.close()
        return self._issued(access, client, told)

    def _judge(self, refusal: Refusal) -> float | None:
        """RFC 6749, 5.2: whatever it does not like of what was given is a 400 or a 401."""
        wait_s = self.wait_s(refusal)
        if wait_s is not None or refusal.status >= 500 or refusal.status in _PASSING:
            return wait_s
        told = refusal.json()
        error = told.get("error") if isinstance(told, dict) else None
        code = refusal.quoted(error) if isinstance(error, str) and error else "no reason"
        raise Refused(
            f"{self.title} makes no token of what the connection keeps "
            f"(HTTP {refusal.status}, {code}): {self.remedy}",
            whole=True,
        )

    def _issued(self, access: Access, client: Mapping[str, str], told: JSON) -> Issued:
        """RFC 6749, 5.1: `expires_in` may be missing; a new refresh token replaces the old one."""
        body = told if isinstance(told, dict) else {}
        token, refresh = body.get("access_token"), body.get("refresh_token")
        if not isinstance(token, str) or not _VALUE.fullmatch(token):
            raise TransientError(f"{self.title} answers /{self.path} without a token")
        access.mask.learn(token, passing=True)
        given: str | None = None
        rotates = REFRESH_TOKEN in client and isinstance(refresh, str)
        if rotates and refresh != client[REFRESH_TOKEN]:
            access.mask.learn(str(refresh), passing=True)
            given = json.dumps({**client, REFRESH_TOKEN: refresh})
        return Issued(token, _lives_s(body.get("expires_in")), given)


def _lives_s(told: JSON) -> float | None:
    """Some write the number as a text."""
    try:
        lives_s = float(told) if isinstance(told, int | float | str) else 0.0
    except (ValueError, OverflowError):
        return None
    return min(lives_s, _LONGEST_LIFE_S) if lives_s > 0.0 else None
