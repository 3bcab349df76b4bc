"""Lets people in, hands their requests on, and answers: log-in, log-out, pages and actions.

A password is given once and a signed cookie taken for it; an upstream that has asked already names
the person in a header. Whoever changes something brings the token of the form that he was shown.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

import structlog
from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ingest.console.console_request import ConsolePage, ConsoleRequest
from ingest.console.forms import fields_of, read_form
from ingest.console.headers import HEADERS
from ingest.console.readings import Readings
from ingest.console.sessions import SESSION_S, Seals, is_password
from ingest.console.throttle import Throttle
from ingest.core.errors import BadInput, IngestError, NotConnected, NotFound, TransientError
from ingest.wiring import Program

log = structlog.get_logger(__name__)

ROOT = "/console"
LOG_IN, HOME = f"{ROOT}/log-in", ROOT
COOKIE = "ingest_console"
BY_PASSWORD = "whoever has the password"  # noqa: S105 - a name for the log
_STATUSES: tuple[tuple[type[IngestError], int], ...] = (
    (NotFound, 404),
    (NotConnected, 404),
    (BadInput, 400),
    (TransientError, 503),
    (IngestError, 500),
)
_LONGEST_NAME = 200
Endpoint = Callable[[Request], Awaitable[Response]]
Waited = TypeVar("Waited")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in. name: for the log. key: what his forms are tied to."""

    name: str
    key: str


