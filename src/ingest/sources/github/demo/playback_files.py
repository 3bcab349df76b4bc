"""Recorded answers about git, each in the one look-up that reads it: that of a branch.

Around the answer stands a repository that is made up: a branch whose head has the tree, a tree that
has the blob, and for a comparison the trees before and after it. [REST-OAS] git/get-tree,
git/get-blob, repos/get-content, repos/get-branch, repos/compare-commits
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ingest.core.identity import Identity
from ingest.sources.contract import Lookup
from ingest.sources.github.demo.playback_room import Room
from ingest.testing.fakes import Answer, Asked
from ingest.testing.playback import Playback, Steps, Unasked, routed
from ingest.testing.recorded import RecordedAnswer

_HEAD, _BEFORE = "c" * 40, "b" * 40
_BLOB = re.compile(r"/git/blobs/([0-9a-f]+)\Z")
_FILES = frozenset({"100644", "100755", "100664"})
_LARGEST = 2**20
_POINTER = b"version https://git-lfs"


def tree(of: RecordedAnswer, room: Room, _at: re.Match[str]) -> Playback | Unasked:
    """Of the head: each regular file of it, which is no binary, becomes a document.

    A part of a large one (`truncated`) is read again folder by folder: here it has none.
    """
    told = [one for one in of.object.get("tree") or () if isinstance(one, dict)]
    files = {str(one.get("path")): None for one in told if _is_file(one)}
    whole = {**of.object, "truncated": False}
    routes = {f"GET {room.path}/git/trees/{_HEAD}": of.answer(whole)}
    return _played(room, "tree", routes, files)


def blob(of: RecordedAnswer, room: Room, at: re.Match[str]) -> Playback | Unasked:
    """Of the one file that there is."""
    return _file(of, room, at["sha"], "blob")


def contents(of: RecordedAnswer, room: Room, _at: re.Match[str]) -> Playback | Unasked:
    """A file is told by this as its blob is, hash and content; a folder has neither."""
    sha = of.object.get("sha")
    if of.object.get("type") != "file" or not isinstance(sha, str):
        return Unasked("contents of a folder", "files are read by trees and blobs")
    if of.object.get("encoding") != "base64":
        return Unasked("contents of a large file", "files are read by blobs")
    return _file(of, room, sha, "contents of a file")


def branch(of: RecordedAnswer, room: Room, at: re.Match[str]) -> Playback | Unasked:
    """The branch that a connection follows: its head, and a file that stands there."""
    commit = of.object.get("commit")
    head = commit.get("sha") if isinstance(commit, dict) else None
    if not isinstance(head, str) or ("/" in at["branch"] and "protection" in at["branch"]):
        return Unasked("settings of a branch", "no client of ours asks for it")
    name = at["branch"]
    routes = {f"GET {room.path}/git/trees/{head}": _tree({"notes.md": "a" * 40})}
    ask = Lookup(Identity("github", room.id, "branch", name))
    return Playback(
        "branch",
        {**room.metadata, "branch": name, "defaultBranch": name},
        routed(
            {**room.routes, f"GET {room.path}/branches/{name}": of.answer(), **routes}, _made_up
        ),
        (ask,),
        1,
        {"notes.md": None},
    )


def comparison(of: RecordedAnswer, room: Room, _at: re.Match[str]) -> Playback | Unasked:
    """From a head that is applied to the next one: what it names came, changed, moved or went."""
    told = [one for one in of.object.get("files") or () if isinstance(one, dict)]
    if not isinstance(of.object.get("files"), list):
        return Unasked("further page of a comparison", "all its files stand on the first one")
    before, after = _compared(told)
    trees: dict[str, Steps] = {
        f"GET {room.path}/git/trees/{_BEFORE}": _tree(before),
        f"GET {room.path}/git/trees/{_HEAD}": _tree(after),
        f"GET {room.path}/compare/{_BEFORE}...{_HEAD}": of.answer(),
        f"GET {room.path}/branches/main": (_branch(_BEFORE), _branch(_HEAD)),
    }
    looked = Lookup(Identity("github", room.id, "branch", "main"))
    return Playback(
        "comparison",
        room.metadata,
        routed({**room.routes, **trees}, _made_up),
        (looked, looked),
        len(told),
        dict.fromkeys(after),
    )


def _compared(told: Sequence[Mapping[str, Any]]) -> tuple[dict[str, str], dict[str, str]]:
    """The files before and after it with their hashes; what is copied stays where it was."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for one in told:
        name, status = str(one.get("filename")), one.get("status")
        former = str(one.get("previous_filename") or name)
        if status != "added":
            before[former] = "d" * 40
        if status == "copied":
            after[former] = "d" * 40
        if status != "removed":
            after[name] = str(one.get("sha") or "e" * 40)
    return before, after


def _file(of: RecordedAnswer, room: Room, sha: str, kind: str) -> Playback:
    name = str(of.object.get("path") or "recorded.txt")
    is_text = _is_text(of.object)
    routes: dict[str, Steps] = {
        f"GET {room.path}/git/trees/{_HEAD}": _tree({name: sha}),
        f"GET {room.path}/git/blobs/{sha}": of.answer(),
    }
    files = {name: None} if is_text else {}
    return _played(room, kind, routes, files)


def _played(
    room: Room, kind: str, routes: Mapping[str, Steps], files: Mapping[str, None]
) -> Playback:
    """The look-up of a branch whose head these routes show."""
    around: dict[str, Steps] = {f"GET {room.path}/branches/main": _branch(_HEAD)}
    return Playback(
        kind,
        room.metadata,
        routed({**room.routes, **around, **routes}, _made_up),
        (Lookup(Identity("github", room.id, "branch", "main")),),
        len(files),
        files,
    )


def _made_up(asked: Asked) -> Answer:
    """Whatever content is asked for says which one it is; GraphQL is not there."""
    found = _BLOB.search(asked.path)
    if found is None:
        return Answer(404, {"message": "Not Found"})
    text = base64.b64encode(f"What {found[1]} says.\n".encode()).decode()
    return Answer(200, {"sha": found[1], "content": text, "encoding": "base64"})


def _branch(sha: str) -> Answer:
    commit = {"sha": sha, "commit": {"committer": {"date": "2026-01-01T00:00:00Z"}}}
    return Answer(200, {"name": "main", "commit": commit})


def _tree(files: Mapping[str, str]) -> Answer:
    entries = [
        {"path": path, "mode": "100644", "type": "blob", "sha": sha} for path, sha in files.items()
    ]
    return Answer(200, {"sha": _HEAD, "tree": entries, "truncated": False})


def _is_file(entry: Mapping[str, Any]) -> bool:
    size = entry.get("size")
    is_small = not isinstance(size, int) or size <= _LARGEST
    return entry.get("type") == "blob" and entry.get("mode") in _FILES and is_small


def _is_text(told: Mapping[str, Any]) -> bool:
    """A text is no binary, no pointer to what lies elsewhere, and not too large."""
    content = str(told.get("content") or "")
    try:
        raw = base64.b64decode(content) if told.get("encoding") == "base64" else content.encode()
        raw.decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return b"\0" not in raw and len(raw) <= _LARGEST and not raw.startswith(_POINTER)
