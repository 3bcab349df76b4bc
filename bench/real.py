"""The real mix: deliveries of the size that providers send, with references as people write them.

Law: of ten in a row four are issues, two pull requests, one a comment (all of GitHub) and three
issues of Linear; every third text has three references, to something that was there before it,
something that comes later, and something that never comes. Pure.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bench import mix, shapes
from bench.mix import Connections
from ingest.store.deliveries import Arrival

_EVERY = 3
_NEVER = 5_000_000
_START = datetime(2025, 1, 1, tzinfo=UTC)
_KINDS = ("issues", "issues", "issues", "issues", "pull_request", "pull_request", "issue_comment")
_LINEAR_FROM = len(_KINDS)
_COMMENT = _LINEAR_FROM - 1
_TEXT_BYTES = {400: 0.35, 1_200: 0.35, 3_000: 0.2, 7_000: 0.1}
_SAYS = ("Fixes {}", "See {}", "Blocked by {}", "Part of {}", "Related to {}", "As in {}")


def arrivals(
    count: int, connections: Connections, *, seed: int = 1, first: int = 0
) -> Iterator[Arrival]:
    """`count` deliveries, each of something new. `first`: the number of the first of them."""
    for n, text in enumerate(texts(count, seed=seed, first=first), first):
        yield _arrival(n, text, connections)


def texts(count: int, *, seed: int = 1, first: int = 0) -> Iterator[str]:
    """What the deliveries say, in their order."""
    chance = random.Random(seed)
    sizes, weights = [*_TEXT_BYTES], [*_TEXT_BYTES.values()]
    for n in range(first, first + count):
        text = mix.prose(chance, chance.choices(sizes, weights)[0], n, opening="")
        yield _with_references(chance, text, n, first, first + count) if n % _EVERY == 0 else text


def expected(count: int, *, first: int = 0) -> Counter[str]:
    """What these many come to: `documents`, `mentions` that texts make, and how many of those are
    `bound` to a document in the end.
    """
    found, end = Counter(documents=count), first + count
    for n in range(first, end):
        if n % _EVERY == 0:
            there = [target for target in _targets(n, first, end) if target is not None]
            found["mentions"] += len(there)
            found["bound"] += sum(target < end for target in there)
    return found


def source_id(n: int) -> str:
    """The key of the document that the delivery of this number becomes; a comment's is its own."""
    if n % 10 >= _LINEAR_FROM:
        return f"SHOP-{n + 1}"
    return f"acme/shop#{n + 1}"


def _with_references(chance: random.Random, text: str, n: int, first: int, end: int) -> str:
    """A line of its own for each, somewhere between two paragraphs, as people write them."""
    parts = text.split("\n\n")
    for target in _targets(n, first, end):
        if target is not None:
            said = chance.choice(_SAYS).format(_spelt(chance, target))
            parts.insert(chance.randint(0, len(parts)), f"{said}.")
    return "\n\n".join(parts)


def _targets(n: int, first: int, end: int) -> tuple[int | None, int | None, int]:
    """Something before, something after, and what never comes; none where there is no such."""
    chance = random.Random(n)
    return _other(chance, first, n), _other(chance, n + 1, end), _NEVER + n


def _other(chance: random.Random, low: int, high: int) -> int | None:
    """One of those numbers that is no comment, which nobody mentions."""
    found = [chance.randrange(low, high) for _ in range(8)] if low < high else []
    return next((n for n in found if n % 10 != _COMMENT), None)


def _spelt(chance: random.Random, target: int) -> str:
    key = source_id(target)
    if key.startswith("SHOP-"):
        return chance.choice((key, f"[{key}]({shapes.linear_page(target + 1)})"))
    kind = "pull" if target % 10 in {4, 5} else "issues"
    return chance.choice((key, key, f"https://github.com/acme/shop/{kind}/{target + 1}"))


def _arrival(n: int, text: str, connections: Connections) -> Arrival:
    at, number, kind = _START + timedelta(seconds=n), n + 1, n % 10
    told = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    if kind >= _LINEAR_FROM:
        headers = {"linear-event": "Issue", "content-type": "application/json"}
        payload = shapes.linear(number, text, told.replace("Z", ".000Z"))
        return mix.arrival("linear", connections.linear, f"li-{n}", headers, payload)
    event = _KINDS[kind]
    objects: dict[str, shapes.Shape]
    if event == "issue_comment":
        about = number - _COMMENT  # the first issue of the same ten
        said = shapes.comment(number, text, told, on=about)
        objects = {"issue": shapes.issue(about, "What it is about.", told), "comment": said}
    elif event == "pull_request":
        objects = {"pull_request": shapes.pull_request(number, text, told)}
    else:
        objects = {"issue": shapes.issue(number, text, told)}
    payload = shapes.github("created" if event == "issue_comment" else "opened", objects)
    headers = {"x-github-event": event, "content-type": "application/json"}
    return mix.arrival("github", connections.github, f"gh-{n}", headers, payload)
