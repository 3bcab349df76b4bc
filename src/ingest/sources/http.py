"""Requests to a provider's API: bounded in time and size, on its own host, errors by their meaning.

Law: a redirect never leaves the host that the token is for; a body is cut off, not swallowed;
whatever a provider, its name's server or a redirect says is an answer or one of our errors, and no
error says the token. No cookie is kept. Each request that is sent is asked for of the budget of
whoever asks (`spending`), a token's renewal apart.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import httpcore
import httpx

from ingest.core.errors import (
    BadSettings,
    IngestError,
    PermanentError,
    Refused,
    TransientError,
    Unavailable,
)
from ingest.core.values import JSON
from ingest.sources.access import Resolve, Tokens
from ingest.sources.answers import SHOWN, Refusal, Response, Rules, headers_of
from ingest.sources.home import Home, path_of
from ingest.sources.limits import Call
from ingest.sources.masking import Mask
from ingest.sources.spending import spent_now, uncounted
from ingest.sources.transport import LARGEST_HEAD, Allowance, Network, Transport

LONGEST = timedelta(seconds=60)
"""A whole request with its redirects, however slowly its bytes come."""
MAX_BYTES = 32 * 2**20
MOST_REDIRECTS = 5
_CODINGS = ("", "identity", "gzip", "x-gzip")
_SENDABLE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_UNCHANGED, _CONDITION = 304, "if-none-match"
_AUTHORIZATION = "authorization"
_USUAL = {"accept": "*/*", "accept-encoding": "gzip", "user-agent": "lightfast-ingest"}

Params = Mapping[str, str | int | list[str]]
Knows = Callable[[Response], bool]

_FAILURES = (
    httpcore.ConnectionNotAvailable,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    httpx.InvalidURL,
    LookupError,
    OSError,
    ValueError,
    zlib.error,
)
"""What the libraries below raise for what a provider sends, or for a name or a URL it tells."""


def bearer(token: str) -> str:
    """RFC 6750, 2.1: how a token stands in the `authorization` header."""
    return f"Bearer {token}"


@dataclass(frozen=True, slots=True)
class _Request:
    """What is sent; `url` is a whole one on the API's host."""

    method: str
    url: str
    params: Params | None
    headers: Mapping[str, str] = field(repr=False)
    json: JSON = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(slots=True)
