"""GitHub's answers about repositories and git, of each only what we need; strict about that much.

[REST-OAS] `repos/get`, `repos/get-branch`, `repos/compare-commits`, `git/get-blob`; trees, of
which one answer holds a hundred thousand entries, are read in `contents`. Performs no I/O.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from pydantic import Field

from ingest.core.errors import BadPayload
from ingest.sources.github.payloads import Id, Name, Time, Wire


class RepositoryAnswer(Wire):
    id: Id
    full_name: Name
    default_branch: Name
    private: bool | None = None
    has_issues: bool | None = None
    has_discussions: bool | None = None


class _Committer(Wire):
    date: str | None = None


class _Told(Wire):
    committer: _Committer | None = None


class _Commit(Wire):
    sha: Name
    commit: _Told


class BranchAnswer(Wire):
    """`name` is another one than was asked for where the branch was renamed."""

    name: Name
    commit: _Commit


class ChangedFile(Wire):
    filename: str
    status: str | None = None
    previous_filename: str | None = None


class CompareAnswer(Wire):
    """At most 300 `files`; `status` is seen from the base: ahead, behind, diverged, identical."""

    status: str
    files: list[ChangedFile] | None = None


class BlobAnswer(Wire):
    content: str
    encoding: str

    def raw(self) -> bytes:
        """The file itself; GitHub breaks base64 into lines."""
        if self.encoding != "base64":
            return self.content.encode()
        try:
            return base64.b64decode(self.content)
        except binascii.Error as error:
            raise BadPayload("content", "is no base64") from error


class InstallationToken(Wire):
    """For an hour; its `repr` does not say the token."""

    token: Annotated[Name, Field(repr=False)]
    expires_at: Time
