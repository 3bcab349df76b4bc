"""What is secret of a sink, as its row holds it: sealed JSON, opened where it is needed."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from ingest.core.vault import Vault

URL, SECRET, FORMER = "url", "secret", "former"
"""The URL; the secret that a webhook is signed with; the one before, while both sign."""


def sealed(vault: Vault, hidden: Mapping[str, str]) -> bytes:
    """What is secret, encrypted."""
    return vault.encrypt(orjson.dumps(dict(hidden)).decode())


def opened(vault: Vault, secret: bytes | None) -> dict[str, str]:
    """What is secret, in the clear. Raises `BadSettings` where no key opens it."""
    if secret is None:
        return {}
    told: dict[str, str] = orjson.loads(vault.decrypt(bytes(secret)).encode())
    return told
