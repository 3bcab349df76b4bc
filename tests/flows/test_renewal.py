"""Credentials that renew themselves: one process at a time, stored before they are used, in words
that people can act on.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa
import structlog
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ingest.core.errors import IngestError, RateLimited, Refused, TransientError
from ingest.core.vault import Vault
from ingest.embedded.processes import wait_until
from ingest.flows.connections import credentials as giving
from ingest.flows.connections import renewal
from ingest.flows.connections.credentials import replace_credentials, retire_secret, rotate_keys
from ingest.flows.connections.purge import purge_connection
from ingest.flows.doctor.connections import Surroundings, look_at_connections
from ingest.flows.doctor.findings import Finding
from ingest.flows.doctor.secrets import look_at_sealed
from ingest.flows.lookups.clients import Clients, utc_now
from ingest.sources.access import Access, Issued
from ingest.sources.github.demo.fake import App
from ingest.sources.github.demo.fake import make as make_github
from ingest.store import credentials
from ingest.store.credentials import API_TOKEN
from ingest.store.engine import transaction
from ingest.store.issued import ACCESS_TOKEN, LEASE
from ingest.testing.fake_tokens import FakeTokens
from ingest.testing.fakes import Answer, Trouble, serving
from tests.factories import SECRET_KEY, VAULT, connect
from tests.flows.renewing import CLIENT, REFRESH, TOKEN_PATH, Renewing, given, renewing

pytestmark = pytest.mark.integration

HALF_AN_HOUR = 1800


@pytest.fixture
def zendesk(engine: sa.Engine) -> Iterator[Renewing]:
    with renewing(engine, "zendesk") as made:
        yield made


@pytest.fixture
def linear(engine: sa.Engine) -> Iterator[Renewing]:
    with renewing(engine, "linear") as made:
        yield made


class Crash(BaseException):
    """The process is gone."""


# What is made is shared, and renewed in time.


def test_a_token_is_bought_once_for_all_processes_and_kept_sealed(zendesk: Renewing) -> None:
    for _ in range(3):
        assert zendesk.client().check() == "reads as admin"
    assert zendesk.tokens.sold == 1
    (row,) = zendesk.rows(ACCESS_TOKEN)
    assert HALF_AN_HOUR - 60 < row["left_s"] <= HALF_AN_HOUR
    assert zendesk.tokens.prefix.encode() not in bytes(row["secret"])
    assert VAULT.decrypt(bytes(row["secret"])) in zendesk.tokens.live
    assert not zendesk.rows(LEASE)


def test_a_token_is_renewed_before_it_ends(zendesk: Renewing) -> None:
    zendesk.client().check()
    zendesk.pass_time(HALF_AN_HOUR - 400)
    zendesk.client().check()
    assert zendesk.tokens.sold == 1
    zendesk.pass_time(200)
    zendesk.client().check()
    assert zendesk.tokens.sold == 2
    assert len(zendesk.rows(ACCESS_TOKEN)) == 1


def test_a_token_without_an_end_is_kept_until_it_is_refused(zendesk: Renewing) -> None:
    zendesk.tokens.lives_s = None
    zendesk.client().check()
    zendesk.pass_time(10 * 86_400)
    zendesk.client().check()
    assert zendesk.tokens.sold == 1


@pytest.mark.parametrize("name", ["zendesk", "linear"])
def test_of_many_threads_and_processes_one_renews(engine: sa.Engine, name: str) -> None:
    with renewing(engine, name) as at:
        at.fake.latency_s, at.fake.slow = 0.4, TOKEN_PATH
        clients = [at.client() for _ in range(3)]
        with ThreadPoolExecutor(9) as pool:
            told = [*pool.map(lambda one: one.check(), clients * 3)]
        assert len({*told}) == 1
        assert at.tokens.sold == 1
        assert len(at.fake.asked_for(TOKEN_PATH)) == 1


def test_of_two_processes_one_renews(linear: Renewing, database_url: str) -> None:
    linear.fake.latency_s, linear.fake.slow = 1.0, TOKEN_PATH
    started = [linear.start(database_url) for _ in range(2)]
    said = [one.communicate(timeout=60)[0].splitlines() for one in started]
    assert len({lines[-1] for lines in said}) == 1
    assert sorted(map(len, said)) == [1, 2], "one of them logs that it renewed"
    assert linear.tokens.sold == 1


def test_a_refresh_token_is_replaced_with_the_token_that_it_bought(linear: Renewing) -> None:
    assert linear.keeps() == {**CLIENT, "refreshToken": REFRESH}
    for sold in (1, 2, 3):
        linear.client().check()
        assert linear.tokens.sold == sold
        assert linear.keeps() == {**CLIENT, "refreshToken": linear.tokens.refresh_token}
        linear.pass_time(HALF_AN_HOUR)


def test_a_new_pair_is_stored_before_it_is_used(linear: Renewing) -> None:
    """Whatever Linear is asked with a token, that token is what the database has."""
    stored: list[str] = []
    provider = linear.fake.provider
    answer = provider.answer

    class Watched:
        token = provider.token

        def answer(self, asked: object) -> Answer:
            if asked.path == "/graphql":  # type: ignore[attr-defined]
                (row,) = linear.rows(ACCESS_TOKEN)
                stored.append(f"Bearer {VAULT.decrypt(bytes(row['secret']))}")
                assert asked.headers["authorization"] == stored[-1]  # type: ignore[attr-defined]
            return answer(asked)  # type: ignore[arg-type]

    linear.fake.provider = Watched()
    linear.client().check()
    linear.pass_time(HALF_AN_HOUR)
    linear.client().check()
    assert len({*stored}) == 2


def test_an_apps_processes_share_the_token_of_its_installation(engine: sa.Engine) -> None:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    app = json.dumps({"appId": "4321", "privateKey": pem.decode()})
    github = make_github()
    github.add(101, "halcyon/web")
    github.app, github.now = App("4321", key.public_key(), 7), utc_now
    with serving(github) as fake:
        connection = connect(engine, "github", token=app)
        at = Renewing(engine, "github", fake, FakeTokens(), connection)
        for _ in range(3):
            at.client().check()
        assert len(github.minted) == 1
        at.pass_time(120)
        github.minted.clear()
        at.client().check()
        at.pass_time(3600 - 120)
        at.client().check()
        for clients in at.processes:
            clients.close()
    assert len(fake.asked_for("access_tokens")) == 3


# A 401.


def test_a_token_that_is_revoked_in_mid_flight_is_renewed_once(zendesk: Renewing) -> None:
    client = zendesk.client()
    client.check()
    zendesk.pass_time(120)
    zendesk.tokens.revoke()
    assert client.check() == "reads as admin"
    assert zendesk.tokens.sold == 2


def test_who_finds_that_another_has_renewed_takes_what_that_stored(zendesk: Renewing) -> None:
    first, second = zendesk.client(), zendesk.client()
    first.check()
    second.check()
    zendesk.pass_time(120)
    zendesk.tokens.revoke()
    first.check()
    second.check()
    assert zendesk.tokens.sold == 2


def test_a_token_that_is_refused_as_soon_as_it_is_made_is_not_made_again(
    zendesk: Renewing,
) -> None:
    """Else a provider that lets nobody in would be asked for ever."""
    zendesk.fake.troubles.append(Trouble(Answer(401, {}), "users/me", 99))
    client = zendesk.client()
    for _ in range(4):
        with pytest.raises(Refused):
            client.check()
    assert zendesk.tokens.sold == 1


def test_what_a_token_may_not_read_is_no_reason_to_renew(zendesk: Renewing) -> None:
    zendesk.client().check()
    zendesk.pass_time(120)
    zendesk.fake.troubles.append(Trouble(Answer(403, {}), "users/me"))
    with pytest.raises(Refused):
        zendesk.client().check()
    assert zendesk.tokens.sold == 1


def test_a_user_whom_zendesk_does_not_know_has_a_token_that_ended(zendesk: Renewing) -> None:
    """users/me is open to anonymous: an unknown token may be answered too."""
    nobody = Answer(200, {"user": {"id": None, "role": "end-user"}})
    zendesk.client().check()
    zendesk.pass_time(120)
    zendesk.fake.troubles.append(Trouble(nobody, "users/me"))
    assert zendesk.client().check() == "reads as admin"
    assert zendesk.tokens.sold == 2


# Where no token is made.


def test_a_renewal_that_is_refused_pauses_the_connection_and_says_what_to_give(
    zendesk: Renewing,
) -> None:
    zendesk.tokens.client_secret = "another by now"
    clients = zendesk.process()
    assert zendesk.look_up(clients) == {"refused": 1}
    assert '{"clientId": "…", "clientSecret": "…"}' in zendesk.problem()
    assert "invalid_client" in zendesk.problem()
    assert zendesk.look_up(clients) == {}
    assert len(zendesk.fake.asked_for(TOKEN_PATH)) == 1
    zendesk.tokens.client_secret = "another-by-now"
    new = given(clientSecret="another-by-now")
    replace_credentials(zendesk.engine, zendesk.connection, {API_TOKEN: new}, VAULT)
    assert zendesk.look_up(clients) == {"gone": 1}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(429, {}, {"retry-after": "7"}), RateLimited),
        (Answer(503, {}), TransientError),
        (Answer(500, {}), TransientError),
        (Answer(200, {"token_type": "Bearer"}), TransientError),
        (Answer(200, {"access_token": "two words"}), TransientError),
        (Answer(200, b"no JSON"), TransientError),
        (Answer(302, b"", {"location": "https://elsewhere.example/"}), TransientError),
    ],
)
def test_trouble_at_the_token_endpoint_is_waited_for(
    zendesk: Renewing, answer: Answer, kind: type[IngestError]
) -> None:
    zendesk.fake.troubles.append(Trouble(answer, TOKEN_PATH))
    with pytest.raises(kind) as raised:
        zendesk.client().check()
    assert not isinstance(raised.value, Refused)
    assert not zendesk.rows(LEASE), "and holds up nobody"
    assert zendesk.client().check() == "reads as admin"


def test_a_token_that_lives_is_sent_while_none_can_be_bought(zendesk: Renewing) -> None:
    zendesk.client().check()
    zendesk.pass_time(HALF_AN_HOUR - 200)
    zendesk.fake.troubles.append(Trouble(Answer(503, {}), TOKEN_PATH))
    assert zendesk.client().check() == "reads as admin"
    assert zendesk.tokens.sold == 1


# Crashes, and hands that move meanwhile.


def _crashing(at: Renewing) -> None:
    """A process that is gone between the provider's answer and the storing of it."""
    tokens = at.stored_tokens()
    real = tokens.renewal.ask

    def ask(access: Access) -> Issued:
        real(access)
        raise Crash

    tokens.renewal = replace(tokens.renewal, ask=ask)
    with pytest.raises(Crash):
        tokens.current()


