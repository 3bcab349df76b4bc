"""The console put together: its routes for the receiver, and its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ingest.console.desk import LOG_IN, ROOT, Desk
from ingest.console.headers import HEADERS
from ingest.console.pages import ACTIONS, PAGES
from ingest.console.readings import readings_of
from ingest.console.rendering import TEMPLATES, templates
from ingest.console.sessions import seals_of
from ingest.wiring import Program

THREADS = 2
"""So many pages are made at once: the receiver's connections to the database are few."""
STYLE = f"{ROOT}/style.css"


@dataclass(frozen=True, slots=True)
class MountedConsole:
    """Its routes, and what ends it."""

    routes: Sequence[Route]
    close: Callable[[], None]


def console(parts: Program, ring: Callable[[str], object]) -> MountedConsole:
    """The console of an installation; `ring` wakes the workers of a queue, and never raises.

    Raises `BadSettings` where there is no key to sign sessions with.
    """
    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="console")
    desk = Desk(
        program=parts,
        readings=readings_of(parts),
        ring=ring,
        templates=templates(),
        seals=seals_of(parts.secret_keys, parts.settings.console_password or ""),
        threads=threads,
    )
    return MountedConsole(_routes(desk), lambda: threads.shutdown(wait=False, cancel_futures=True))


def _routes(desk: Desk) -> list[Route]:
    style = (TEMPLATES / "style.css").read_text("utf-8")

    async def styled(_: Request) -> Response:
        return Response(style, headers=dict(HEADERS), media_type="text/css")

    return [
        Route(STYLE, styled),
        Route(LOG_IN, desk.log_in_page, methods=["GET"]),
        Route(LOG_IN, desk.log_in, methods=["POST"]),
        Route(f"{ROOT}/log-out", desk.leave, methods=["POST"]),
        *(Route(ROOT + at, desk.page(made), methods=["GET"]) for at, made in PAGES.items()),
        *(Route(ROOT + at, desk.action(done), methods=["POST"]) for at, done in ACTIONS.items()),
        Route(f"{ROOT}/{{rest:path}}", desk.missing, methods=["GET", "POST"]),
    ]
