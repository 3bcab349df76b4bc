"""A document's relationships as a picture: who points at it on the left, what it points at on the
right, and on each arrow the words that say so. Pure: places in pixels, which a template draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDE, HIGH, ROW = 210, 44, 66
"""A box, and from one to the next below it."""
GAP = 330
"""Between the columns: the words stand there."""
MARGIN = 8
MOST = 12
"""Boxes of a column; the table below names all."""
LONGEST_NAME, LONGEST_WORDS = 28, 40


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A document, or what is called so and is not there (`id` is None)."""

    x: int
    y: int
    name: str
    said: str
    id: str | None


@dataclass(frozen=True, slots=True)
class DrawnArrow:
    """A way from `start` over `bend` and `turn` to `end`, and the words above it, at `x`, `y`."""

    path: str
    head: str
    x: int
    y: int
    kind: str
    words: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The picture; `left_out` relationships are not in it."""

    wide: int
    high: int
    centre: DrawnBox
    boxes: Sequence[DrawnBox]
    arrows: Sequence[DrawnArrow]
    left_out: int


def drawing_of(
    document: Mapping[str, Any],
    out: Sequence[Mapping[str, Any]],
    back: Sequence[Mapping[str, Any]],
) -> Drawing | None:
    """Of rows as `queries.lists.related` has them; None where nothing is related."""
    if not out and not back:
        return None
    left, right = back[:MOST], out[:MOST]
    rows = max(len(left), len(right))
    high = 2 * MARGIN + (rows - 1) * ROW + HIGH
    columns = [MARGIN, MARGIN + WIDE + GAP, MARGIN + 2 * (WIDE + GAP)]
    if not left:
        columns = [MARGIN, MARGIN, MARGIN + WIDE + GAP]
    wide = columns[2] + WIDE + MARGIN if right else columns[1] + WIDE + MARGIN
    centre = _box(columns[1], (high - HIGH) // 2, document["source_id"], document, document["id"])
    boxes: list[DrawnBox] = []
    arrows: list[DrawnArrow] = []
    for of, x in ((left, columns[0]), (right, columns[2])):
        top = (high - (len(of) - 1) * ROW - HIGH) // 2
        for at, row in enumerate(of):
            box = _box(x, top + at * ROW, _name(row, inward=of is left), row, row["id"])
            boxes.append(box)
            arrows.append(_arrow(box, centre, row))
    return Drawing(wide, high, centre, boxes, arrows, len(out) + len(back) - len(boxes))


def _name(row: Mapping[str, Any], *, inward: bool) -> str:
    """What the other end is called; of what is not there, what was written."""
    if row["source_id"] is not None:
        return str(row["source_id"])
    return "out of sight" if inward else str(row["target_key"])


def _box(x: int, y: int, name: str, row: Mapping[str, Any], id_: str | None) -> DrawnBox:
    source = row.get("source_type") or row.get("target_source") or ""
    said = str(source) if id_ is not None else f"{source}, not there"
    return DrawnBox(x, y, _end(name, LONGEST_NAME), said.strip(), id_)


def _arrow(box: DrawnBox, centre: DrawnBox, row: Mapping[str, Any]) -> DrawnArrow:
    """Level where the words stand, then to the centre; the head is at whoever is meant."""
    is_left = box.x < centre.x
    y, middle = box.y + HIGH // 2, centre.y + HIGH // 2
    near, far = (box.x + WIDE, centre.x) if is_left else (box.x, centre.x + WIDE)
    bend = far - 60 if is_left else far + 60
    words_x = (near + bend) // 2
    tip, tip_y = (far, middle) if is_left else (near, y)
    head = f"M{tip} {tip_y}L{tip - 9} {tip_y - 5}L{tip - 9} {tip_y + 5}z"
    evidence = str(row["evidence"] or "")
    return DrawnArrow(
        path=f"M{near} {y}L{bend} {y}L{far} {middle}",
        head=head,
        x=words_x,
        y=y - 6,
        kind=str(row["kind"]),
        words=_cut(evidence, LONGEST_WORDS),
        evidence=evidence,
    )


def _end(text: str, longest: int) -> str:
    """The end of a key tells it from its neighbours."""
    return text if len(text) <= longest else f"…{text[1 - longest :]}"


def _cut(text: str, longest: int) -> str:
    told = " ".join(text.split())
    return told if len(told) <= longest else f"{told[: longest - 1]}…"
