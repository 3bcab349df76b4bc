"""GitHub's webhooks for one connection: a hook of the repository, or that of its GitHub App.

[REST-OAS] repos/list-webhooks, repos/create-webhook, repos/update-webhook. Law: a hook is found by
where it sends to. What is changed of it is changed as a whole: a PATCH without the secret removes
that, and events that somebody added stay.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from ingest.core.errors import PermanentError, Refused
from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.answers import Absent
from ingest.sources.forms import DIGITS, needed
from ingest.sources.github.api import GitHubApi
from ingest.sources.github.app_hook import AppHook
from ingest.sources.github.delivery_logs import Log
from ingest.sources.github.hooks import EDITIONS, NEEDED, YOUNG, Hook, about, config_of
from ingest.sources.github.pages import list_page
from ingest.sources.github.payloads import read
from ingest.sources.github.tokens import is_app
from ingest.sources.subscriptions import (
    MissedPage,
    Observation,
    Recovered,
    Subscribed,
    Subscriptions,
)

HOOK_ID = "githubHookId"
"""The field of a connection's metadata that names its hook."""
BY_HAND = (
    "GitHub: Settings → Webhooks → Add webhook of the repository (or Webhook of the GitHub App): "
    "payload URL {url}, content type application/json, the secret, and the events "
    + ", ".join((*NEEDED, *YOUNG))
)
_MOST_PAGES = 20
_FIX = "ingest source doctor --fix"
_RIGHTS = (
    "give the token the permission Webhooks, read and write (a classic one: admin:repo_hook), or "
    "make the webhook by hand"
)


def subscribe(access: Access) -> Subscriptions:
    """The webhooks of one connection; with an App's key, the App's own. Raises `Refused`."""
    return AppHook(access) if is_app(access.token) else RepositoryHooks(access)


class RepositoryHooks:
    """Those of the repository; see `sources.subscriptions.Subscriptions`."""

    def __init__(self, access: Access) -> None:
        self._api = GitHubApi(access)
        self._scope = needed(access.metadata, "githubRepoId", DIGITS)
        told = access.metadata.get(HOOK_ID)
        self._hook_id = told if DIGITS.fits(told) else None

    def look(self, url: str) -> tuple[Observation, ...]:
        """Point by point; one point alone where the token may not see the hooks."""
        try:
            mine = self._mine(url)
        except Refused as error:
            if error.stale:
                raise
            return (Observation(None, str(error), _RIGHTS),)
        if not mine:
            name = self._api.repository(self._scope).full_name
            return (Observation(False, f"no webhook of {name} sends to us", _FIX, mendable=True),)
        first, *others = mine
        found = about(first, _FIX)
        since = self._log(str(first.id)).failing_since()
        if since is not None:
            found += (Observation(False, f"nothing gets through since {iso(since)}"),)
        if others:
            said = f"{len(mine)} webhooks send to us, so that each event comes as often"
            found += (Observation(False, said, "delete all but one of them at GitHub"),)
        return found

    def create(self, url: str, secret: str) -> Subscribed:
        """A hook that sends to this URL already is taken over, with this secret."""
        mine = self._mine(url)
        if mine:
            return self._changed(mine[0], url, secret)
        try:
            return self._made(url, secret, EDITIONS[0])
        except PermanentError as error:
            # 422: somebody was faster, or it is an Enterprise that does not know all events.
            mine = self._mine(url)
            if mine:
                return self._changed(mine[0], url, secret)
            for events in EDITIONS[1:]:
                with suppress(PermanentError):
                    return self._made(url, secret, events)
            raise error from None

    def mend(self, url: str, secret: str) -> Subscribed | None:
        """One PATCH, of all that is wrong."""
        mine = self._mine(url)
        if not mine:
            return self.create(url, secret)
        wrong = any(one.mendable and one.ok is not True for one in about(mine[0], _FIX))
        return self._changed(mine[0], url, secret) if wrong else None

    def missed(self, since: datetime, cursor: JSON = None) -> MissedPage:
        """Of the hook that the metadata names, or that was looked at or made just now.

        Without one nothing is known: the other hooks of a repository are other people's. Nor is it
        where the token may not see the log, which `look` says.
        """
        if self._hook_id is None:
            return MissedPage()
        try:
            return self._log(self._hook_id).missed(since, cursor)
        except (Absent, Refused) as error:
            if isinstance(error, Refused) and error.stale:
                raise
            self._api.repository(self._scope, fresh=True)
            return MissedPage()

    def redeliver(self, handle: str) -> bool:
        hook, _, id_ = handle.partition("/")
        return DIGITS.fits(hook) and self._log(hook).redeliver(id_)

    def read(self, handle: str) -> Recovered | None:
        hook, _, id_ = handle.partition("/")
        return self._log(hook).read(id_) if DIGITS.fits(hook) else None

    def close(self) -> None:
        """Let go of open connections."""
        self._api.close()

    def _path(self) -> str:
        return f"{self._api.repository(self._scope).path}/hooks"

    def _log(self, hook_id: str) -> Log:
        return Log(self._api, f"{self._path()}/{hook_id}/deliveries", f"{hook_id}/")

    def _mine(self, url: str) -> list[Hook]:
        """The hooks that send to us, active ones first. Raises `Refused` where none may be seen."""
        found: list[Hook] = []
        query: dict[str, str] | None = {}
        try:
            for _ in range(_MOST_PAGES):
                page = list_page(self._api, self._path(), query or {})
                found += [read(Hook, one) for one in page.items]
                query = page.next
                if query is None:
                    break
        except Absent as error:
            name = self._api.repository(self._scope, fresh=True).full_name
            raise Refused(f"GitHub shows no webhooks of {name} to this token: {_RIGHTS}") from error
        ours = (one for one in found if one.config.url == url)
        mine = sorted(ours, key=lambda one: not one.active)
        if mine:
            self._hook_id = str(mine[0].id)
        return mine

    def _made(self, url: str, secret: str, events: tuple[str, ...]) -> Subscribed:
        body: dict[str, JSON] = {
            "name": "web",
            "active": True,
            "events": [*events],
            "config": config_of(url, secret),
        }
        try:
            hook = read(Hook, self._api.post(self._path(), body).json())
        except Absent as error:
            raise Refused(f"GitHub makes no webhook for this token: {_RIGHTS}") from error
        return self._subscribed(hook, "was made")

    def _changed(self, hook: Hook, url: str, secret: str) -> Subscribed:
        """Events that are there stay; those that this GitHub does not know are left out."""
        path = f"{self._path()}/{hook.id}"
        body: dict[str, JSON] = {"active": True, "config": config_of(url, secret)}
        for events in EDITIONS:
            wanted = ["*"] if "*" in hook.events else sorted({*hook.events, *events})
            try:
                answer = self._api.change("PATCH", path, {**body, "events": [*wanted]})
            except Absent as error:
                raise Refused(f"GitHub changes no webhook for this token: {_RIGHTS}") from error
            except PermanentError:
                if events is NEEDED:
                    raise
                continue
            return self._subscribed(read(Hook, answer.json()), "was there, and is as it should be")
        raise PermanentError("GitHub takes the events of a webhook in no form")

    def _subscribed(self, hook: Hook, what: str) -> Subscribed:
        self._hook_id = str(hook.id)
        name = self._api.repository(self._scope).full_name
        said = f"webhook {hook.id} of {name} {what}"
        return Subscribed(self._hook_id, said, metadata={HOOK_ID: self._hook_id})
