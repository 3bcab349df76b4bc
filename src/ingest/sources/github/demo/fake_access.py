"""GitHub Apps, played: the key that signs for one, and the tokens of its installation."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from ingest.sources.github.demo.fake_shapes import failure
from ingest.testing.fakes import Answer, Asked


@dataclass(slots=True)
class App:
    """A GitHub App with its one installation, and its one webhook.

    events: those that it is subscribed to, which only a person can change. deliveries: oldest
    first.
    """

    id: str
    public_key: RSAPublicKey
    installation: int
    events: list[str] = field(default_factory=list)
    hook: dict[str, Any] = field(default_factory=lambda: {"content_type": "form"})
    deliveries: list[dict[str, Any]] = field(default_factory=list)


def is_of_app(app: App, header: str, now: datetime) -> bool:
    """Whether the header bears a JWT of this App's, good at this time."""
    told, _, signature = header.removeprefix("Bearer ").rpartition(".")
    try:
        raw = base64.urlsafe_b64decode(signature + "==")
        app.public_key.verify(raw, told.encode(), PKCS1v15(), SHA256())
        claims = json.loads(base64.urlsafe_b64decode(told.partition(".")[2] + "=="))
    except (InvalidSignature, ValueError):
        return False
    at = now.timestamp()
    fresh = claims["iat"] <= at < claims["exp"] <= at + 600
    return bool(fresh and claims["iss"] == app.id)


def installation_token(
    app: App | None, asked: Asked, installation: int, now: datetime, mint: Callable[[], datetime]
) -> Answer:
    """[REST-OAS] apps/create-installation-access-token; `mint` makes one and tells its end."""
    if app is None or asked.method != "POST":
        return failure(404, "Not Found")
    if not is_of_app(app, asked.headers.get("authorization", ""), now):
        return failure(401, "A JSON web token could not be decoded")
    if installation != app.installation:
        return failure(404, "Not Found")
    expires_at = mint()
    body = {
        "expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "permissions": {"contents": "read", "issues": "read", "metadata": "read"},
        "repository_selection": "selected",
    }
    return Answer(201, body)
