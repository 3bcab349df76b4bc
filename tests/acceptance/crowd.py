"""A few thousand deliveries about some hundred issues, in no order, and a way to send them fast."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import orjson

from ingest.core.values import JSON
from tests.factories import METADATA, SECRET, signed

EVENTS_OF_AN_ISSUE = 8
SENDERS = 4
AGAIN_S = 0.2
_NAMES = uuid.UUID("0f8a3d0e-9a53-4f57-8f6a-5c0e2a549b3c")
_BEGAN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_REPOSITORY: dict[str, JSON] = {"id": 101, "full_name": METADATA["github"]["repoFullName"]}


@dataclass(frozen=True, slots=True)
class Letter:
    """One webhook: signed headers and the bytes that they sign."""

    headers: dict[str, str]
    body: bytes


def crowd(issues: int, *, seed: int = 7) -> list[Letter]:
    """EVENTS_OF_AN_ISSUE letters for each issue: opened, edited, commented on, some deleted."""
    letters = [letter for number in range(1, issues + 1) for letter in _life(number, issues)]
    random.Random(seed).shuffle(letters)
    return letters


def send(
    url: str, connection: str, letters: Sequence[Letter], *, patient: bool = False
) -> list[int]:
    """Send all, several at once; the ids of the answered deliveries. Anything but a 200 raises.

    A patient sender comes again where nobody answers.
    """
    way = f"/webhooks/github/{connection}"
    with (
        httpx.Client(base_url=url, timeout=30, trust_env=False) as client,
        ThreadPoolExecutor(SENDERS) as threads,
    ):

        def post(letter: Letter) -> int:
            while True:
                try:
                    response = client.post(way, content=letter.body, headers=letter.headers)
                except httpx.TransportError:
                    if not patient:
                        raise
                    time.sleep(AGAIN_S)
                    continue
                assert response.status_code == 200, response.text
                return int(response.json()["delivery"])

        return list(threads.map(post, letters))


def _life(number: int, issues: int) -> Iterator[Letter]:
    def at(minute: int) -> str:
        return (_BEGAN + timedelta(minutes=number * 10 + minute)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def issue(minute: int, state: str = "open") -> dict[str, JSON]:
        return {
            "number": number,
            "title": f"Issue {number}",
            "body": f"As it stood after {minute} minutes. Fixes #{number % issues + 1}.",
            "state": state,
            "user": {"login": "somebody"},
            "created_at": at(0),
            "updated_at": at(minute),
        }

    def comment(minute: int, words: str) -> dict[str, JSON]:
        told: dict[str, JSON] = {"id": number, "body": words, "created_at": at(2)}
        return {**told, "updated_at": at(minute)}

    closed = issue(5, "closed")
    yield _letter("issues", "opened", number, issue=issue(0))
    yield _letter("issues", "edited", number, issue=issue(1))
    yield _letter("issue_comment", "created", number, issue=issue(2), comment=comment(2, "One."))
    yield _letter("issues", "labeled", number, issue=issue(3))
    yield _letter("issues", "assigned", number, issue=issue(3, "closed"))
    yield _letter("issue_comment", "edited", number, issue=issue(4), comment=comment(4, "Two."))
    yield _letter("issues", "closed", number, issue=closed)
    if number % 5:
        yield _letter("star", "created", number, starred_at=at(6))
    else:
        yield _letter("issue_comment", "deleted", number, issue=closed, comment=comment(6, "Two."))


def _letter(event: str, action: str, number: int, **objects: JSON) -> Letter:
    payload = {"action": action, **objects, "repository": _REPOSITORY}
    body = orjson.dumps(payload)
    key = str(uuid.uuid5(_NAMES, f"{event}.{action}.{number}"))
    headers = {"x-github-event": event, "x-github-delivery": key}
    return Letter(signed("github", body, SECRET, headers), body)