@dataclass(frozen=True)
class Desk:
    """The endpoints of the console; each is a coroutine of Starlette's form.

    ring: wakes the workers of a queue. threads: pages are made in them, for they wait for the
    database; few, so that the console never takes the receiver's share. clock: seconds since 1970.
    """

    program: Program
    readings: Readings
    ring: Callable[[str], object]
    templates: Environment
    seals: Seals
    threads: Executor
    clock: Callable[[], float] = time.time
    throttle: Throttle = field(default_factory=lambda: Throttle(time.monotonic))

    def page(self, made: Callable[[ConsoleRequest], ConsolePage]) -> Endpoint:
        """The endpoint of a page; whoever is not signed in is sent to the log-in."""

        async def answer(request: Request) -> Response:
            visitor = self._visitor(request)
            if visitor is None:
                return _moved(f"{LOG_IN}?next={quote(_here(request), safe='/')}")
            try:
                asked = self._asked(request, fields_of(request.url.query), visitor)
                return await self._in_thread(lambda: self._shown(made(asked), visitor, asked.query))
            except IngestError as error:
                return self._refused(error, visitor)

        return answer

    def action(self, done: Callable[[ConsoleRequest], str]) -> Endpoint:
        """The endpoint of what changes something: 401 to a stranger, 403 without a form's token.

        `done` says where to go on, below ROOT.
        """

        async def answer(request: Request) -> Response:
            return await self._acted(request, done)

        return answer

    async def leave(self, request: Request) -> Response:
        """Ends the session in this browser."""
        made = await self._acted(request, lambda _: "/log-in")
        if made.status_code == HTTPStatus.SEE_OTHER:
            self._set_cookie(request, made, "", max_age=0)
        return made

    async def log_in_page(self, request: Request) -> Response:
        """The form for the password; who is signed in goes on."""
        if self._visitor(request) is not None:
            return _moved(HOME)
        try:
            return self._log_in_form(fields_of(request.url.query).get("next", HOME))
        except BadInput as error:
            return self._refused(error, None)

    async def log_in(self, request: Request) -> Response:
        """A session for the right password; 401 for a wrong one, 429 after many of them."""
        try:
            form = await read_form(request)
        except BadInput as error:
            return self._refused(error, None)
        address = request.client.host if request.client else ""
        to = form.get("next", HOME)
        password = self.program.settings.console_password
        wait_s = self.throttle.wait_s(address)
        if wait_s > 0:
            said = f"Too many wrong passwords came from your address; wait {wait_s:.0f} s."
            made = self._log_in_form(to, said, 429)
            made.headers["retry-after"] = f"{wait_s + 1:.0f}"
            return made
        if not _is_same_origin(request):
            return self._log_in_form(to, "This form was not shown by this console.", 403)
        if password is None or not is_password(form.get("password", ""), password):
            self.throttle.failed(address)
            log.warning("console_log_in_refused", address=address)
            return self._log_in_form(to, "That is not the password.", 401)
        log.info("console_log_in", address=address)
        made = _moved(to if _is_ours(to) else HOME)
        self._set_cookie(request, made, self.seals.session(secrets.token_hex(16), self.clock()))
        return made

    async def missing(self, request: Request) -> Response:
        """What is at no path; a slash at the end of the console's own is forgiven."""
        if not request.path_params["rest"]:
            return _moved(HOME)
        visitor = self._visitor(request)
        return self._failed(404, "There is no such page.", visitor)

    def _visitor(self, request: Request) -> Visitor | None:
        header = self.program.settings.console_identity_header
        told = request.headers.get(header, "").strip() if header else ""
        if told:
            return Visitor(told[:_LONGEST_NAME], f"upstream {told}")
        if self.program.settings.console_password is None:
            return None
        session = self.seals.opened(request.cookies.get(COOKIE, ""), self.clock())
        return None if session is None else Visitor(BY_PASSWORD, f"session {session}")

    def _asked(
        self, request: Request, query: Mapping[str, str], visitor: Visitor
    ) -> ConsoleRequest:
        path = {name: told.replace("\0", "") for name, told in request.path_params.items()}
        return ConsoleRequest(self.program, self.readings, path, query, visitor.name, self.ring)

    async def _acted(self, request: Request, done: Callable[[ConsoleRequest], str]) -> Response:
        visitor = self._visitor(request)
        if visitor is None:
            return self._failed(401, "Your session has ended. Log in, and do it again.")
        try:
            form = await read_form(request)
            told = form.get("form_token", "")
            if not _is_same_origin(request) or not self.seals.is_form_token(visitor.key, told):
                return self._failed(403, "This form was not shown to you by this console.", visitor)
            asked = self._asked(request, form, visitor)
            return _moved(f"{ROOT}{await self._in_thread(lambda: done(asked))}")
        except IngestError as error:
            return self._refused(error, visitor)

    async def _in_thread(self, call: Callable[[], Waited]) -> Waited:
        return await asyncio.get_running_loop().run_in_executor(self.threads, call)

    def _shown(
        self, page: ConsolePage, visitor: Visitor | None, query: Mapping[str, str] | None = None
    ) -> Response:
        token = self.seals.form_token(visitor.key) if visitor is not None else ""
        text = self.templates.get_template(page.template).render(
            page.filled, visitor=visitor, form_token=token, query=query or {}, root=ROOT
        )
        return Response(text, page.status, dict(HEADERS), "text/html; charset=utf-8")

    def _refused(self, error: IngestError, visitor: Visitor | None) -> Response:
        status = next(status for kind, status in _STATUSES if isinstance(error, kind))
        if status >= 500:
            log.warning("console_page_failed", error=str(error))
        said = (
            "The database does not answer now; the log says why." if status == 503 else str(error)
        )
        return self._failed(status, said, visitor)

    def _failed(self, status: int, said: str, visitor: Visitor | None = None) -> Response:
        title = HTTPStatus(status).phrase
        return self._shown(
            ConsolePage("failed.html", {"title": title, "said": said}, status), visitor
        )

    def _log_in_form(self, to: str, said: str = "", status: int = 200) -> Response:
        has_password = self.program.settings.console_password is not None
        filled = {"to": to if _is_ours(to) else HOME, "said": said, "has_password": has_password}
        return self._shown(ConsolePage("log_in.html", filled, status), None)

    def _set_cookie(
        self, request: Request, made: Response, value: str, max_age: int = SESSION_S
    ) -> None:
        made.set_cookie(
            COOKIE,
            value,
            max_age=max_age,
            path=ROOT,
            secure=_is_https(request),
            httponly=True,
            samesite="strict",
        )


def _moved(to: str) -> Response:
    return RedirectResponse(to, HTTPStatus.SEE_OTHER, dict(HEADERS))


def _here(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{request.url.path}{query}"


def _is_ours(to: str) -> bool:
    """Whether it is a path of the console's, and of no other host."""
    return (to == ROOT or to.startswith((f"{ROOT}/", f"{ROOT}?"))) and "\\" not in to


def _is_https(request: Request) -> bool:
    forwarded = request.headers.get("x-forwarded-proto", "").split(",")[0].strip()
    return request.url.scheme == "https" or forwarded == "https"


def _is_same_origin(request: Request) -> bool:
    """By what a browser says of where a form stood; a client that says nothing is no browser."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin, host = request.headers.get("origin"), request.headers.get("host")
    return origin is None or origin in (f"http://{host}", f"https://{host}")