class Api:
    """One connection's way to its provider. Blocking; used by several threads at a time.

    title: for messages. headers: of every request, a token that stays among them.
    tokens: those that are renewed, each sent as `authorize` writes it, but where a request brings
        an `authorization` of its own.
    resolve: see `access.Access`. mask: learns the tokens that are sent.
    """

    title: str
    base_url: str
    now: Callable[[], datetime]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    rules: Rules = field(default_factory=Rules)
    max_bytes: int = MAX_BYTES
    resolve: Resolve | None = field(default=None, repr=False)
    mask: Mask = field(default_factory=Mask, repr=False)
    network: Network = field(default_factory=Network, repr=False)
    tokens: Tokens | None = field(default=None, repr=False)
    authorize: Callable[[str], str] = bearer
    _home: Home = field(init=False, repr=False)
    _transport: Transport = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Raises `Refused` for a token that no header can hold, and never says it."""
        if not all(_SENDABLE.fullmatch(value) for value in self.headers.values()):
            raise Refused(
                f"the token for {self.title} has a blank, a line break or a character beyond ASCII "
                "where none may be; set it anew"
            )
        self._learn(self.headers)
        self._home = Home(self.title, self.base_url, self.mask)
        try:
            self._transport = Transport(self.base_url, self.resolve, self.network)
        except (OSError, ValueError, httpx.InvalidURL) as error:
            raise BadSettings(
                f"there is no way to {self.title}: the base of its API, or the environment's "
                f"certificates, cannot be used ({type(error).__name__})"
            ) from None

    def get(
        self,
        path: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        knows: Knows | None = None,
    ) -> Response:
        """GET a path below the base URL (or a whole URL on its host).

        With `if-none-match` among the headers a 304 is an answer, and has no body.
        knows: whether an answer that is no refusal shows that the token is known.
        Raises `Absent`, `Refused`, `RateLimited`, `TransientError`, `PermanentError`.
        """
        asked = _Request("GET", self._home.url(path), params, headers or {})
        return self._send(asked, max_bytes or self.max_bytes, knows)

    def post(
        self,
        path: str,
        *,
        json: JSON = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        knows: Knows | None = None,
    ) -> Response:
        """POST JSON, or a form, that asks (a query, a search); `knows` and raises as in `get`."""
        asked = _Request("POST", self._home.url(path), None, headers or {}, json, form)
        return self._send(asked, self.max_bytes, knows)

    def change(
        self,
        method: str,
        path: str,
        *,
        json: JSON = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """PUT, PATCH or DELETE; raises as `get`."""
        asked = _Request(method, self._home.url(path), None, headers or {}, json)
        return self._send(asked, self.max_bytes)

    def close(self) -> None:
        """Let go of open connections."""
        self._transport.close()

    def _send(self, asked: _Request, max_bytes: int, knows: Knows | None = None) -> Response:
        """With the present token; where that is not known any more, once more with another."""
        if self.tokens is None or _AUTHORIZATION in _lower(asked.headers):
            return self._follow(asked, max_bytes)
        with uncounted():
            token = self.tokens.current()
        tried = self._tried(self._with(token, asked), max_bytes)
        is_known = isinstance(tried, Response) and (knows is None or knows(tried))
        with uncounted():
            another = None if is_known else self.tokens.renewed(token)
        if another is not None:
            return self._follow(self._with(another, asked), max_bytes)
        if isinstance(tried, Refused):
            raise tried
        return tried

    def _tried(self, asked: _Request, max_bytes: int) -> Response | Refused:
        """The answer, or the refusal of a token that is not known."""
        try:
            return self._follow(asked, max_bytes)
        except Refused as error:
            if not error.stale:
                raise
            return error

    def _with(self, token: str, asked: _Request) -> _Request:
        return replace(asked, headers={**asked.headers, _AUTHORIZATION: self.authorize(token)})

    def _follow(self, asked: _Request, max_bytes: int) -> Response:
        allowance = Allowance(self.now, self.now() + LONGEST)
        moved: str | None = None
        for _ in range(MOST_REDIRECTS):
            request = self._request(asked)
            status, told, body = self._exchange(request, allowance, max_bytes)
            if status == _UNCHANGED and _CONDITION in _lower(asked.headers):
                return Response(status, told, b"", moved)
            if status not in _REDIRECTS:
                return self._judged(asked.url, status, told, body, moved)
            moved = self._home.target(asked.url, told.get("location", ""))
            asked = replace(asked, url=moved, params=None)
            if status == 303:  # RFC 9110, 15.4.4: the answer to what was posted stands there
                asked = replace(asked, method="GET", json=None, form=None)
        raise TransientError(self._says(f"redirects {path_of(asked.url)} again and again"))

    def _says(self, what: str) -> str:
        return self.mask(f"{self.title} {what}")

    def _learn(self, headers: Mapping[str, str], *, passing: bool = False) -> None:
        for name, value in headers.items():
            if name.lower() == _AUTHORIZATION:
                self.mask.learn(value, passing=passing)

    def _request(self, asked: _Request) -> httpx.Request:
        """Raises `PermanentError` for what cannot be sent, and quotes none of it."""
        self._learn(asked.headers, passing=True)
        try:
            headers = httpx.Headers({**_USUAL, **_lower(self.headers), **_lower(asked.headers)})
            return httpx.Request(
                asked.method,
                asked.url,
                params=dict(asked.params) if asked.params else None,
                headers=headers,
                json=asked.json,
                data=asked.form,
            )
        except httpx.InvalidURL as error:
            problem = self._home.no_url(error)
        except (ValueError, TypeError):
            problem = PermanentError(
                self._says(f"cannot be asked for {path_of(asked.url)}: no request can hold that")
            )
        raise problem

    def _exchange(
        self, request: httpx.Request, allowance: Allowance, max_bytes: int
    ) -> tuple[int, dict[str, str], bytes]:
        """The error is raised outside, so that it comes with none of what went before it.

        Raises `BudgetSpent` where whoever asks just now may not; then nothing is sent.
        """
        path, spent = request.url.path, spent_now()
        call = Call(request.method, path)
        if spent is not None:
            spent.ask(call)
        try:
            with closing(self._transport.send(request, allowance)) as response:
                headers = headers_of(response.headers)
                if spent is not None:
                    spent.hear(call, headers, self.now())
                allowance.bytes_left = 2 * max_bytes + LARGEST_HEAD
                return response.status, headers, self._body(response, headers, path, max_bytes)
        except _FAILURES as error:
            problem = self._failed(error, path, is_over=allowance.left_s() <= 0.0)
        raise problem

    def _failed(self, error: BaseException, path: str, *, is_over: bool) -> IngestError:
        """What it means that no answer came; of what the provider sent nothing is quoted."""
        kind = type(error).__name__
        if isinstance(error, httpcore.TimeoutException):
            late = "takes too long:" if is_over else "does not answer in time:"
            return TransientError(self._says(f"{late} {path}"))
        if isinstance(error, httpcore.LocalProtocolError):
            return PermanentError(self.mask(f"a request to {self.title} cannot be sent: {path}"))
        if isinstance(error, httpcore.NetworkError | OSError):
            return Unavailable(self._says(f"cannot be reached: {kind} {error}")[:SHOWN])
        if isinstance(error, zlib.error | ValueError | LookupError):
            return TransientError(self._says(f"answers {path} with what cannot be read: {kind}"))
        return Unavailable(self._says(f"cannot be reached: {kind}"))

    def _body(
        self, response: httpcore.Response, headers: Mapping[str, str], path: str, max_bytes: int
    ) -> bytes:
        """Decoded here, so that a few bytes never grow beyond the limit before it is seen."""
        coding = headers.get("content-encoding", "").strip().lower()
        if coding not in _CODINGS:
            raise TransientError(self._says(f"answers {path} in a coding that nobody asked for"))
        inflating = zlib.decompressobj(wbits=31) if "gzip" in coding else None
        read, came = bytearray(), False
        for piece in response.iter_stream():
            came = True
            room = max_bytes + 1 - len(read)
            read += inflating.decompress(piece, room) if inflating else piece
            if len(read) > max_bytes:
                raise PermanentError(self._says(f"answers {path} with over {max_bytes} bytes"))
        if inflating and came and not inflating.eof:
            raise TransientError(self._says(f"answers {path} with what ends in the middle"))
        return bytes(read)

    def _judged(
        self, url: str, status: int, headers: Mapping[str, str], body: bytes, moved: str | None
    ) -> Response:
        if 200 <= status < 300:
            return Response(status, headers, body, moved)
        refusal = Refusal(status, headers, body, self.now(), self.mask)
        raise self.rules.error(refusal, self._says(f"answers {status} to {path_of(url)}"))


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
