"""Secrets at rest: sealed under the first key, opened by any, told by nobody."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.errors import BadSettings
from ingest.core.vault import Vault

OLD, NEW = "an old key of more than thirty-two characters", "a new key of more than thirty-two"
secrets = st.text(st.characters(codec="utf-8"), max_size=100)


@settings(deadline=None)
@given(secrets)
def test_what_is_sealed_opens_again(secret: str) -> None:
    vault = Vault([OLD])
    assert vault.decrypt(vault.encrypt(secret)) == secret


@settings(deadline=None)
@given(secrets)
def test_a_rotated_vault_opens_old_secrets_and_seals_under_the_new_key(secret: str) -> None:
    rotated = Vault([NEW, OLD])
    assert rotated.decrypt(Vault([OLD]).encrypt(secret)) == secret
    assert Vault([NEW]).decrypt(rotated.encrypt(secret)) == secret
    with pytest.raises(BadSettings):
        Vault([OLD]).decrypt(rotated.encrypt(secret))


def test_the_same_secret_is_never_sealed_the_same_way_twice() -> None:
    vault = Vault([OLD])
    sealed = vault.encrypt("a webhook secret")
    assert sealed != vault.encrypt("a webhook secret")
    assert b"webhook" not in sealed


@given(st.binary(max_size=200))
def test_what_no_key_made_is_refused_with_the_settings_name(stored: bytes) -> None:
    with pytest.raises(BadSettings, match="INGEST_SECRET_KEY"):
        Vault([OLD, NEW]).decrypt(stored)


def test_one_changed_byte_is_refused() -> None:
    sealed = Vault([OLD]).encrypt("a webhook secret")
    for at in (0, 10, 30, 60):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(BadSettings):
            Vault([OLD]).decrypt(changed)


def test_a_refusal_quotes_neither_key_nor_secret() -> None:
    with pytest.raises(BadSettings) as refused:
        Vault([NEW]).decrypt(Vault([OLD]).encrypt("a webhook secret"))
    for quoted in (NEW, OLD, "webhook secret"):
        assert quoted not in str(refused.value)


def test_a_vault_without_a_key_cannot_be_made() -> None:
    with pytest.raises(BadSettings, match="INGEST_SECRET_KEY"):
        Vault([])


def test_a_vault_shown_in_a_log_tells_nothing() -> None:
    assert OLD not in f"{Vault([OLD])!r} {Vault([OLD])}"
