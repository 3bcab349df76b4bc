"""What a GitHub token may be: a plain one, or the key of a GitHub App, which makes its own.

A plain token (personal, fine-grained, of an installation) is sent as it is. An App's is the JSON
`{"appId": …, "privateKey": "-----BEGIN …"}`; with it a short JWT is signed, which buys a token of
the installation for an hour. Law: no message quotes a token or a key. Performs no I/O.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ingest.core.errors import BadInput

_BACKDATED = timedelta(seconds=60)
_LIFETIME = timedelta(minutes=9)
_HEADER = {"alg": "RS256", "typ": "JWT"}


@dataclass(frozen=True, slots=True)
class AppKey:
    """A GitHub App's id (or client id) and its private key."""

    app_id: str
    key: RSAPrivateKey = field(repr=False)

    def jwt(self, now: datetime) -> str:
        """[DOC: generating-a-json-web-token] Valid for minutes, dated back for clocks that differ.

        RFC 7515, 7.1 (compact form) and RFC 7518, 3.3 (RS256).
        """
        claims = {
            "iat": int((now - _BACKDATED).timestamp()),
            "exp": int((now + _LIFETIME).timestamp()),
            "iss": self.app_id,
        }
        told = b".".join(_base64url(orjson.dumps(part)) for part in (_HEADER, claims))
        signature = self.key.sign(told, PKCS1v15(), SHA256())
        return b".".join((told, _base64url(signature))).decode()


def is_app(token: str) -> bool:
    """Whether it is meant as an App's, from which tokens are made."""
    return token.lstrip().startswith("{")


def app_key(token: str) -> AppKey | None:
    """The App's key that a token is; None where it is a plain token.

    Raises `BadInput` where it is neither.
    """
    if not is_app(token):
        _check_plain(token)
        return None
    try:
        # Not strict: a key that was pasted keeps its line feeds as they are.
        told = json.loads(token, strict=False)
    except (ValueError, RecursionError) as error:
        raise BadInput("the GitHub token begins like JSON and is none; give " + _FORM) from error
    app_id, pem = (told.get(name) for name in ("appId", "privateKey"))
    if isinstance(app_id, bool) or not isinstance(app_id, int | str) or not str(app_id).strip():
        raise BadInput("appId is missing in the GitHub App's token; give " + _FORM)
    if not isinstance(pem, str):
        raise BadInput("privateKey is missing in the GitHub App's token; give " + _FORM)
    return AppKey(str(app_id).strip(), _private_key(pem))


def check_token(token: str) -> None:
    """Raises `BadInput`, with the remedy, for a token that cannot be one."""
    app_key(token)


_FORM = '{"appId": …, "privateKey": "-----BEGIN RSA PRIVATE KEY-----…"}'


def _check_plain(token: str) -> None:
    """Its length says nothing: tokens of 40 characters and of several hundred are in use."""
    if not token:
        raise BadInput(f"the GitHub token is empty; give a token, or an App's {_FORM}")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise BadInput(
            "the GitHub token holds white space, or what is no ASCII; give the token alone"
        )


def _private_key(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.strip().encode(), password=None)
    except (ValueError, TypeError) as error:
        raise BadInput(
            "the GitHub App's privateKey cannot be read; give the PEM file's text, not encrypted"
        ) from error
    if not isinstance(key, RSAPrivateKey):
        raise BadInput("the GitHub App's privateKey is no RSA key; give the one GitHub generated")
    return key


def _base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
