"""What goes on at each provider: a file a source, with its objects, its webhooks and its truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chaos.accounts.account import Account, Drawn
from chaos.accounts.github import GitHubAccount
from chaos.accounts.linear import LinearAccount
from chaos.accounts.notion import NotionAccount
from chaos.accounts.sentry import SentryAccount
from chaos.accounts.vercel import VercelAccount
from chaos.accounts.zendesk import ZendeskAccount

ACCOUNTS: Mapping[str, Callable[[Drawn], Account]] = {
    "github": GitHubAccount,
    "linear": LinearAccount,
    "notion": NotionAccount,
    "sentry": SentryAccount,
    "vercel": VercelAccount,
    "zendesk": ZendeskAccount,
}
