"""A worker whose process knows the shelf: `celery -A tests.broker.shelved_worker worker …`.

The variable SHELF says how many books and notes there are, how long a page takes, and where each
page that is asked for is noted: process id, list and cursor, a line each.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from ingest.sources.listing import PageRequest
from ingest.worker import app
from tests.flows.shelf import Shelf, fill, shelved

__all__ = ["app"]

told = json.loads(os.environ["SHELF"])
shelf = Shelf(page_size=told["page_size"])
fill(shelf, books=told["books"], notes=told["notes"])


def take_time(request: PageRequest) -> None:
    with Path(told["log"]).open("a", encoding="utf-8") as log:
        log.write(f"{os.getpid()} {request.resource} {request.cursor}\n")
    time.sleep(told["page_s"])


shelf.trouble = take_time
standing = shelved(shelf, pytest.MonkeyPatch())
standing.__enter__()
