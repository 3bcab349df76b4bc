"""`DATABASE_URL`: every form that others read is read, or refused in one line without a password.

What libpq makes of the same URL is asked of libpq itself.
"""

from __future__ import annotations

import psycopg.conninfo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.errors import BadSettings
from ingest.settings import faults
from ingest.store import address, startup_options

SECRET = "canary-5"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:pass@host/name",
        "postgresql://user:pass@host:5433/name?sslmode=require",
        "postgresql://user:p%40ss%2Fword@host/name",
        "postgresql://host/name",
        "postgresql://host:5433",
        "postgresql://",
        "postgresql:///name",
        "postgresql:///name?host=/var/run/postgresql&port=5433",
        "postgresql://%2Fvar%2Frun%2Fpostgresql/name",
        "postgresql://%2Frun%2Fpostgresql:5433/name",
        "postgresql://user@[::1]:5433/name",
        "postgresql://user@[::1]/name",
        "postgresql://h1,h2:5433/name?target_session_attrs=any",
        "postgresql://u@h1:5432,h2:5433/name?target_session_attrs=primary",
        "postgresql://host/name?user=other&password=p%26w&connect_timeout=3",
        "postgres://user:pass@host/name?keepalives_idle=9&tcp_user_timeout=0",
        "postgresql:///?dbname=name&host=h1,h2&port=1,2&target_session_attrs=any",
    ],
)
def test_it_means_what_it_means_to_libpq(url: str) -> None:
    theirs = psycopg.conninfo.conninfo_to_dict(url)
    ours = dict(address.read(url).parameters)
    assert ours.pop("options") == ""
    told = {name: value for name, value in theirs.items() if value not in {None, ""}}
    if str(told.get("port", "x")).strip(",") == "":
        del told["port"]
    assert ours == told


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql+psycopg://u:p@h/n", {"user": "u", "password": "p", "host": "h"}),
        ("postgresql+asyncpg://h/n", {"host": "h", "dbname": "n"}),
        ("POSTGRES://h/n", {"host": "h"}),
        ("postgresql://u:pa/ss@h/n", {"password": "pa/ss", "host": "h"}),
        ("postgresql:///n?host=h1:1&host=h2:2", {"host": "h1,h2", "port": "1,2"}),
        ("postgresql://u@/n?host=h1:1&host=h2", {"host": "h1,h2", "port": "1,"}),
        ("postgresql:///n?host=::1", {"host": "::1"}),
        ("postgresql://h1,h2/n", {"target_session_attrs": "read-write"}),
        ("postgresql://h/n?ssl=true", {"sslmode": "require"}),
        ("postgresql://h/n?ssl=true&sslmode=verify-full", {"sslmode": "verify-full"}),
        ("postgresql://h/n?application_name=a@b", {"application_name": "a@b"}),
    ],
)
def test_the_forms_of_other_drivers(url: str, expected: dict[str, str]) -> None:
    assert expected.items() <= address.read(url).parameters.items()


@pytest.mark.parametrize(
    ("query", "settings", "rest"),
    [
        ("options=-csearch_path%3Dtenant", {"search_path": "tenant"}, ""),
        (
            "options=-c%20search_path%3Da,b%20-c%20jit%3Doff",
            {"search_path": "a,b", "jit": "off"},
            "",
        ),
        ("options=--search-path%3Dtenant", {"search_path": "tenant"}, ""),
        (r"options=-c%20search_path%3Da,\%20b", {"search_path": "a, b"}, ""),
        ("options=endpoint%3Dcool-sun", {}, "endpoint=cool-sun"),
        ("options=project%3Dx%20-cjit%3Doff", {"jit": "off"}, "project=x"),
        (
            "options=-cdefault_transaction_read_only%3Don",
            {},
            "-cdefault_transaction_read_only=on",
        ),
        ("options=-c", {}, "-c "),
        ("options=", {}, ""),
        ("schema=tenant", {"search_path": '"tenant"'}, ""),
        ("schema=O%22dd", {"search_path": '"O""dd"'}, ""),
        ("currentSchema=tenant", {"search_path": '"tenant"'}, ""),
        ("schema=tenant&options=-csearch_path%3Dother", {"search_path": "other"}, ""),
    ],
)
def test_what_is_asked_of_the_server_is_said_in_each_transaction(
    query: str, settings: dict[str, str], rest: str
) -> None:
    told = address.read(f"postgresql://h/n?{query}")
    assert (told.settings, told.parameters["options"]) == (settings, rest)


