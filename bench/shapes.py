"""GitHub's and Linear's payloads, field for field as large as the providers send them. Pure.

Of webhooks recorded by others: an issue has 12 kB, a pull request 24 kB, a comment 13.5 kB; the
larger part of each are the addresses of a repository and of the people.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import NAMESPACE_URL, uuid5

from bench.mix import ORGANIZATION_ID, REPOSITORY_ID, TEAM_ID

Shape = dict[str, object]

_API = "https://api.github.com"
_REPO = f"{_API}/repos/acme/shop"
_USER_LINKS = (
    "followers", "following{/other_user}", "gists{/gist_id}", "starred{/owner}{/repo}",
    "subscriptions", "orgs", "repos", "events{/privacy}", "received_events",
)  # fmt: skip
_REPOSITORY_LINKS = (
    "forks", "keys{/key_id}", "collaborators{/collaborator}", "teams", "hooks",
    "issues/events{/number}", "events", "assignees{/user}", "branches{/branch}", "tags",
    "git/blobs{/sha}", "git/tags{/sha}", "git/refs{/sha}", "git/trees{/sha}", "statuses/{sha}",
    "languages", "stargazers", "contributors", "subscribers", "subscription", "commits{/sha}",
    "git/commits{/sha}", "comments{/number}", "issues/comments{/number}", "contents/{+path}",
    "compare/{base}...{head}", "merges", "{archive_format}{/ref}", "downloads", "issues{/number}",
    "pulls{/number}", "milestones{/number}", "notifications{?since,all,participating}",
    "labels{/name}", "releases{/id}", "deployments",
)  # fmt: skip
_ISSUES_ALONE = {
    "labels_url", "events_url", "timeline_url", "repository_url", "performed_via_github_app",
    "reactions", "state_reason", "type", "sub_issues_summary",
}  # fmt: skip
_REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def user(n: int, kind: str = "User") -> Shape:
    """A person, or an organization."""
    login = f"developer-{n % 40}" if kind == "User" else "acme"
    page = f"{_API}/users/{login}"
    links = {f"{link.partition('{')[0]}_url": f"{page}/{link}" for link in _USER_LINKS}
    return {
        "login": login, "id": 583_000 + n % 40, "node_id": f"MDQ6VXNlcjU4MzAw{n % 40:02}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{583_000 + n % 40}?v=4",
        "gravatar_id": "", "url": page, "html_url": f"https://github.com/{login}", **links,
        "type": kind, "user_view_type": "public", "site_admin": False,
    }  # fmt: skip


def repository() -> Shape:
    """The one that all of it is in."""
    links = {
        f"{link.partition('{')[0].strip('/').replace('/', '_') or 'archive'}_url": f"{_REPO}/{link}"
        for link in _REPOSITORY_LINKS
    }
    switches = ("issues", "projects", "downloads", "wiki", "pages", "discussions")
    counts = ("stargazers", "watchers", "forks", "open_issues")
    return {
        "id": REPOSITORY_ID, "node_id": "MDEwOlJlcG9zaXRvcnk0MjQy", "name": "shop",
        "full_name": "acme/shop", "private": True, "owner": user(7, "Organization"),
        "html_url": "https://github.com/acme/shop", "description": "The shop of Acme, for the web",
        "fork": False, "url": _REPO, **links, "created_at": "2019-05-15T15:19:25Z",
        "updated_at": "2026-03-01T09:11:03Z", "pushed_at": "2026-03-02T10:21:01Z",
        "git_url": "git://github.com/acme/shop.git", "ssh_url": "git@github.com:acme/shop.git",
        "clone_url": "https://github.com/acme/shop.git", "svn_url": "https://github.com/acme/shop",
        "homepage": "https://shop.acme.example", "size": 10_412, "language": "TypeScript",
        **{f"has_{name}": True for name in switches}, **{f"{name}_count": 12 for name in counts},
        "mirror_url": None, "archived": False, "disabled": False, "license": None,
        "allow_forking": True, "is_template": False, "web_commit_signoff_required": False,
        "topics": ["shop", "checkout"], "visibility": "private", "forks": 12, "open_issues": 12,
        "watchers": 12, "default_branch": "main",
    }  # fmt: skip


def _label(name: str) -> Shape:
    return {
        "id": 1_362_934_389, "node_id": "MDU6TGFiZWwxMzYyOTM0Mzg5", "url": f"{_REPO}/labels/{name}",
        "name": name, "color": "d73a4a", "default": True, "description": "Something is not working",
    }  # fmt: skip


def _links(page: str) -> Shape:
    names = ("labels{/name}", "comments", "events", "timeline")
    return {f"{name.partition('{')[0]}_url": f"{page}/{name}" for name in names}


def issue(number: int, text: str, at: str) -> Shape:
    """An issue as it is opened."""
    page = f"{_REPO}/issues/{number}"
    return {
        "url": page, "repository_url": _REPO, **_links(page),
        "html_url": f"https://github.com/acme/shop/issues/{number}", "id": 444_500_000 + number,
        "node_id": f"MDU6SXNzdWU0NDQ1{number:07}", "number": number, "title": title(number),
        "user": user(number), "labels": [_label("bug")], "state": "open", "locked": False,
        "assignee": user(number + 1), "assignees": [user(number + 1)], "milestone": None,
        "comments": 0, "created_at": at, "updated_at": at, "closed_at": None,
        "author_association": "MEMBER", "active_lock_reason": None, "body": text,
        "reactions": {"url": f"{page}/reactions", "total_count": 0, **dict.fromkeys(_REACTIONS, 0)},
        "performed_via_github_app": None, "state_reason": None, "type": None,
        "sub_issues_summary": {"total": 0, "completed": 0, "percent_completed": 0},
    }  # fmt: skip


def comment(number: int, text: str, at: str, *, on: int) -> Shape:
    """The comment of this number on the issue of another."""
    named = 492_700_000 + number
    page = f"{_REPO}/issues/comments/{named}"
    return {
        "url": page, "issue_url": f"{_REPO}/issues/{on}",
        "html_url": f"https://github.com/acme/shop/issues/{on}#issuecomment-{named}",
        "id": named, "node_id": f"MDEyOklzc3VlQ29tbWVudDQ5Mjc{number:07}",
        "user": user(number + 2), "created_at": at, "updated_at": at, "body": text,
        "author_association": "MEMBER", "performed_via_github_app": None,
        "reactions": {"url": f"{page}/reactions", "total_count": 0, **dict.fromkeys(_REACTIONS, 0)},
    }  # fmt: skip


def pull_request(number: int, text: str, at: str) -> Shape:
    """A pull request as it is opened: it holds the repository twice more."""
    page, web = f"{_REPO}/pulls/{number}", f"https://github.com/acme/shop/pull/{number}"
    issue_page, sha = f"{_REPO}/issues/{number}", f"{number:040x}"
    base = {k: v for k, v in issue(number, text, at).items() if k not in _ISSUES_ALONE}
    ends = {
        name: {"label": f"acme:{ref}", "ref": ref, "sha": sha, "user": user(7, "Organization"),
               "repo": repository()}
        for name, ref in (("head", f"case-{number}"), ("base", "main"))
    }  # fmt: skip
    links = {
        "self": page, "html": web, "issue": issue_page, "comments": f"{issue_page}/comments",
        "review_comments": f"{page}/comments",
        "review_comment": f"{_REPO}/pulls/comments{{/number}}",
        "commits": f"{page}/commits", "statuses": f"{_REPO}/statuses/{sha}",
    }  # fmt: skip
    return {
        **base, **ends, "url": page, "html_url": web, "diff_url": f"{web}.diff",
        "patch_url": f"{web}.patch", "issue_url": issue_page, "merged_at": None,
        "merge_commit_sha": None, "requested_reviewers": [user(number + 3)], "requested_teams": [],
        "draft": False, "commits_url": f"{page}/commits", "statuses_url": f"{_REPO}/statuses/{sha}",
        "review_comments_url": f"{page}/comments", "comments_url": f"{issue_page}/comments",
        "_links": {name: {"href": link} for name, link in links.items()}, "auto_merge": None,
        "merged": False, "mergeable": None, "rebaseable": None, "mergeable_state": "unknown",
        "merged_by": None, "review_comments": 0, "maintainer_can_modify": False, "commits": 3,
        "additions": 120, "deletions": 12, "changed_files": 6,
    }  # fmt: skip


def linear_issue(number: int, text: str, at: str) -> Shape:
    """Linear's `data`, with all that it tells of people and of the state."""
    return {
        "id": _id(f"issue/{number}"), "createdAt": at, "updatedAt": at, "number": number,
        "title": title(number), "priority": 2, "sortOrder": -12_345.67, "prioritySortOrder": -99.5,
        "slaType": "all", "addedToTeamAt": at, "labelIds": [_id("label")], "teamId": TEAM_ID,
        "previousIdentifiers": [], "creatorId": _id("dev"), "stateId": _id("state"), "estimate": 3,
        "assigneeId": _id("dev"), "reactionData": [], "priorityLabel": "High", "botActor": None,
        "identifier": f"SHOP-{number}", "url": linear_page(number),
        "subscriberIds": [_id(f"dev/{n}") for n in range(6)], "cycleId": _id("cycle"),
        "projectId": _id("project"), "branchName": f"dev/shop-{number}-case", "trashed": None,
        "assignee": _person("dev"), "creator": _person("dev"),
        "state": {"id": _id("state"), "color": "#e2e2e2", "name": "Todo", "type": "unstarted"},
        "team": {"id": TEAM_ID, "key": "SHOP", "name": "Shop"},
        "labels": [{"id": _id("label"), "color": "#d73a4a", "name": "Bug"}],
        "cycle": {"id": _id("cycle"), "number": 12, "startsAt": at, "endsAt": at},
        "description": text, "descriptionData": _as_document(text),
    }  # fmt: skip


