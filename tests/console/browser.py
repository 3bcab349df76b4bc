"""A real Chromium, driven through WebDriver (W3C): a dozen requests over HTTP, and no library.

Debian's packages are `chromium` and `chromium-driver`. `CHROMEDRIVER` and `CHROMIUM` name others.
"""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The name of a reference to an element, as the standard has it."""
STARTS_WITHIN_S, ANSWERS_WITHIN_S, ARRIVES_WITHIN_S = 30.0, 120.0, 30.0
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # which root may not have
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--disable-lcd-text",
    "--lang=en",
)
TAB, ENTER = "\ue004", "\ue007"


@dataclass(frozen=True)
class Browser:
    """One window. Paths are below `base`; elements are named by CSS selectors."""

    client: httpx.Client
    session: str
    base: str

    def open(self, path: str) -> None:
        self._post("url", url=f"{self.base}{path}")

    @property
    def path(self) -> str:
        return str(self._get("url")).removeprefix(self.base)

    @property
    def title(self) -> str:
        return str(self._get("title"))

    def text(self, selector: str = "main") -> str:
        return str(self._get(f"element/{self._find(selector)}/text"))

    def has(self, selector: str) -> bool:
        return bool(self._post("elements", using="css selector", value=selector))

    def click(self, selector: str) -> None:
        self._post(f"element/{self._find(selector)}/click")

    def follow(self, selector: str) -> None:
        """Click what leads to another page, and wait for that."""
        with self._leaving():
            self.click(selector)

    def enter(self) -> None:
        """Press what leads to another page from whatever has the focus, and wait for that."""
        with self._leaving():
            self.press(ENTER)

    @contextmanager
    def _leaving(self) -> Iterator[None]:
        """The driver says that it has clicked; that the page is another one it leaves to us."""
        self.run("window.isThePageBefore = true")
        yield
        arrived = "return !window.isThePageBefore && document.readyState === 'complete'"
        until = time.monotonic() + ARRIVES_WITHIN_S
        while not self.run(arrived):
            assert time.monotonic() < until, f"still at {self.path}"
            time.sleep(0.02)

    def write(self, selector: str, text: str) -> None:
        self._post(f"element/{self._find(selector)}/value", text=text)

    def press(self, keys: str) -> None:
        """Keys, as of the keyboard, to whatever has the focus."""
        pressed = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._post("actions", actions=[{"type": "key", "id": "keyboard", "actions": pressed}])

    def run(self, script: str, *arguments: object) -> Any:
        """What a script's `return` gives."""
        return self._post("execute/sync", script=script, args=list(arguments))

    def run_async(self, script: str, *arguments: object) -> Any:
        """What a script hands to its last argument, a callback."""
        return self._post("execute/async", script=script, args=list(arguments))

    def color_scheme(self, scheme: str) -> None:
        """Have it prefer `light` or `dark`."""
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self._post("goog/cdp/execute", cmd="Emulation.setEmulatedMedia", params=media)

    def size(self, width: int, height: int) -> None:
        self._post("window/rect", width=width, height=height)

    def screenshot(self) -> bytes:
        return base64.b64decode(self._get("screenshot"))

    def _find(self, selector: str) -> str:
        return str(self._post("element", using="css selector", value=selector)[ELEMENT])

    def _get(self, command: str) -> Any:
        return _value(self.client.get(f"/session/{self.session}/{command}"))

    def _post(self, command: str, **told: object) -> Any:
        return _value(self.client.post(f"/session/{self.session}/{command}", json=told))


@contextmanager
def browsing(base: str, profile: Path) -> Iterator[Browser]:
    """A window of a Chromium of its own; the test is skipped where there is none."""
    programs = {name: _program(name) for name in ("chromium", "chromedriver")}
    for name, program in programs.items():
        if program is None:
            pytest.skip(f"{name} is not on this machine (apt-get install chromium chromium-driver)")
    with _driver(str(programs["chromedriver"])) as client:
        options = {
            "binary": programs["chromium"],
            "args": [*_ARGUMENTS, f"--user-data-dir={profile}"],
        }
        wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
        made = _value(client.post("/session", json={"capabilities": wanted}))
        browser = Browser(client, made["sessionId"], base)
        try:
            yield browser
        finally:
            client.delete(f"/session/{browser.session}")


@contextmanager
def _driver(program: str) -> Iterator[httpx.Client]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = subprocess.Popen([program, f"--port={port}", "--log-level=SEVERE"])
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=ANSWERS_WITHIN_S, trust_env=False
        ) as client:
            _await(client)
            yield client
    finally:
        running.terminate()
        running.wait()


def _await(client: httpx.Client) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            if _value(client.get("/status"))["ready"]:
                return
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
        time.sleep(0.05)


def _program(name: str) -> str | None:
    return os.environ.get(name.upper()) or shutil.which(name)


def _value(answer: httpx.Response) -> Any:
    told: Mapping[str, Any] = answer.json()
    value = told["value"]
    assert answer.status_code == 200, value
    return value
