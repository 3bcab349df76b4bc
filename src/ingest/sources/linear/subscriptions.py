"""Linear's webhooks for one connection: looked at, made, and mended over the API.

Only an admin's key, or a token with the scope `admin`, sees webhooks. Linear keeps the last 50
failures of each, but neither what was sent nor a way to have it sent again: what was missed comes
by resync. Documents: linear.app/developers/webhooks; `Webhook`, `WebhookCreateInput` and
`WebhookUpdateInput` of Linear's schema.graphql.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ingest.core.errors import BadPayload, PermanentError, Refused
from ingest.core.values import JSON
from ingest.sources import wire
from ingest.sources.access import Access
from ingest.sources.contract import Payload
from ingest.sources.linear.descriptor import DESCRIPTOR
from ingest.sources.linear.graphql import Graph, graph_of, next_page
from ingest.sources.linear.hooks import (
    WANTED,
    Hook,
    covering,
    enabled,
    failing,
    pointed,
    subscribed,
)
from ingest.sources.subscriptions import MissedPage, Observation, Recovered, Subscribed

BY_HAND = (
    "in Linear, as an admin: Settings, API, Webhooks, New webhook, with the URL {url}, the events "
    "of issues, comments, attachments, projects, updates, documents and initiatives; then give its "
    "signing secret"
)
_LABEL = "lightfast-ingest"
_FIELDS = "id url enabled allPublicTeams team { id } resourceTypes secret"
_LIST = f"""query Webhooks($after: String) {{
    webhooks(first: 100, after: $after) {{ nodes {{ {_FIELDS} }}
        pageInfo {{ hasNextPage endCursor }} }} }}"""
_FAILURES = """query WebhookFailures($id: String!) {
    webhook(id: $id) { id failures { httpStatus responseOrError createdAt } } }"""
_CREATE = f"""mutation WebhookCreate($input: WebhookCreateInput!) {{
    webhookCreate(input: $input) {{ success webhook {{ {_FIELDS} }} }} }}"""
_UPDATE = f"""mutation WebhookUpdate($id: String!, $input: WebhookUpdateInput!) {{
    webhookUpdate(id: $id, input: $input) {{ success webhook {{ {_FIELDS} }} }} }}"""
_MOST_PAGES = 20
_ADMIN = "give an admin's key, or a token with the scope admin, or look at it in Linear"


def subscribe(access: Access) -> LinearSubscriptions:
    """The webhooks of one connection."""
    return LinearSubscriptions(graph_of(access), access.metadata)


@dataclass(frozen=True, slots=True)
class LinearSubscriptions:
    """Fulfils `subscriptions.Subscriptions`."""

    graph: Graph
    metadata: Payload

    def look(self, url: str) -> tuple[Observation, ...]:
        """The webhook of this connection as it stands; that it cannot be seen is one as well."""
        try:
            hook = self._found(url)
        except Refused as refusal:
            if refusal.stale:
                raise
            return (Observation(None, "the token may not see Linear's webhooks", _ADMIN),)
        if hook is None:
            said = "Linear has no webhook for this URL"
            return (Observation(False, said, "have it made", mendable=True),)
        return (
            pointed(hook, url),
            enabled(hook),
            subscribed(hook),
            covering(hook, self._wanted),
            self._failing(hook),
        )

    def create(self, url: str, secret: str) -> Subscribed:
        """Made with the given secret; one that is there for this URL is taken over, and gets it."""
        hook = self._found(url)
        if hook is not None:
            hook = self._update(hook, url, secret)
            return _made(hook, secret, f"took over Linear's webhook {hook.id}{self._less(hook)}")
        asked: dict[str, JSON] = {
            "url": url,
            "resourceTypes": [*WANTED],
            "label": _LABEL,
            "secret": secret,
            "enabled": True,
            **self._teams(),
        }
        hook = self._mutated("webhookCreate", _CREATE, {"input": asked})
        return _made(hook, secret, f"made Linear's webhook {hook.id}{self._less(hook)}")

    def mend(self, url: str, secret: str) -> Subscribed | None:
        """Enabled, pointed at us, sending what we need, signed with our secret."""
        hook = self._found(url)
        if hook is None:
            return self.create(url, secret)
        is_signed = hook.secret is None or hook.secret == secret
        is_pointed = hook.url is None or hook.is_for(url)
        if hook.enabled and not hook.missing and is_pointed and is_signed:
            return None
        hook = self._update(hook, url, secret)
        return _made(hook, secret, f"mended Linear's webhook {hook.id}")

    def missed(self, since: datetime, cursor: JSON = None) -> MissedPage:
        """Nothing: Linear keeps no log from which a delivery could be had again."""
        del since, cursor
        return MissedPage()

    def redeliver(self, handle: str) -> bool:
        """False: Linear has no way to send again."""
        del handle
        return False

    def read(self, handle: str) -> Recovered | None:
        """None: Linear keeps no deliveries."""
        del handle
        return None

    def close(self) -> None:
        """Let go of open connections."""
        self.graph.api.close()

    def _found(self, url: str) -> Hook | None:
        """The webhook for this URL, an enabled one first; else the one that the connection names.
        Webhooks of OAuth apps show no URL.
        """
        own = self.metadata.get("webhookId")
        fitting = [hook for hook in self._all() if hook.is_for(url) or hook.id == own]
        fitting.sort(key=lambda hook: (hook.is_for(url), hook.enabled), reverse=True)
        return next(iter(fitting), None)

    def _all(self) -> list[Hook]:
        hooks: list[Hook] = []
        after: str | None = None
        for _ in range(_MOST_PAGES):
            page = self.graph.ask("Webhooks", _LIST, {"after": after})("webhooks")
            if not isinstance(page, Mapping) or not isinstance(page.get("nodes"), list):
                raise BadPayload("webhooks.nodes", "no list")
            hooks += map(Hook.of, wire.objects(page, "nodes"))
            after = next_page(page, path="webhooks")
            if after is None:
                return hooks
        raise PermanentError(f"Linear has over {_MOST_PAGES} pages of webhooks")

    def _update(self, hook: Hook, url: str, secret: str) -> Hook:
        """What is not named stays as it is; an OAuth app's URL is set where the app is."""
        asked: dict[str, JSON] = {
            "enabled": True,
            "resourceTypes": [*sorted(hook.types.union(WANTED))],
            "secret": secret,
            **({} if hook.url is None else {"url": url}),
        }
        return self._mutated("webhookUpdate", _UPDATE, {"id": hook.id, "input": asked})

    def _mutated(self, root: str, query: str, variables: Mapping[str, JSON]) -> Hook:
        name = f"{root[0].upper()}{root[1:]}"
        told = self.graph.ask(name, query, variables)(root)
        if wire.at(told, "success") is not True:
            raise PermanentError(f"Linear does not say that {root} succeeded")
        return Hook.of(wire.mapping(told, "webhook"))

    def _teams(self) -> dict[str, JSON]:
        """Linear takes one team, or all that are public."""
        wanted = self._wanted
        if wanted is not None and len(wanted) == 1:
            return {"teamId": next(iter(wanted))}
        return {"allPublicTeams": True}

    def _less(self, hook: Hook) -> str:
        """What it does not send for, for people."""
        seen = covering(hook, self._wanted)
        return f"; {seen.said}; {seen.remedy}" if seen.ok is False else f" ({seen.said})"

    def _failing(self, hook: Hook) -> Observation:
        """The failures are internal to Linear's schema, so they may be taken away."""
        try:
            told = self.graph.ask("WebhookFailures", _FAILURES, {"id": hook.id})("webhook")
        except PermanentError:
            return Observation(None, "Linear does not show failures any more")
        return failing(wire.objects(told, "failures"), self.graph.api.now())

    @property
    def _wanted(self) -> frozenset[str] | None:
        return DESCRIPTOR.connection_filter(self.metadata)


def _made(hook: Hook, given: str, said: str) -> Subscribed:
    """The secret is the given one, unless Linear shows another."""
    other = hook.secret if hook.secret not in (None, given) else None
    return Subscribed(hook.id, said, other, {"webhookId": hook.id})
