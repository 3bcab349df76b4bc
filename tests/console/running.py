"""A receiver with a console for a test, what it shows, and how one logs in without a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import httpx

from ingest.core.secret import Secret
from ingest.web import create_app
from tests.web.running import program, served

PASSWORD = "the password of a test's console"
ON = {"console_password": Secret(PASSWORD)}


@contextmanager
def console(database_url: str, ring: Callable[[str], None], **settings: object) -> Iterator[int]:
    """The port of a receiver with these settings, by default with a password."""
    parts = program(database_url)
    made = replace(parts, settings=replace(parts.settings, **(settings or ON)))
    with served(create_app(made, publish=ring)) as port:
        yield port


@contextmanager
def visitor(port: int, **headers: str) -> Iterator[httpx.Client]:
    """A client that keeps cookies and follows nothing."""
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False, headers=headers
    ) as made:
        yield made


def log_in(client: httpx.Client, password: str = PASSWORD) -> httpx.Response:
    return client.post("/console/log-in", data={"password": password})


def token_of(answer: httpx.Response) -> str:
    """The token that a page's forms bring back."""
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', answer.text)
    assert found is not None, answer.text[:500]
    return found[1]


@dataclass
class Outline(HTMLParser):
    """What a page is made of: its text, links, and the elements with their attributes."""

    html: str
    text: str = ""
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def links(self) -> list[str]:
        return [href for one in self.all("a") if (href := one.get("href"))]
