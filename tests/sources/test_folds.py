"""How keys are compared, source by source: what a provider takes for one key is one."""

from __future__ import annotations

import pytest

from ingest.sources.registry import all_sources, folded

SAME = [
    ("github", "Acme/Web#1", "acme/web#1"),
    ("github", "ACME/web/discussions/4", "acme/WEB/discussions/4"),
    ("github", "Acme/Web@v1.0", "acme/web@v1.0"),
    ("github", "Acme/Web:docs/A.md", "acme/web:docs/A.md"),
    ("linear", "eng-12", "ENG-12"),
    ("linear", "AB12CD34EF56", "ab12cd34ef56"),
    ("notion", "1A2B3C4D5E6F40718293A4B5C6D7E8F9", "1a2b3c4d-5e6f-4071-8293-a4b5c6d7e8f9"),
    ("sentry", "front-end-30", "FRONT-END-30"),
    ("vercel", "Shop-K3f9x2abc-acme.Vercel.app", "shop-k3f9x2abc-acme.vercel.app"),
    ("zendesk", "article:5:PT-br", "article:5:pt-BR"),
]
OTHER = [
    ("github", "acme/web@V1", "acme/web@v1"),
    ("github", "acme/web:README.md", "acme/web:readme.md"),
    ("github", "docs/Setup.md", "docs/setup.md"),
    ("github", "acme/web#1", "acme/web#12"),
    ("linear", "ENG-1", "ENG-12"),
    ("sentry", "3001", "3002"),
    ("vercel", "dpl_AbCdEfGhIjKlMnOpQrSt", "dpl_abcdefghijklmnopqrst"),
    ("zendesk", "#12", "12"),
]

EVERY = [(source_type, key) for source_type, *keys in SAME + OTHER for key in keys]


@pytest.mark.parametrize(("source_type", "one", "two"), SAME)
def test_one_key_in_two_spellings_is_one(source_type: str, one: str, two: str) -> None:
    assert folded(source_type, one) == folded(source_type, two)


@pytest.mark.parametrize(("source_type", "one", "two"), OTHER)
def test_what_case_tells_apart_stays_apart(source_type: str, one: str, two: str) -> None:
    assert folded(source_type, one) != folded(source_type, two)


@pytest.mark.parametrize(("source_type", "key"), EVERY)
def test_what_is_folded_folds_to_itself(source_type: str, key: str) -> None:
    compared = folded(source_type, key)
    assert folded(source_type, compared) == compared


def test_a_prefix_is_told_of_a_key_in_any_spelling() -> None:
    """What guards a key (`Descriptor.prefix_of`) is asked about it as it is compared."""
    for source_type, one, two in SAME:
        prefix_of = all_sources()[source_type].descriptor.prefix_of
        assert prefix_of(folded(source_type, one)) == prefix_of(two) == prefix_of(one)
