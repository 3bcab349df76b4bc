"""Records what a provider answers, as others have recorded it: for tests of the playback."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from ingest.testing.fakes import Answer, Asked, Provider
from ingest.testing.recorded import RecordedAnswer


def answered(
    source: str, path: str, body: object, status: int | None = 200, **about: str
) -> RecordedAnswer:
    """One that was recorded by hand; `about` are its `method` and its headers."""
    method = about.pop("method", "GET")
    headers = {name.replace("_", "-"): told for name, told in about.items()}
    url = f"https://api.example{path}" if path else ""
    return RecordedAnswer(path or "printed", source, "here", method, url, status, headers, body)


@dataclass(slots=True)
class Recording:
    """A provider that keeps what it answers. Fulfils `fakes.Provider`."""

    source: str
    provider: Provider
    token: str = ""
    answers: list[RecordedAnswer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.token = self.provider.token

    def answer(self, asked: Asked) -> Answer:
        """The provider's own."""
        told = self.provider.answer(asked)
        if told.status != 304:
            self.answers.append(self._kept(asked, told))
        return told

    def _kept(self, asked: Asked, told: Answer) -> RecordedAnswer:
        raw = told.raw()
        try:
            body = orjson.loads(raw) if raw else None
        except orjson.JSONDecodeError:
            body = raw.decode("utf-8", "replace")
        return RecordedAnswer(
            name=f"{asked.method} {asked.target}",
            source=self.source,
            origin="here",
            method=asked.method,
            url=f"https://api.example{asked.target}",
            status=told.status,
            headers={name.lower(): value for name, value in told.headers.items()},
            body=body,
            asked=asked.body,
        )
