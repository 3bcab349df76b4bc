"""Requests to a provider's API: bounded in time and size, on its own host, errors by their meaning.

Law: a redirect never leaves the host that the token is for; a body is cut off, not swallowed; what
a status means is decided here once, and what only one provider does comes in as `Rules`.
"""

from __future__ import annotations

import ipaddress
import re
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from ingest.core.errors import (
    BadSettings,
    IngestError,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
    Unavailable,
)
from ingest.core.values import JSON, loads

TIMEOUT = httpx.Timeout(30.0, connect=5.0)
LONGEST = timedelta(seconds=60)
"""A whole request, however slowly its bytes come."""
MAX_BYTES = 32 * 2**20
MOST_REDIRECTS = 5
DEFAULT_WAIT_S = 60.0
"""Where a provider limits and does not say for how long."""
_SHOWN = 200
_CODINGS = ("", "identity", "gzip", "x-gzip")
_SENDABLE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WAIT = frozenset({429})

Params = Mapping[str, str | int | list[str]]


class Absent(IngestError):
    """404 or 410: the object is gone, or out of the token's sight; the caller finds out which."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Response:
    """An answer with a status below 300; header names in lower case.

    `moved` is the URL that a redirect led to, where there was one.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    moved: str | None = None

    def json(self) -> JSON:
        """The body as JSON; raises `BadPayload` where it is none."""
        return loads(self.body)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer with a status from 400: what `Rules` are asked about."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    now: datetime

    def json(self) -> JSON:
        """The body as JSON, None where it is none."""
        try:
            return loads(self.body)
        except PermanentError:
            return None

    def retry_after_s(self) -> float | None:
        """RFC 9110, 10.2.3: seconds, or a date."""
        told = self.headers.get("retry-after", "").strip()
        if told.isascii() and told.isdigit():
            return float(told)
        try:
            at = parsedate_to_datetime(told)
        except (ValueError, TypeError, OverflowError):
            return None
        return self.until(at if at.tzinfo else at.replace(tzinfo=UTC))

    def until(self, at: datetime) -> float:
        """Seconds until then, by the server's own clock where it tells that."""
        try:
            now = parsedate_to_datetime(self.headers.get("date", ""))
        except (ValueError, TypeError, OverflowError):
            now = self.now
        return max(0.0, (at - (now if now.tzinfo else self.now)).total_seconds())


def _limited(refusal: Refusal) -> float | None:
    if refusal.status not in _WAIT:
        return None
    told = refusal.retry_after_s()
    return DEFAULT_WAIT_S if told is None else told


@dataclass(frozen=True, slots=True)
class Rules:
    """What is particular to a provider's refusals.

    wait_s: seconds to wait where the answer is a limit (whatever its status), else None.
    refused: statuses by which the token is not let in.
    absent: statuses of what is not there.
    later: statuses, beside 5xx, after which the same request may succeed.
    """

    wait_s: Callable[[Refusal], float | None] = _limited
    refused: frozenset[int] = frozenset({401, 403})
    absent: frozenset[int] = frozenset({404, 410})
    later: frozenset[int] = frozenset({408, 425})


@dataclass(frozen=True, slots=True)
class _Request:
    """What is sent; `url` is a whole one on the API's host."""

    method: str
    url: str
    params: Params | None
    headers: Mapping[str, str] | None
    json: JSON = None


