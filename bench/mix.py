"""Synthetic deliveries for the benchmarks: two providers' shapes, texts of chosen sizes. Pure."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from ingest.store.deliveries import Arrival

REPOSITORY_ID = 4242
ORGANIZATION_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
TEAM_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
_START = datetime(2025, 1, 1, tzinfo=UTC)
_TEXT = """
the worker takes a batch under its lease and writes what changed while another retries the checkout
request after a timeout because our cache returned stale prices for some customers who opened
several tabs before payment finished we saw it first on staging then production logs show a burst of
errors from gateway nodes so please add an index measure again and describe how rollback works when
migration fails halfway through deploy
"""
_WORDS = _TEXT.split()

MIX = ((512, 0.75), (1500, 0.20), (3000, 0.05))


@dataclass(frozen=True, slots=True)
class Connections:
    """The two connections that the deliveries are for."""

    github: str
    linear: str


def arrivals(
    count: int,
    sizes: tuple[tuple[int, float], ...],
    connections: Connections,
    *,
    seed: int = 1,
    first: int = 0,
) -> Iterator[Arrival]:
    """`count` deliveries, each of a new issue; half of them from each provider.

    `first` is the number of the first one: others before it were sent already.
    """
    chance = random.Random(seed)
    limits, weights = zip(*sizes, strict=True)
    for n in range(first, first + count):
        limit = chance.choices(limits, weights)[0]
        smallest = 80 if limit == limits[0] and limit <= 512 else limit - 100
        text = prose(chance, chance.randint(smallest, limit), n)
        make = _github if n % 2 else _linear
        yield make(n, text, connections)


def flood(count: int, size: int, words: str, connections: Connections) -> Iterator[Arrival]:
    """`count` deliveries of the Linear connection, each a text of `size` bytes of such words.

    In the words, `{}` is a number that goes up.
    """
    for n in range(count):
        parts: list[str] = []
        length = 0
        while length < size:
            parts.append(words.format(len(parts) + 1))
            length += len(parts[-1])
        yield _linear(1_000_000 + n, "".join(parts), connections)


def source_id(n: int) -> str:
    """The key of the document that the delivery of this number becomes."""
    return f"acme/shop#{n + 1}" if n % 2 else f"SHOP-{n + 1}"


def prose(chance: random.Random, size: int, n: int, *, opening: str | None = None) -> str:
    """Markdown-like text of at most `size` bytes, beginning with `opening`."""
    parts: list[str] = [f"Case {n}: " if opening is None else opening]
    length = len(parts[0])
    while length < size - 12:
        word = chance.choice(_WORDS)
        if chance.random() < 0.03:
            word = f"\n\n## {word}\n\n"
        elif chance.random() < 0.05:
            word = f"`{word}` "
        else:
            word += " "
        parts.append(word)
        length += len(word)
    return "".join(parts)[:size].strip()


def _github(n: int, text: str, connections: Connections) -> Arrival:
    at = (_START + timedelta(seconds=n)).strftime("%Y-%m-%dT%H:%M:%SZ")
    page = f"https://github.com/acme/shop/issues/{n}"
    user = {"login": f"dev-{n % 40}", "id": n % 40, "type": "User"}
    payload = {
        "action": "opened",
        "issue": {
            "id": 10_000_000 + n, "node_id": f"I_{n}", "number": n + 1, "title": f"Case {n}",
            "body": text, "state": "open", "state_reason": None, "user": user, "comments": 0,
            "labels": [{"id": 1, "name": "bug", "color": "d73a4a"}], "assignees": [],
            "milestone": None, "locked": False, "html_url": page, "url": page,
            "author_association": "MEMBER", "created_at": at, "updated_at": at, "closed_at": None,
        },
        "repository": {
            "id": REPOSITORY_ID, "node_id": "R_1", "name": "shop", "full_name": "acme/shop",
            "private": True, "owner": {"login": "acme", "id": 7, "type": "Organization"},
            "html_url": "https://github.com/acme/shop", "default_branch": "main",
        },
        "sender": user,
    }  # fmt: skip
    headers = {"x-github-event": "issues", "content-type": "application/json"}
    return arrival("github", connections.github, f"gh-{n}", headers, payload)


def _linear(n: int, text: str, connections: Connections) -> Arrival:
    at = (_START + timedelta(seconds=n)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    page = f"https://linear.app/acme/issue/SHOP-{n + 1}"
    payload = {
        "action": "create", "type": "Issue", "createdAt": at, "organizationId": ORGANIZATION_ID,
        "webhookId": "6f9619ff-8b86-4011-b42d-00cf4fc964ff", "webhookTimestamp": 1735689600000 + n,
        "url": page,
        "data": {
            "id": str(_uuid(n)), "identifier": f"SHOP-{n + 1}", "number": n + 1,
            "title": f"Case {n}", "description": text, "priority": 2, "priorityLabel": "High",
            "url": page, "teamId": TEAM_ID,
            "team": {"id": TEAM_ID, "key": "SHOP", "name": "Shop"},
            "state": {"id": "s1", "name": "Todo", "type": "unstarted", "color": "#e2e2e2"},
            "labels": [{"id": "l1", "name": "Bug", "color": "#d73a4a"}], "labelIds": ["l1"],
            "previousIdentifiers": [], "createdAt": at, "updatedAt": at,
        },
    }  # fmt: skip
    headers = {"linear-event": "Issue", "content-type": "application/json"}
    return arrival("linear", connections.linear, f"li-{n}", headers, payload)


def _uuid(n: int) -> str:
    digits = hashlib.md5(str(n).encode(), usedforsecurity=False).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def arrival(
    source_type: str, connection_id: str, key: str, headers: dict[str, str], payload: object
) -> Arrival:
    """The delivery of a payload, as it is stored."""
    body = orjson.dumps(payload)
    return Arrival(
        source_type=source_type,
        connection_id=connection_id,
        delivery_key=key,
        body_hash=hashlib.sha256(body).digest(),
        headers=orjson.dumps(headers).decode(),
        body=body,
        received_at=datetime.now(UTC),
        lane=connection_id,
    )