def test_a_crash_before_an_answer_is_stored_costs_a_client_nothing(zendesk: Renewing) -> None:
    _crashing(zendesk)
    zendesk.pass_time(renewal.LEASE_S)
    zendesk.client().check()
    assert zendesk.tokens.sold == 2


def test_a_process_that_is_killed_in_mid_renewal_holds_nobody_up_for_ever(
    zendesk: Renewing, database_url: str
) -> None:
    zendesk.fake.latency_s, zendesk.fake.slow = 1.0, TOKEN_PATH
    with zendesk.start(database_url) as killed:
        wait_until(lambda: zendesk.fake.asked_for(TOKEN_PATH) != [], seconds=30)
        killed.kill()
    assert len(zendesk.rows(LEASE)) == 1
    zendesk.pass_time(renewal.LEASE_S)
    with zendesk.start(database_url) as other:
        assert other.communicate(timeout=60)[0].endswith("reads as admin")


def test_a_refresh_token_that_a_crash_used_up_ends_in_a_clear_line_and_no_loop(
    linear: Renewing,
) -> None:
    """Linear takes back what is refreshed twice: a person has to authorize the app anew."""
    _crashing(linear)
    assert len(linear.rows(LEASE)) == 1
    tokens = linear.stored_tokens()
    tokens.sleep = lambda _s: linear.pass_time(renewal.LEASE_S)
    with pytest.raises(Refused, match="authorize the app anew"):
        tokens.current()
    linear.pass_time(renewal.LEASE_S)
    clients = linear.process()
    assert linear.look_up(clients) == {"refused": 1}
    assert "refreshToken" in linear.problem()
    assert linear.look_up(clients) == {}
    assert len(linear.fake.asked_for(TOKEN_PATH)) == 3


