"""The story that the demo tells: every source's part, in one order of arrival. No I/O.

A ferry company's board shows yesterday's departures. It is told in one tool, moved to the team that
can mend it, taken up in the next and mended there. Everybody and everything is invented. A source's
part is its sample (`ingest.testing.sample`): this file knows none of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from ingest.testing.sample import Sample, SampleDelivery


def in_order_of_arrival(samples: Iterable[Sample]) -> list[tuple[Sample, SampleDelivery]]:
    """Every delivery with its sender, as the receiver gets them.

    By the story's clock; of one minute by source type, and of one source as its sample lists them.
    """
    sent = [(sample, delivery) for sample in samples for delivery in sample.deliveries]
    return sorted(sent, key=lambda one: (one[1].arrives_min, one[0].source_type))
