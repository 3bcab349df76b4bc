"""The YAML front matter of a Markdown file, as JSON. Performs no I/O and raises nothing.

A file comes from strangers, so nothing here constructs what a tag asks for: the text is composed
into nodes, and only plain scalars, lists and mappings become values. Anchors are refused (a few
lines of them expand to gigabytes), size and depth are bounded before anything is built.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from ingest.core.canonical import clean
from ingest.core.values import JSON

MAX_CHARS = 32_768
MAX_DEPTH = 32

_OPENING = re.compile(r"---[ \t]*\r?\n")
_CLOSING = re.compile(r"^---[ \t]*\r?(?:\n|\Z)", re.MULTILINE)
_WHOLE_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_frontmatter(body: str) -> tuple[dict[str, JSON] | None, str]:
    """What stands between `---` lines at the very start, and the rest of the body.

    (None, the body unchanged) where there is no front matter, or none that we can trust: broken,
    not a mapping, over 32,768 characters, nested deeper than 32, with anchors.
    Times become ISO 8601; a number that JSON cannot hold, or that YAML would read in a surprising
    base (0755, 1:30), stays text.
    """
    if not body.startswith("---"):
        return None, body
    opening = _OPENING.match(body)
    closing = _CLOSING.search(body, opening.end(), opening.end() + MAX_CHARS) if opening else None
    if opening is None or closing is None:
        return None, body
    block = body[opening.end() : closing.start()]
    try:
        node = yaml.compose(block, Loader=_LOADER) if _harmless(block) else None
        # ValueError: a lone surrogate.
    except (yaml.YAMLError, ValueError):
        return None, body
    if not isinstance(node, yaml.MappingNode):
        return None, body
    return _Read(block).mapping(node), body[closing.end() :]


def _harmless(block: str) -> bool:
    """Without anchors and not too deep, judged from the event stream, which builds nothing."""
    depth = 0
    for event in yaml.parse(block, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            return False
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            return False
    return True


@dataclass(frozen=True, slots=True)
class _Read:
    """Values out of the nodes of a block. Each is as long as its own part of the block, or less."""

    block: str

    def mapping(self, node: yaml.MappingNode) -> dict[str, JSON]:
        """By key; of equal keys the last counts."""
        return {self._key(key): self._value(value) for key, value in node.value}

    def _key(self, node: yaml.Node) -> str:
        """A key is what its author typed: `on` stays `on`, though YAML means true.

        A list or a mapping is no text, and quoting one within another doubles its escapes each
        time: three hundred characters of keys within keys would be gigabytes.
        """
        if isinstance(node, yaml.ScalarNode):
            return clean(node.value)
        return clean(self.block[node.start_mark.index : node.end_mark.index])

    def _value(self, node: yaml.Node) -> JSON:
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item) for item in node.value]
        return _SCALARS.get(node.tag, clean)(node.value)


def _integer(text: str) -> JSON:
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else clean(text)


def _float(text: str) -> JSON:
    try:
        number = float(text)
    except ValueError:
        return clean(text)
    return number if math.isfinite(number) else clean(text)


def _time(text: str) -> JSON:
    """A date stays a date; a time is written as ISO 8601 where Python knows it as one."""
    try:
        return datetime.fromisoformat(text).isoformat() if len(text) > len("2024-01-15") else text
    except ValueError:
        return clean(text)


_SCALARS: dict[str, Callable[[str], JSON]] = {
    "tag:yaml.org,2002:null": lambda text: None,
    "tag:yaml.org,2002:bool": lambda text: text.lower() in ("true", "yes", "on"),
    "tag:yaml.org,2002:int": _integer,
    "tag:yaml.org,2002:float": _float,
    "tag:yaml.org,2002:timestamp": _time,
}