@dataclass(slots=True)
class Api:
    """One connection's way to its provider. Blocking; used by several threads at a time.

    `title` is for messages; `auth` is httpx's, for tokens that have to be made.
    """

    title: str
    base_url: str
    now: Callable[[], datetime]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    rules: Rules = Rules()
    auth: httpx.Auth | None = field(default=None, repr=False)
    max_bytes: int = MAX_BYTES
    _client: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Raises `Refused` for a token that no header can hold, and never says it."""
        if not all(_SENDABLE.fullmatch(value) for value in self.headers.values()):
            raise Refused(
                f"the token for {self.title} has a blank, a line break or a character beyond ASCII "
                "where none may be; set it anew"
            )
        try:
            self._client = httpx.Client(
                headers={**self.headers, "accept-encoding": "gzip"},
                auth=self.auth,
                timeout=TIMEOUT,
                follow_redirects=False,
                limits=httpx.Limits(max_connections=16, max_keepalive_connections=8),
                trust_env=not _is_loopback(self.base_url),
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            raise BadSettings(f"no way to {self.title}: {error}"[:_SHOWN]) from error

    def get(
        self,
        path: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
    ) -> Response:
        """GET a path below the base URL (or a whole URL on its host).

        Raises `Absent`, `Refused`, `RateLimited`, `TransientError`, `PermanentError`.
        """
        return self._send(_Request("GET", self._url(path), params, headers), max_bytes)

    def post(
        self, path: str, *, json: JSON = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """POST JSON that asks (a query, a search); raises what `get` raises."""
        return self._send(_Request("POST", self._url(path), None, headers, json), None)

    def close(self) -> None:
        """Let go of open connections."""
        self._client.close()

    def _send(self, asked: _Request, max_bytes: int | None) -> Response:
        moved: str | None = None
        for _ in range(MOST_REDIRECTS):
            request = self._request(asked)
            status, told, body = self._exchange(request, max_bytes or self.max_bytes)
            if status not in _REDIRECTS:
                return self._judged(asked.url, status, told, body, moved)
            moved = self._target(asked.url, told)
            asked = replace(asked, url=moved, params=None)
            if status == 303:  # RFC 9110, 15.4.4: the answer to what was posted stands there
                asked = replace(asked, method="GET", json=None)
        raise TransientError(f"{self.title} redirects {_path(asked.url)} again and again")

    def _request(self, asked: _Request) -> httpx.Request:
        try:
            return self._client.build_request(
                asked.method,
                asked.url,
                params=dict(asked.params) if asked.params else None,
                headers=dict(asked.headers or {}),
                json=asked.json,
            )
        except httpx.InvalidURL as error:
            raise self._no_url(error) from error

    def _url(self, path: str) -> str:
        base = self.base_url.rstrip("/")
        if not path.startswith(("http://", "https://")):
            return f"{base}/{path.lstrip('/')}"
        self._require_home(path)
        return path

    def _target(self, url: str, headers: Mapping[str, str]) -> str:
        try:
            target = str(httpx.URL(url).join(headers.get("location", "")))
        except httpx.InvalidURL as error:
            raise self._no_url(error) from error
        self._require_home(target)
        return target

    def _require_home(self, url: str) -> None:
        try:
            there, home = httpx.URL(url), httpx.URL(self.base_url)
        except httpx.InvalidURL as error:
            raise self._no_url(error) from error
        if _origin(there) != _origin(home):
            raise PermanentError(
                f"{self.title} points to {there.host}, which is not its API's host; "
                "the token is not sent there"
            )

    def _no_url(self, error: httpx.InvalidURL) -> PermanentError:
        return PermanentError(f"{self.title} was to be asked for what is no URL: {error}")

    def _exchange(
        self, request: httpx.Request, max_bytes: int
    ) -> tuple[int, dict[str, str], bytes]:
        began = self.now()
        try:
            with closing(self._client.send(request, stream=True)) as response:
                body = self._body(response, began, max_bytes)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return response.status_code, headers, body
        except httpx.TimeoutException as error:
            raise TransientError(
                f"{self.title} does not answer {request.url.path} in time"
            ) from error
        except zlib.error as error:
            raise TransientError(f"{self.title}'s answer cannot be decoded: {error}") from error
        except httpx.LocalProtocolError:  # it quotes the header, which may be the token
            raise PermanentError(
                f"a request to {self.title} cannot be sent: {request.url.path}"
            ) from None
        except httpx.HTTPError as error:
            raise Unavailable(
                f"{self.title} cannot be reached: {type(error).__name__} {error}"[:_SHOWN]
            ) from error

    def _body(self, response: httpx.Response, began: datetime, max_bytes: int) -> bytes:
        """Decoded here, so that a few bytes never grow beyond the limit before it is seen."""
        path = response.request.url.path
        coding = response.headers.get("content-encoding", "").strip().lower()
        if coding not in _CODINGS:
            raise TransientError(f"{self.title} answers {path} in a coding that nobody asked for")
        inflating = zlib.decompressobj(wbits=31) if "gzip" in coding else None
        read = bytearray()
        for piece in response.iter_raw():
            room = max_bytes + 1 - len(read)
            read += inflating.decompress(piece, room) if inflating else piece
            if len(read) > max_bytes:
                raise PermanentError(f"{self.title}'s answer to {path} is over {max_bytes} bytes")
            if self.now() - began > LONGEST:
                raise TransientError(f"{self.title} takes too long: {path}")
        if inflating and not inflating.eof and response.num_bytes_downloaded:
            raise TransientError(f"{self.title}'s answer to {path} ends in the middle")
        return bytes(read)

    def _judged(
        self, url: str, status: int, headers: Mapping[str, str], body: bytes, moved: str | None
    ) -> Response:
        """RFC 9110, 15: what a status means to whoever waits for the object."""
        if status < 300:
            return Response(status, headers, body, moved)
        refusal = Refusal(status, headers, body, self.now())
        said = f"{self.title} answers {status} to {_path(url)}"
        wait_s = self.rules.wait_s(refusal)
        if wait_s is not None:
            raise RateLimited(f"{said}: rate limited", retry_after_s=wait_s)
        if status in self.rules.refused:
            raise Refused(f"{said}: the token is wrong, or may not read this")
        if status in self.rules.absent:
            raise Absent(said, status)
        if status >= 500 or status in self.rules.later:
            raise TransientError(said, retry_after_s=refusal.retry_after_s())
        raise PermanentError(f"{said}: {body[:_SHOWN].decode('utf-8', 'replace')}")


def _path(url: str) -> str:
    """Of a URL what may be said: a query can hold what should not be in a log."""
    return urlsplit(url).path


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None, bytes]:
    """RFC 6454; a default port is None, and a name in the URL would take the token's place."""
    return url.scheme, url.raw_host, url.port, url.userinfo


def _is_loopback(url: str) -> bool:
    """A proxy of the environment is no way to this very machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
