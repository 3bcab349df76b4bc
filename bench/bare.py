"""The bare handler that people write: it checks the HMAC, parses, calls `task.delay`, answers 200.

Two variants, by the variable BENCH_DELAY: `inline` in the event loop, `threads` in Starlette's
thread pool, which is what a plain `def` endpoint does.
"""

from __future__ import annotations

import hmac
import os

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bench import naive

_SECRET = os.environ.get("BENCH_SECRET", "").encode()
_IN_THREADS = os.environ.get("BENCH_DELAY") == "threads"
_SIGNATURES = {"github": "x-hub-signature-256", "linear": "linear-signature"}
_NEEDED = ("x-github-event", "x-github-delivery", "linear-event", "linear-delivery")


async def receive(request: Request) -> Response:
    """One webhook, handed to Celery whole."""
    source_type = request.path_params["source_type"]
    body = await request.body()
    given = request.headers.get(_SIGNATURES[source_type], "").removeprefix("sha256=")
    if not hmac.compare_digest(hmac.digest(_SECRET, body, "sha256").hex(), given):
        return JSONResponse({"error": "the signature is wrong"}, 401)
    payload = orjson.loads(body)
    headers = {name: request.headers[name] for name in _NEEDED if name in request.headers}
    arguments = (source_type, request.path_params["connection_id"], headers, payload)
    if _IN_THREADS:
        await run_in_threadpool(naive.take.delay, *arguments)
    else:
        naive.take.delay(*arguments)
    return JSONResponse({"status": "accepted"})


async def ready(_: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ready"})


app = Starlette(
    routes=[
        Route("/webhooks/{source_type}/{connection_id}", receive, methods=["POST"]),
        Route("/readyz", ready),
    ]
)
