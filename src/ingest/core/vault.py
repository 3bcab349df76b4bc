"""Encryption of stored secrets with rotatable keys: the first encrypts, all decrypt. No I/O.

Fernet (AES-128-CBC with HMAC-SHA256) of the cryptography library; its key is derived from the
operator's text with HKDF-SHA256, so that any long text serves.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ingest.core.errors import BadSettings

_INFO = b"lightfast-ingest stored credentials v1"


class Vault:
    """Encrypts and decrypts secrets; its `repr` tells nothing."""

    __slots__ = ("_fernet",)

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise BadSettings("INGEST_SECRET_KEY is not set; stored secrets need an encryption key")
        self._fernet = MultiFernet([Fernet(_derive(key)) for key in keys])

    def __repr__(self) -> str:
        return "Vault(…)"

    def encrypt(self, secret: str) -> bytes:
        """The secret under the first key."""
        return self._fernet.encrypt(secret.encode())

    def decrypt(self, stored: bytes) -> str:
        """The secret in the clear; raises `BadSettings` where none of the keys made it."""
        try:
            return self._fernet.decrypt(stored).decode()
        except InvalidToken as error:
            raise BadSettings(
                "no key of INGEST_SECRET_KEY opens a stored secret; add the key it was made with"
            ) from error


def _derive(key: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(key.encode())
    return base64.urlsafe_b64encode(derived)