def linear_page(number: int) -> str:
    """The address of an issue of Linear."""
    return f"https://linear.app/acme/issue/SHOP-{number}/case-{number}"


def linear(number: int, text: str, at: str) -> Shape:
    """The webhook of an issue that was made."""
    return {
        "action": "create", "type": "Issue", "createdAt": at, "organizationId": ORGANIZATION_ID,
        "actor": {**_person("dev"), "type": "user"}, "url": linear_page(number),
        "webhookId": _id("webhook"), "webhookTimestamp": 1_735_689_600_000 + number,
        "data": linear_issue(number, text, at),
    }  # fmt: skip


def github(action: str, objects: Mapping[str, Shape]) -> Shape:
    """The webhook of something that was opened or made."""
    organization = {"login": "acme", "id": 583_007, "url": f"{_API}/orgs/acme", "description": ""}
    sender = user(1)
    return {
        "action": action, **objects, "repository": repository(), "organization": organization,
        "sender": sender, "installation": {"id": 375_706, "node_id": "MDIzOkludGVncmF0aW9uMzc1"},
    }  # fmt: skip


def title(number: int) -> str:
    """Of any of them."""
    return f"Case {number}: the checkout shows a stale price after the second tab was opened"


def _person(name: str) -> Shape:
    return {
        "id": _id(name), "name": "Jane Developer", "email": "jane@acme.example",
        "avatarUrl": f"https://public.linear.app/{ORGANIZATION_ID}/{_id(name)}/avatar.png",
        "url": "https://linear.app/acme/profiles/jane",
    }  # fmt: skip


def _as_document(text: str) -> str:
    """The description once more, as Linear's editor keeps it."""
    paragraphs = ('{"type":"paragraph","content":[{"type":"text"}]}' for _ in text.split("\n\n"))
    return f'{{"type":"doc","content":[{",".join(paragraphs)}]}}'


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, name))
