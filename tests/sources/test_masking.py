"""What must never be said is in no text, whichever way somebody writes it."""

from __future__ import annotations

import html
import json
import traceback
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from ingest.core.errors import BadPayload, PermanentError, Refused
from ingest.core.identity import Identity
from ingest.sources.contract import Lookup, Sight
from ingest.sources.discreet import Discreet, Unspeakable, hush
from ingest.sources.masking import HIDDEN, MOST_PASSING, SHORTEST, Mask

TOKEN = "ghp_Canary0123456789abcdefABCDEF"
PAIR = "rui@halcyon.example/token:Canary0123456789abcdefABCDEF"
tokens = st.text(
    alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=SHORTEST
).filter(lambda token: token.lower() != HIDDEN)


@pytest.mark.parametrize(
    "said",
    [
        TOKEN,
        TOKEN.lower(),
        TOKEN.upper(),
        f"Bearer {TOKEN}",
        f"https://{TOKEN}.evil.example/",
        f"https://x:{TOKEN}@evil.example/{TOKEN}?{TOKEN}#{TOKEN}",
        repr(TOKEN.encode()),
        b64encode(TOKEN.encode()).decode(),
        TOKEN[:20],
    ],
)
def test_a_token_is_hidden_wherever_it_stands(said: str) -> None:
    shown = Mask(f"Bearer {TOKEN}")(f"it said: {said}!")
    assert shown.startswith("it said: ")
    assert HIDDEN in shown
    assert "canary" not in shown.lower()
    assert "Q2FuYXJ5" not in shown


@given(token=tokens, around=st.text(max_size=9))
def test_every_spelling_of_any_token_is_hidden(token: str, around: str) -> None:
    mask, raw = Mask(token), token.encode()
    spellings = (
        token,
        quote(token, safe=""),
        json.dumps(token)[1:-1],
        html.escape(token),
        repr(token)[1:-1],
        b64encode(raw).decode().rstrip("="),
        urlsafe_b64encode(raw).decode().rstrip("="),
    )
    for spelling in spellings:
        assert mask.hides(spelling)
        assert spelling not in mask(f"{around} {spelling} {around}")


def test_of_a_pair_the_whole_the_password_and_its_basic_form_are_hidden() -> None:
    basic = b64encode(PAIR.encode()).decode()
    for mask in (Mask(PAIR), Mask(f"Basic {basic}")):
        for said in (PAIR, PAIR.partition("/token:")[2], f"Basic {basic}", basic, quote(PAIR)):
            assert "canary" not in mask(said).lower()
            assert basic not in mask(said)


def test_each_line_of_a_key_is_hidden() -> None:
    lines = ["MIIEowIBAAKCAQEA0Canary0123456789", "abcdefghijklmnopqrstuvwxyz0123456789+/"]
    pem = "-----BEGIN RSA PRIVATE KEY-----\n" + "\n".join(lines) + "\n-----END RSA PRIVATE KEY-----"
    mask = Mask(json.dumps({"appId": 4_321, "privateKey": pem}))
    for line in lines:
        assert line not in mask(f"PEM: {line}")
    assert mask("appId 4321 of acme") == "appId 4321 of acme"


def test_what_is_no_secret_is_said_as_it_is() -> None:
    said = "GitHub answers 404 to /repos/acme/web/issues/12"
    assert Mask()(said) == said
    assert Mask(TOKEN, PAIR, "short")(said) == said
    assert not Mask(TOKEN).hides(said)


def test_tokens_that_pass_are_forgotten_and_the_connections_own_is_not() -> None:
    mask = Mask(TOKEN)
    passing = [f"ghs_{n:02}Passing0123456789{n:02}" for n in range(99)]
    for one in passing:
        mask.learn(one, passing=True)
    assert mask.hides(TOKEN)
    assert all(mask.hides(one) for one in passing[-MOST_PASSING:])
    assert not mask.hides(passing[0])


def test_a_mask_shows_nothing_of_what_it_hides() -> None:
    assert "Canary" not in repr(Mask(TOKEN))


