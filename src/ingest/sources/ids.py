"""Ids that say whom a payload belongs to: told, or absent, and nothing in between.

Law: a malformed id is an error with its path. Were it taken for one that is absent, a payload that
names somebody else would pass for one that names nobody. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.errors import BadInput, BadPayload
from ingest.core.values import JSON

_LONGEST = 255
_LARGEST = 2**63


def text_id(value: JSON, path: str) -> str | None:
    """An id that is a text of at most 255 characters; None where it is absent or null.

    Raises `BadPayload` with the path for anything else, the empty text included.
    """
    if value is None:
        return None
    if not isinstance(value, str) or not value or len(value) > _LONGEST:
        raise BadPayload(path, f"is no id: {_shown(value)}")
    return value


def number_id(value: JSON, path: str) -> str | None:
    """An id that is a whole number from 0 below 2**63, as a text; None where it is absent or null.

    Raises `BadPayload` with the path for anything else, true and 7.0 included.
    """
    if value is None:
        return None
    if type(value) is not int or not 0 <= value < _LARGEST:
        raise BadPayload(path, f"is no id: {_shown(value)}")
    return str(value)


def any_id(value: JSON, path: str) -> str | None:
    """An id that is a text in one place and a number in another; None where it is absent or null.

    Raises what `text_id` and `number_id` raise.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return number_id(value, path)
    return text_id(value, path)


def tenant_id(metadata: Mapping[str, JSON], name: str, what: str) -> str:
    """The id in a connection's metadata that says what it stands for; `what`: "the project's id".

    Raises `BadInput` where it is missing or no text.
    """
    told = metadata.get(name)
    if isinstance(told, str) and told:
        return told
    raise BadInput(f"{name} is missing in the connection's metadata; give {what}")


def member(value: JSON, path: str) -> Mapping[str, JSON]:
    """The object that holds an id; an empty one where it is absent or null.

    Raises `BadPayload` with the path for anything else.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise BadPayload(path, f"is no object: {_shown(value)}")
    return value


def _shown(value: JSON) -> str:
    if isinstance(value, str):
        return "an empty text" if not value else f"a text of {len(value)} characters"
    return {"bool": "a boolean", "float": "a fraction", "int": "a number out of range"}.get(
        type(value).__name__, f"a {type(value).__name__}"
    )
