"""The shapes of Zendesk's objects as its API tells them, for the fake. Values alone."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.values import JSON

Object = dict[str, JSON]

ME = 361000000900
TICKET: Mapping[str, JSON] = {
    "external_id": None,
    "via": {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}},
    "type": None,
    "priority": None,
    "status": "new",
    "recipient": None,
    "assignee_id": None,
    "organization_id": None,
    "group_id": None,
    "collaborator_ids": [],
    "problem_id": None,
    "has_incidents": False,
    "is_public": True,
    "due_at": None,
    "tags": [],
    "custom_fields": [],
    "satisfaction_rating": None,
    "followup_ids": [],
    "brand_id": 360000000010,
    "allow_channelback": False,
}
ARTICLE: Mapping[str, JSON] = {
    "author_id": ME,
    "comments_disabled": True,
    "draft": False,
    "promoted": False,
    "position": 0,
    "vote_sum": 0,
    "vote_count": 0,
    "source_locale": "en-us",
    "locale": "en-us",
    "outdated": False,
    "label_names": [],
    "user_segment_id": None,
    "permission_group_id": 1,
}


def ticket(site: str, id_: int, subject: str, description: str, *, by: int, at: str) -> Object:
    """A new ticket."""
    return {
        **TICKET,
        "url": f"{site}/api/v2/tickets/{id_}.json",
        "id": id_,
        "created_at": at,
        "updated_at": at,
        "subject": subject,
        "raw_subject": subject,
        "description": description,
        "requester_id": by,
        "submitter_id": by,
    }


def comment(
    id_: int, body: str, *, by: int, at: str, public: bool = True, html: str | None = None
) -> Object:
    """`html` is the form that the author wrote; `body` what is left of it as a plain text."""
    return {
        "id": id_,
        "type": "Comment",
        "author_id": by,
        "body": body,
        "html_body": html or f'<div class="zd-comment" dir="auto"><p>{body}</p></div>',
        "plain_body": body,
        "public": public,
        "attachments": [],
        "audit_id": id_ + 1,
        "via": {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}},
        "created_at": at,
        "metadata": {"system": {}, "custom": {}},
    }


def message(id_: str, text: str, *, by: str, at: str) -> Object:
    """An entry of a conversation's log: a message that somebody of that name sent."""
    return {
        "id": id_,
        "type": "Messaging::ConversationMessage",
        "reference": f"zen:messaging_message:{id_}",
        "created_at": at,
        "attachments": [],
        "author": {"type": "user", "display_name": by},
        "content": {"type": "text", "text": text},
        "metadata": {},
    }


def article(site: str, id_: int, title: str, body: str, *, section: int, at: str) -> Object:
    """A new article in its own language; `body` is HTML."""
    return {
        **ARTICLE,
        "id": id_,
        "url": f"{site}/api/v2/help_center/en-us/articles/{id_}.json",
        "html_url": _page(site, "en-us", id_, title),
        "section_id": section,
        "created_at": at,
        "updated_at": at,
        "edited_at": at,
        "name": title,
        "title": title,
        "body": body,
    }


def translation(
    site: str, id_: int, article_id: int, locale: str, *, title: str, body: str, at: str
) -> Object:
    """A new translation of an article; `body` is HTML."""
    return {
        "id": id_,
        "url": f"{site}/api/v2/help_center/articles/{article_id}/translations/{locale}.json",
        "html_url": _page(site, locale, article_id, title),
        "source_id": article_id,
        "source_type": "Article",
        "locale": locale,
        "title": title,
        "body": body,
        "outdated": False,
        "draft": False,
        "hidden": False,
        "created_at": at,
        "updated_at": at,
        "updated_by_id": ME,
        "created_by_id": ME,
    }


def own_translation(of: Object) -> Object:
    """An article as the translation into its own language, which Zendesk lists with the others."""
    site = str(of["url"]).partition("/api/")[0]
    id_, locale, title = int(str(of["id"])), str(of["locale"]), str(of["title"])
    body, at = str(of["body"]), str(of["edited_at"])
    told = translation(site, id_ * 100, id_, locale, title=title, body=body, at=at)
    return {**told, "html_url": of["html_url"], "draft": of["draft"]}


def _page(site: str, locale: str, id_: int, title: str) -> str:
    slug = "".join(c if c.isascii() and c.isalnum() else " " for c in title)
    return f"{site}/hc/{locale}/articles/{id_}-{'-'.join(slug.split())}"