def test_who_waits_too_long_for_another_is_put_off(zendesk: Renewing) -> None:
    _crashing(zendesk)
    tokens = zendesk.stored_tokens()
    tokens.wait_s = 0.3
    with pytest.raises(TransientError, match="another process") as raised:
        tokens.current()
    assert raised.value.retry_after_s == renewal.LATER_S
    assert zendesk.tokens.sold == 1


def test_what_is_given_while_a_token_is_renewed_holds(linear: Renewing) -> None:
    linear.fake.latency_s, linear.fake.slow = 0.6, TOKEN_PATH
    caught: list[BaseException] = []

    def renew() -> None:
        try:
            linear.client().check()
        except IngestError as error:
            caught.append(error)

    renewing_ = threading.Thread(target=renew)
    renewing_.start()
    while not linear.fake.requests:
        pass
    new = given(refreshToken="given-by-a-person-meanwhile")
    replace_credentials(linear.engine, linear.connection, {API_TOKEN: new}, VAULT)
    renewing_.join()
    (error,) = caught
    assert isinstance(error, TransientError)
    assert not isinstance(error, Refused)
    assert linear.keeps()["refreshToken"] == "given-by-a-person-meanwhile"
    assert not linear.rows(ACCESS_TOKEN)


def test_a_rotation_of_keys_in_mid_renewal_loses_no_pair(linear: Renewing) -> None:
    """Bug: it sealed anew what was given, which then looked like something else."""
    tokens = linear.stored_tokens()
    real = tokens.renewal.ask
    both_keys = ["a newer key, of more than thirty characters", SECRET_KEY]
    both = Vault(both_keys)

    def ask(access: Access) -> Issued:
        made = real(access)
        assert rotate_keys(linear.engine, both)["rotated"] == 1
        return made

    tokens.renewal, tokens.vault = replace(tokens.renewal, ask=ask), both
    tokens.current()
    with transaction(linear.engine) as conn:
        (kept,) = credentials.read(conn, both, linear.connection, API_TOKEN)
    assert str(linear.tokens.refresh_token) in kept
    assert {one.state for one in look_at_sealed(linear.engine, both_keys)} == {"ok"}


