"""The contents of many files by few requests: GraphQL tells the texts of many blobs at once.

Law: a text counts only where it hashes to the blob that was asked for (gitformat: SHA-1, or
SHA-256, of `blob <length>`, a NUL and the content), so that it is the file byte for byte; whatever
GitHub cut off, decoded, or does not tell is read alone. [DOC: graphql/reference/objects, Blob]
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from ingest.core.errors import IngestError, RateLimited
from ingest.core.values import JSON
from ingest.sources.github.api import GitHubApi, Repository
from ingest.sources.github.names import SHA
from ingest.sources.github.trees import File

MOST_BLOBS, MOST_BYTES = 100, 2 * 2**20
"""Of one request; more time out at GitHub, and cost all the same."""
LARGEST = 256 * 1024
"""Of a file that is asked for among others: longer texts are cut off."""
_UNTOLD = 16 * 1024
"""What a file is taken to have, of which a tree does not tell the size."""


def batches(files: Sequence[File]) -> Iterator[list[File]]:
    """The files in their order, as many together as one request may ask for; large ones alone."""
    batch: list[File] = []
    size = 0
    for file in files:
        own = _UNTOLD if file.size is None else file.size
        if batch and (len(batch) == MOST_BLOBS or size + own > MOST_BYTES or own > LARGEST):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += own
        if own > LARGEST:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def contents(api: GitHubApi, repository: Repository, files: Sequence[File]) -> dict[str, bytes]:
    """The contents that could be read together, by hash; raises `RateLimited` alone.

    What is missing has to be read alone: no conclusion is drawn from that.
    """
    hashes = [*dict.fromkeys(file.sha for file in files if SHA.fits(file.sha))]
    if len(hashes) < 2:
        return {}
    owner, _, name = repository.full_name.partition("/")
    try:
        data, _ = api.query_partly(_query(hashes), {"owner": owner, "name": name})
    except RateLimited:
        raise
    except IngestError:
        # Too much at once, or an Enterprise that has no GraphQL: the REST API has the last word.
        return {}
    told = data.get("repository")
    return dict(_proven(told, hashes)) if isinstance(told, dict) else {}


def _query(hashes: Sequence[str]) -> str:
    """One field for each blob, named by its place."""
    fields = "".join(
        f'\n  b{place}: object(oid: "{sha}") {{ ... on Blob {{ isTruncated text }} }}'
        for place, sha in enumerate(hashes)
    )
    return f"""query($owner: String!, $name: String!) {{
  repository(owner: $owner, name: $name) {{{fields}
  }}
}}"""


def _proven(told: Mapping[str, JSON], hashes: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for place, sha in enumerate(hashes):
        blob = told.get(f"b{place}")
        text = blob.get("text") if isinstance(blob, dict) else None
        if not isinstance(text, str):
            continue
        raw = text.encode("utf-8", "surrogatepass")
        if git_hash(raw, sha) == sha:
            yield sha, raw


def git_hash(raw: bytes, like: str) -> str:
    """Git's hash of a blob, of the kind that `like` is."""
    written = b"blob %d\x00" % len(raw) + raw
    if len(like) == 64:
        return hashlib.sha256(written).hexdigest()
    return hashlib.sha1(written, usedforsecurity=False).hexdigest()
