"""Lines about a flood: some, then one a second that tells how many it stands for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.web.bounded_log import BoundedLog


class Page:
    """What was written, and a clock."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []
        self.time = 0.0
        self.log = BoundedLog(self.write, at_once=3, each_s=1.0, now=lambda: self.time)

    def write(self, event: str, /, **fields: object) -> None:
        self.lines.append({"event": event, **fields})


def test_a_flood_is_some_lines_and_then_one_a_second_with_the_number() -> None:
    page = Page()
    for _ in range(100):
        page.log.tell("refused", "404", reason="unknown")
    assert page.lines == [{"event": "refused", "reason": "unknown"}] * 3
    for _ in range(2):
        page.time += 1
        for _ in range(50):
            page.log.tell("refused", "404")
    assert [line.get("suppressed") for line in page.lines[3:]] == [97, 49]


def test_a_flood_of_one_kind_hides_no_other() -> None:
    page = Page()
    for _ in range(100):
        page.log.tell("refused", "404")
    page.log.tell("refused", "401")
    assert len(page.lines) == 4


def test_after_a_while_there_are_as_many_lines_as_at_first_and_no_more() -> None:
    page = Page()
    for _ in range(10):
        page.log.tell("refused", "404")
    page.time += 1000
    for _ in range(10):
        page.log.tell("refused", "404")
    assert len(page.lines) == 6


def test_what_was_not_told_is_told_at_the_end() -> None:
    page = Page()
    for _ in range(10):
        page.log.tell("refused", "404")
    page.log.close()
    page.log.close()
    assert page.lines[3:] == [{"event": "lines_suppressed", "kind": "404", "suppressed": 7}]


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.floats(0, 3)), max_size=60))
def test_every_event_is_a_line_or_counted_in_one(events: list[tuple[str, float]]) -> None:
    page = Page()
    for kind, passes_s in events:
        page.time += passes_s
        page.log.tell("refused", kind)
    page.log.close()
    written = [line for line in page.lines if line["event"] == "refused"]
    suppressed = sum(int(str(line.get("suppressed", 0))) for line in page.lines)
    assert len(written) + suppressed == len(events)
    assert len(written) <= 2 * 3 + page.time * 2 + 2