def test_a_token_that_no_key_opens_is_bought_anew(zendesk: Renewing) -> None:
    zendesk.client().check()
    lost = Vault(["a key that was lost, of thirty characters"]).encrypt("a token")
    with transaction(zendesk.engine) as conn:
        spoilt = "UPDATE lightfast_source_credentials SET secret = :lost WHERE kind = :kind"
        conn.execute(sa.text(spoilt), {"lost": lost, "kind": ACCESS_TOKEN})
    assert zendesk.client().check() == "reads as admin"
    assert zendesk.tokens.sold == 2


def test_the_database_may_be_away_when_the_answer_comes(linear: Renewing) -> None:
    """What works once is used up by then: it is stored once the database is back."""
    tokens = linear.stored_tokens()
    real = tokens.renewal.ask

    def rename(table: str, to: str) -> None:
        with transaction(linear.engine) as conn:
            conn.execute(sa.text(f"ALTER TABLE {table} RENAME TO {to}"))

    def ask(access: Access) -> Issued:
        made = real(access)
        rename("lightfast_source_credentials", "away")
        return made

    tokens.renewal = replace(tokens.renewal, ask=ask)
    tokens.sleep = lambda _s: rename("away", "lightfast_source_credentials")
    assert tokens.current() in linear.tokens.live
    assert linear.keeps()["refreshToken"] == linear.tokens.refresh_token
    assert linear.tokens.sold == 1


# What people are shown, and what they take away.


