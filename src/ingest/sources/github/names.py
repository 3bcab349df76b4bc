"""The forms of GitHub's names, as they may stand in a request. Performs no I/O."""

from __future__ import annotations

import re

from ingest.sources.forms import Form

_PART = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]{1,100}"

OWNER = Form(_PART, "the login of a user or an organization")
FULL_NAME = Form(rf"{_PART}/{_PART}", "owner/repository, as in the repository's URL")
SHA = Form(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", "a hash of git's")
BRANCH = Form(
    r"(?![/.-])(?!.*(?:\.\.|//|@\{|/\.|\.lock(?:/|$)|[/.]$))"
    r"[^\x00-\x20\x7f-\x9f\u2028\u2029~^:?*\[\\\ud800-\udfff]{1,255}",
    "the name of a branch, without refs/heads/ (git check-ref-format)",
)
PATH = Form(
    r"/?(?!.*(?:^|/)\.{0,2}(?:/|$))[^\x00-\x1f\x7f-\x9f\u2028\u2029\\\ud800-\udfff]{1,1024}",
    "the path of a file within the repository",
)
NODE_ID = Form(r"[A-Za-z0-9+/=_-]{1,512}", "a node id of the GraphQL API")

OWNER_IN_TEXT = "[A-Za-z0-9][A-Za-z0-9-]{0,38}"
REPO_IN_TEXT = "[A-Za-z0-9._-]{1,100}"
"""As they stand in a text, by the contract sheet, section e."""
NO_OWNERS = frozenset({"orgs", "users", "apps", "sponsors", "settings"})
"""What stands in an owner's place in URLs of pages of other kinds."""

REPOSITORY = re.compile(r"([^/\s#@:]{1,100}/[^/\s#@:]{1,100})(?:[#@:]|/discussions/)")
"""The repository that a key begins with: `acme/web` of `acme/web#12`, `acme/web@v1`,
`acme/web:a.md`, `acme/web/discussions/1`."""
