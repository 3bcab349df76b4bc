"""What stands in the legacy database of tests; that it is built as it says, `test_export` sees."""

from __future__ import annotations

from tests.legacy.ddl import NAMES, ORDER, ddl
from tests.legacy.oddities import ODDITIES


def test_each_oddity_is_the_same_each_time() -> None:
    for name, oddity in ODDITIES.items():
        assert oddity() == oddity() != [], name


def test_no_two_oddities_have_an_id_in_common() -> None:
    ids = [(logical, row["id"]) for oddity in ODDITIES.values() for logical, row in oddity()]
    assert len(ids) == len(set(ids))


def test_every_generation_has_every_table() -> None:
    for generation, names in NAMES.items():
        assert list(names) == list(ORDER)
        assert all(f"CREATE TABLE {name} (" in ddl(generation) for name in names.values())