def test_options_of_the_environment_count_where_the_url_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c search_path=tenant -c lock_timeout=1")
    expected = {"search_path": "tenant", "lock_timeout": "1"}
    assert address.read("postgresql://h/n").settings == expected
    assert address.read("postgresql://h/n?options=").settings == {}


def test_parameters_of_prisma_work_or_are_left_to_it() -> None:
    told = address.read(
        "postgresql://u:p@h:6543/n?pgbouncer=true&schema=s&connection_limit=1&pool_timeout=0"
        "&socket_timeout=5&statement_cache_size=0&supa=base-pooler.x"
    )
    assert told.pooled
    assert set(told.parameters) == {"user", "password", "host", "port", "dbname", "options"}
    assert not address.read("postgresql://h/n?pgbouncer=false").pooled


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("host=h dbname=n", "is not a database URL"),
        ("http://h/n", "names http; only postgresql"),
        ("postgresql://h:port/n", "a port that is no number"),
        ("postgresql://h:0/n", "a port that is no number"),
        ("postgresql://h:65536/n", "a port that is no number"),
        ("postgresql://h1,h2,h3/n?port=1,2", "more ports than hosts"),
        ("postgresql://[::1/n", "a port that is no number"),
        ("postgresql://u:a@b@h/n", "an @ in the name of its host"),
        ("postgresql://u:a@b/c@h/n", "an @ behind its host"),
        ("postgresql://h:5432/n?application_name=a@b", "an @ behind its host"),
        ("postgresql://h/n?sslmode", "a parameter without a value"),
        ("postgresql://h/n?sslmode=on", "sslmode is none of disable, allow"),
        ("postgresql://h/n?target_session_attrs=master", "target_session_attrs is none of any"),
        ("postgresql://h/n?connect_timeout=soon", "connect_timeout is no whole number"),
        ("postgresql://h/n?pgbouncer=maybe", "pgbouncer is neither true nor false"),
        ("postgresql://h/n?sslaccept=strict", "write sslmode=verify-full"),
        ("postgresql://h/n?timezone=EST", "every transaction runs in UTC"),
        ("postgresql://h/n?wibble=1", "the parameter wibble, which is none of PostgreSQL's"),
        ("postgresql://u:%ff@h/n", "no UTF-8"),
        ("postgresql://u:a%00@h/n", "%00"),
    ],
)
def test_what_cannot_be_meant_is_one_line_found_at_the_start(url: str, said: str) -> None:
    with pytest.raises(BadSettings, match="DATABASE_URL") as caught:
        address.read(url)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert faults({"DATABASE_URL": url}) == [str(caught.value)]


@given(
    st.text("ab%@/?#:&=+,[] \\\"'\0é", max_size=6),
    st.text("ab%@/?#:&=+,[] ", max_size=6),
    st.sampled_from(
        [
            "postgresql://user:{}@host/name",
            "postgresql://user:{}@host:port/name?sslmode=x",
            "postgresql://{}@host",
            "postgres://h1,h2/name?password={}",
            "postgresql://host/name?password={}&wibble=1",
        ]
    ),
)
def test_no_password_is_told_and_nothing_else_is_raised(before: str, after: str, form: str) -> None:
    try:
        told = repr(address.read(form.format(f"{before}{SECRET}{after}")))
    except BadSettings as error:
        told = str(error)
    assert SECRET not in told


def test_options_that_are_read_and_written_are_the_same() -> None:
    assert startup_options.read(r"-c a.b=x\ y --c-d=\\ z") == ({"a.b": "x y", "c_d": "\\"}, "z")
