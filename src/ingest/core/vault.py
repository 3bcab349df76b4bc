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
from ingest.core.secret import Secret

SHORTEST_KEY = 32
FEWEST_LETTERS = 16
"""Characters, with blanks and beside them: what was made up in a minute is refused."""
_LOST = "\ufffd"
"""What a byte became that is no letter; all such bytes are the same one."""
MAKE_ONE = "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
_INFO = b"lightfast-ingest stored credentials v1"


class Vault:
    """Encrypts and decrypts secrets; its `repr` tells nothing.

    `keys` are the operator's texts, the newest first: that one encrypts, all decrypt. Raises
    `BadSettings` for none, and for one that is too short.
    """

    __slots__ = ("_fernet", "_first")

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise BadSettings("INGEST_SECRET_KEY is not set; stored secrets need an encryption key")
        for key in keys:
            require_key(key, "INGEST_SECRET_KEY")
        each = [Fernet(_derive(key)) for key in keys]
        self._first, self._fernet = each[0], MultiFernet(each)

    def __repr__(self) -> str:
        return "Vault(…)"

    def encrypt(self, secret: str) -> bytes:
        """The secret under the first key, as Fernet writes it; another text each time."""
        return self._fernet.encrypt(secret.encode())

    def decrypt(self, stored: bytes) -> Secret:
        """The secret in the clear; raises `BadSettings` where none of the keys made it."""
        try:
            return Secret(self._fernet.decrypt(stored).decode())
        except InvalidToken as error:
            raise BadSettings(
                "no key of INGEST_SECRET_KEY opens a stored secret; add the key it was made with"
            ) from error

    def opens(self, stored: bytes) -> bool:
        """Whether one of the keys made it."""
        try:
            self._fernet.decrypt(stored)
        except InvalidToken:
            return False
        return True

    def is_current(self, stored: bytes) -> bool:
        """Whether the first key opens it, so that the others are not needed for it."""
        try:
            self._first.decrypt(stored)
        except InvalidToken:
            return False
        return True


def require_key(key: str, place: str, remedy: str = MAKE_ONE) -> None:
    """Raise `BadSettings` for a key that is too short to be one; `place` is where it was found.

    The zeros that a crash of the machine leaves of a file, and lost letters, do not count; words
    with blanks between them are a key, and blanks are none.
    """
    told = [char for char in key if char.isprintable() and char != _LOST]
    letters = sum(char != " " for char in told)
    if len(told) < SHORTEST_KEY or letters < FEWEST_LETTERS:
        raise BadSettings(
            f"{place} holds a key of {letters} characters beside blanks, and {SHORTEST_KEY} are "
            f"the least; {remedy}"
        )


def _derive(key: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(key.encode())
    return base64.urlsafe_b64encode(derived)
