"""The one webhook of a GitHub App, which sends of all repositories that installed it.

Law: it belongs to all of them, so it is taken only where it sends to nobody yet, or to us already;
where it sends to is never changed. Its events are set by a person. Requests are the App's own,
signed with its key. [REST-OAS] apps/get-webhook-config-for-app, apps/update-webhook-config-for-app,
apps/get-authenticated, apps/list-webhook-deliveries
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ingest.core.errors import BadInput, PermanentError, Refused
from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.answers import Response
from ingest.sources.forms import DIGITS, needed
from ingest.sources.github.delivery_logs import Log
from ingest.sources.github.hooks import AppAnswer, Attempt, Config, config_of, events_of, form_of
from ingest.sources.github.payloads import read
from ingest.sources.github.rest import rest_api
from ingest.sources.github.tokens import AppKey, app_key
from ingest.sources.http import Api, Params, bearer
from ingest.sources.subscriptions import MissedPage, Observation, Recovered, Subscribed

_SETTINGS = "in the settings of the GitHub App, Webhook"
_EVENTS = "tick them in the settings of the GitHub App, Permissions & events"
_FIX = "ingest source doctor --fix"


@dataclass(frozen=True, slots=True)
class _AsApp:
    """Requests that are signed with the App's key, each with a JWT of its own."""

    api: Api
    key: AppKey
    access: Access

    def _headers(self) -> dict[str, str]:
        return {"authorization": bearer(self.key.jwt(self.access.now()))}

    def get(
        self, path: str, *, params: Params | None = None, unless: str | None = None
    ) -> Response:
        headers = self._headers() | ({"if-none-match": unless} if unless else {})
        return self.api.get(path, params=params, headers=headers)

    def post(self, path: str, json: JSON) -> Response:
        return self.api.post(path, json=json, headers=self._headers())

    def patch(self, path: str, json: JSON) -> Response:
        return self.api.change("PATCH", path, json=json, headers=self._headers())


class AppHook:
    """See `sources.subscriptions.Subscriptions`."""

    def __init__(self, access: Access) -> None:
        try:
            key = app_key(access.token)
        except BadInput as error:
            raise Refused(str(error)) from None
        if key is None:
            raise Refused("a plain GitHub token has no App, and so no webhook of an App's")
        self._app = _AsApp(rest_api(access), key, access)
        self._repository = int(needed(access.metadata, "githubRepoId", DIGITS))
        self._log = Log(self._app, "app/hook/deliveries", is_ours=self._is_ours)

    def look(self, url: str) -> tuple[Observation, ...]:
        """Point by point; GitHub does not show whether an App's webhook is active."""
        config = self._config()
        found = [_sends(config, url)]
        if found[0].ok:
            form = form_of(config, _FIX if config.url == url else f"set it {_SETTINGS}")
            app = read(AppAnswer, self._app.get("app").json())
            found += [
                form if config.url == url else _by_hand(form),
                events_of(app.events, _EVENTS, mendable=False),
                Observation(None, "whether it is active GitHub does not show"),
            ]
            since = self._log.failing_since()
            if since is not None:
                found.append(Observation(False, f"nothing gets through since {iso(since)}"))
        return tuple(found)

    def create(self, url: str, secret: str) -> Subscribed:
        """Raises `PermanentError` where it sends elsewhere: that is somebody's."""
        config = self._config()
        seen = _sends(config, url)
        if config.url and config.url != url:
            if seen.ok:
                return Subscribed(self._id, f"{seen.said}; its secret stays")
            raise PermanentError(f"{seen.said}: {seen.remedy}")
        self._app.patch("app/hook/config", config_of(url, secret))
        return Subscribed(self._id, f"the webhook of App {self._app.key.app_id} sends to us")

    def mend(self, url: str, secret: str) -> Subscribed | None:
        """Where it sends to us alone, or to nobody."""
        wrong = [one for one in self.look(url) if one.mendable and one.ok is not True]
        return self.create(url, secret) if wrong else None

    def missed(self, since: datetime, cursor: JSON = None) -> MissedPage:
        return self._log.missed(since, cursor)

    def redeliver(self, handle: str) -> bool:
        return self._log.redeliver(handle)

    def read(self, handle: str) -> Recovered | None:
        return self._log.read(handle)

    def close(self) -> None:
        """Let go of open connections."""
        self._app.api.close()

    @property
    def _id(self) -> str:
        return f"app {self._app.key.app_id}"

    def _config(self) -> Config:
        return read(Config, self._app.get("app/hook/config").json())

    def _is_ours(self, attempt: Attempt) -> bool:
        return attempt.repository_id == self._repository


def _sends(config: Config, url: str) -> Observation:
    if config.url == url:
        return Observation(True, "the App's webhook sends to us")
    if not config.url:
        return Observation(False, "the App's webhook sends to nobody", _FIX, mendable=True)
    if url.startswith(f"{config.url.rstrip('/')}/"):
        return Observation(True, "the App's webhook sends to our route for all its repositories")
    remedy = (
        f"it has one for all its repositories; point it to {url.rpartition('/')[0]} {_SETTINGS}"
    )
    return Observation(False, "the App's webhook sends elsewhere", remedy)


def _by_hand(seen: Observation) -> Observation:
    """What `mend` leaves alone: the secret of a route for all is not the connection's."""
    return Observation(seen.ok, seen.said, seen.remedy)
