"""What `options` of a connection asks of the server: `-c search_path=tenant`. Pure.

Poolers drop such options, or refuse them. So what they set is read here, to be said in each
transaction; what is no setting (`endpoint=…` of a proxy) stays an option.
"""

from __future__ import annotations

import re

import psycopg.pq

_WORD = re.compile(r"(?:\\.|[^\\\s])+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SETTING = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_.-]*+)=(?P<value>.*+)", re.DOTALL)
_OF_SESSIONS = "default_transaction_"
"""Such a setting says how transactions begin: inside of one it comes too late."""


def of_environment() -> str:
    """What libpq itself would take: that of `PGOPTIONS`."""
    found = {option.keyword: option.val for option in psycopg.pq.Conninfo.get_defaults()}
    return (found.get(b"options") or b"").decode(errors="replace")


def read(options: str) -> tuple[dict[str, str], str]:
    """The settings that libpq's `options` ask for, by name, and the rest as it stands there.

    Settings are `-c name=value` and `--name=value`. Those that say how a session begins its
    transactions stay with the rest, since inside of one they come too late.
    """
    settings: dict[str, str] = {}
    rest: list[str] = []
    words = iter(_WORD.findall(options))
    for word in words:
        told = word
        if word == "-c":
            told = next(words, "")
            word = f"-c {told}"  # noqa: PLW2901 - one option in two words
        elif word.startswith(("-c", "--")):
            told = word[2:]
        setting = _SETTING.fullmatch(_ESCAPED.sub(r"\1", told)) if word.startswith("-") else None
        if setting is None or setting["name"].startswith(_OF_SESSIONS):
            rest.append(word)
        else:
            settings[setting["name"].lower().replace("-", "_")] = setting["value"]
    return settings, " ".join(rest)