class _Loud:
    """A client that says what it should not, as a fault of ours would."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def fetch_one(self, ask: Lookup) -> Sight:
        raise (self.error or KeyError(TOKEN, 5)) from LookupError(TOKEN)

    def check(self) -> str:
        if self.error is not None:
            raise self.error
        return f"reads as {TOKEN}"

    def close(self) -> None: ...


def _loud(error: Exception | None = None) -> Discreet:
    return Discreet(_Loud(error), Mask(TOKEN))


ASK = Lookup(Identity("halcyon", "1", "issue", "1"))


@pytest.mark.parametrize(
    "error",
    [
        None,
        PermanentError(f"no {TOKEN}"),
        Refused(f"no {TOKEN}"),
        BadPayload(f"a.{TOKEN}", f"is {TOKEN}"),
        UnicodeDecodeError("utf-8", TOKEN.encode(), 0, 1, "junk"),
        ValueError({TOKEN: TOKEN}),
        ValueError([TOKEN.encode()]),
    ],
)
def test_whatever_a_client_raises_says_no_token(error: Exception | None) -> None:
    with pytest.raises(type(error or KeyError())) as raised:
        _loud(error).fetch_one(ASK)
    told = raised.value
    chain = "".join(traceback.format_exception(told))
    assert "Canary" not in f"{told} {told!r} {chain} {vars(told)}"


def test_what_it_raises_stays_what_it_is() -> None:
    with pytest.raises(BadPayload) as raised:
        _loud(BadPayload("a.b", "required and missing")).check()
    assert (raised.value.path, raised.value.problem) == ("a.b", "required and missing")


class _Pydantic(BaseModel):
    id: int


def _validation_error() -> ValidationError:
    with pytest.raises(ValidationError) as raised:
        _Pydantic.model_validate({"id": TOKEN})
    return raised.value


def _noted() -> Exception:
    error = ValueError("no luck")
    error.add_note(f"with {TOKEN}")
    return error


@pytest.mark.parametrize(
    "error",
    [
        _validation_error(),
        OSError(2, "no such file", TOKEN),
        OSError(2, TOKEN),
        ImportError(f"no module named {TOKEN}", name=TOKEN),
        UnicodeDecodeError("utf-8", b"junk", 0, 1, TOKEN),
        ExceptionGroup("several", [ValueError(TOKEN)]),
        ExceptionGroup(TOKEN, [ValueError("one")]),
        SyntaxError(f"near {TOKEN}"),
        _noted(),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("ask", [lambda c: c.fetch_one(ASK), lambda c: c.check()])
def test_an_error_whose_words_are_out_of_reach_is_replaced(
    ask: Callable[[Discreet], object], error: Exception
) -> None:
    """Bug: only arguments and fields were hidden, and these say it from places of their own."""
    with pytest.raises((Unspeakable, type(error))) as raised:
        ask(_loud(error))
    told = raised.value
    assert "Canary" not in f"{told} {told!r} {''.join(traceback.format_exception(told))}"
    assert "Canary" not in f"{told.__cause__!r} {told.__context__!r}"


def test_what_somebody_says_of_a_sight_is_hidden_too() -> None:
    """Bug: a field that a provider named like the token stood in the look-up's last error."""

    def reading() -> None:
        raise BadPayload(f"properties.{TOKEN}.type", "required and missing")

    with pytest.raises(BadPayload) as raised:
        _loud().read(reading)
    assert raised.value.path == f"properties.{HIDDEN}.type"
    assert "Canary" not in str(raised.value)


def test_a_problem_that_a_sight_tells_is_hidden_too() -> None:
    class Telling(_Loud):
        def fetch_one(self, ask: Lookup) -> Sight:
            return Sight({}, problem=f"no {TOKEN}", mended=f"was {TOKEN}")

    sight = Discreet(Telling(), Mask(TOKEN)).fetch_one(ASK)
    assert (sight.problem, sight.mended) == (f"no {HIDDEN}", f"was {HIDDEN}")


def test_its_words_are_hidden_too() -> None:
    assert _loud().check() == f"reads as {HIDDEN}"
    assert "Canary" not in repr(_loud())


def test_errors_behind_an_error_stay_where_they_say_nothing() -> None:
    error = PermanentError(f"{TOKEN} makes no sense")
    error.__cause__ = ValueError("no date")
    hush(error, Mask(TOKEN))
    assert (str(error), str(error.__cause__)) == (f"{HIDDEN} makes no sense", "no date")
    error.__cause__.__cause__ = ValueError(TOKEN)
    hush(error, Mask(TOKEN))
    assert error.__cause__.__cause__ is None
