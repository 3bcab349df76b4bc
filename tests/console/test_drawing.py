"""The drawing of a document's relationships: pure places, whatever is related."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ingest.console.drawing import HIGH, LONGEST_NAME, MOST, WIDE, drawing_of

CENTRE = {"id": "one", "source_id": "halcyon/web#1", "source_type": "github"}
TEXTS = st.text(st.characters(codec="utf-8"), max_size=80)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["mention", "resolves"]),
            "target_source": st.just("linear"),
            "target_key": TEXTS,
            "evidence": TEXTS,
            "id": st.none() | st.text("abc", min_size=1, max_size=9),
            "source_type": st.just("linear"),
            "source_id": st.none() | TEXTS,
        }
    ),
    max_size=MOST + 3,
)


def test_what_nothing_is_related_to_is_not_drawn() -> None:
    assert drawing_of(CENTRE, [], []) is None


@given(ROWS, ROWS)
def test_no_box_covers_another_and_none_is_outside(
    out: list[dict[str, Any]], back: list[dict[str, Any]]
) -> None:
    drawn = drawing_of(CENTRE, out, back)
    if drawn is None:
        assert not out
        assert not back
        return
    boxes = [drawn.centre, *drawn.boxes]
    for box in boxes:
        assert 0 <= box.x <= drawn.wide - WIDE
        assert 0 <= box.y <= drawn.high - HIGH
        assert len(box.name) <= LONGEST_NAME
    for at, one in enumerate(boxes):
        for other in boxes[at + 1 :]:
            assert abs(one.x - other.x) >= WIDE or abs(one.y - other.y) >= HIGH
    assert len(drawn.arrows) == len(drawn.boxes)
    assert len(drawn.boxes) + drawn.left_out == len(out) + len(back)


def test_the_end_of_a_long_key_is_kept_and_the_words_stand_whole_beside() -> None:
    row = {
        "kind": "mention",
        "target_source": "github",
        "target_key": "brindle-ferries/departures#42",
        "evidence": "see also brindle-ferries/departures#42, which is\nlong",
        "id": "two",
        "source_type": "github",
        "source_id": "brindle-ferries/departures#42",
    }
    drawn = drawing_of(CENTRE, [row], [])
    assert drawn is not None
    assert drawn.boxes[0].name.endswith("departures#42")
    assert drawn.arrows[0].evidence == row["evidence"]
    assert "\n" not in drawn.arrows[0].words


def test_what_is_not_there_says_so() -> None:
    row = {
        "kind": "mention",
        "target_source": "linear",
        "target_key": "ENG-9",
        "evidence": "",
        "id": None,
        "source_type": None,
        "source_id": None,
    }
    drawn = drawing_of(CENTRE, [row], [row])
    assert drawn is not None
    out, back = drawn.boxes[1], drawn.boxes[0]
    assert (out.name, out.said, out.id) == ("ENG-9", "linear, not there", None)
    assert back.name == "out of sight"