def test_what_was_made_is_listed_and_goes_with_what_it_was_made_of(zendesk: Renewing) -> None:
    zendesk.client().check()
    listed = giving.list_secrets(zendesk.engine, zendesk.connection)
    assert [(one.kind, one.expires_at is not None) for one in listed] == [
        (API_TOKEN, False),
        (ACCESS_TOKEN, True),
    ]
    retire_secret(zendesk.engine, zendesk.connection, listed[1].id)
    zendesk.client().check()
    assert zendesk.tokens.sold == 2
    assert rotate_keys(zendesk.engine, VAULT)["current"] == 2
    retire_secret(zendesk.engine, zendesk.connection, listed[0].id)
    assert not zendesk.rows(ACCESS_TOKEN)
    with pytest.raises(Refused, match="no token"):
        zendesk.client()


def test_a_purge_leaves_nothing_of_it(zendesk: Renewing) -> None:
    zendesk.client().check()
    purge_connection(zendesk.engine, zendesk.connection)
    assert not zendesk.rows(ACCESS_TOKEN)
    assert not zendesk.rows(API_TOKEN)


def _token_finding(at: Renewing) -> Finding:
    found = look_at_connections(at.engine, Surroundings({}, at.process()))
    return next(one for one in found if one.check.endswith(": token"))


def test_the_doctor_proves_a_token_and_says_when_it_ends(zendesk: Renewing) -> None:
    found = _token_finding(zendesk)
    assert found.state == "ok"
    assert "reads as admin; renewed by itself: the present token ends at 20" in found.said


def test_the_doctor_says_that_zendesks_api_tokens_stop(engine: sa.Engine) -> None:
    with renewing(engine, "zendesk", "agent@brindle.example/token:a-token-of-the-demo") as at:
        found = _token_finding(at)
    assert "30 April 2027" in found.said
    assert "clientSecret" in found.said


def test_a_token_is_bought_at_the_providers_own_host_alone(zendesk: Renewing) -> None:
    """What a client's id and secret may be sent to is what a token may (decision 13)."""
    private = Clients(VAULT, {}, resolve=lambda _host: ["10.0.0.7"], engine=zendesk.engine)
    zendesk.processes.append(private)
    with pytest.raises(Refused, match="INGEST_ALLOWED_API_HOSTS"):
        zendesk.client(private).check()
    assert not zendesk.fake.requests


# No secret is ever said.


@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 422, 429, 500])
@pytest.mark.parametrize("name", ["zendesk", "linear"])
def test_nothing_says_a_secret_whatever_the_endpoint_answers(
    engine: sa.Engine, name: str, status: int
) -> None:
    """It knows all of them, and may say them in any place."""
    secrets = [CLIENT["clientSecret"], REFRESH, "an-access-token-of-an-echo"]
    echo = " ".join(secrets)
    body = {"error": echo, "error_description": echo, "access_token": f"{secrets[2]} x"}
    where = {"location": f"https://elsewhere.example/?seen={secrets[0]}", "x-echo": secrets[1]}
    with renewing(engine, name) as at, structlog.testing.capture_logs() as logs:
        at.fake.troubles.append(Trouble(Answer(status, body, where), TOKEN_PATH, 9))
        client = at.client()
        with pytest.raises(IngestError) as raised:
            client.check()
        said = [str(raised.value), repr(raised.value), repr(client), repr(logs)]
        said.append(repr(at.stored_tokens()))
        at.look_up(at.process())
        said += [at.problem(), *map(str, at.rows_of_look_ups())]
    known = secrets[:2] if name == "linear" else secrets[:1]
    assert not [one for one in said for secret in known if secret in one]


@pytest.mark.parametrize("status", [200, 302, 400, 403, 404, 500])
@pytest.mark.parametrize("name", ["zendesk", "linear"])
def test_nothing_says_a_token_that_was_made(engine: sa.Engine, name: str, status: int) -> None:
    with renewing(engine, name) as at, structlog.testing.capture_logs() as logs:
        client = at.client()
        client.check()
        (token,) = at.tokens.live
        body = {"errors": [{"message": f"no {token}"}], "user": {"id": 5, "role": token}}
        where = {"location": f"https://elsewhere.example/?seen={token}"}
        at.fake.troubles.append(Trouble(Answer(status, body, where), times=99))
        try:
            said = client.check()
        except IngestError as error:
            said = repr(error)
        at.look_up(at.process())
        said += repr([client, logs, at.problem(), at.rows_of_look_ups()])
    assert token not in said
