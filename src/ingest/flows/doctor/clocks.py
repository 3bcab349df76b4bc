"""Checks the clocks of all hosts against the database's, by what their processes told of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from ingest.flows.doctor.findings import Finding, failed, fine, note, span
from ingest.store import clocks
from ingest.store.clocks import HostClock
from ingest.store.engine import transaction

APART_S = 5.0
"""A host that is off by more is set wrong: what its statements take on their way is far less."""
RECENT_S = 3600.0
"""What was told before is of a host that may be gone; who hears a bell tells it every minute."""
CHECK = "clocks"

_HARM: Mapping[str, str] = {
    "web": "when a delivery came is judged by it, so that genuine ones may be refused as stale",
    "worker": "messages that are tried again run early or late by as much",
}
_OTHERS = "tokens are renewed, requests dated and shared limits counted by it"
_REMEDY = "timedatectl set-ntp true (on {host})"


def look_at_clocks(engine: sa.Engine) -> Iterator[Finding]:
    """Each clock that is off by more than APART_S, or that none is.

    Where all are off to one side, it is the database's. Raises `TransientError` where the database
    is away.
    """
    with transaction(engine) as conn:
        told = clocks.told(conn, within_s=RECENT_S)
    wrong = [one for one in told if abs(one.ahead_s) > APART_S]
    if not told:
        yield note(CHECK, "no process has told what its clock shows within the hour")
    elif not wrong:
        furthest = max(told, key=lambda one: abs(one.ahead_s))
        yield fine(CHECK, f"{len(told)} agree with the database's; the furthest: {_off(furthest)}")
    elif len(wrong) == len(told) and len(_hosts(wrong)) > 1 and _is_one_sided(wrong):
        yield _of_the_database(wrong)
    else:
        yield from map(_wrong, wrong)


def _wrong(one: HostClock) -> Finding:
    kind, _, host = one.process.partition("@")
    said = f"{_off(one)}, {span(one.ago_s)} ago; {_HARM.get(kind, _OTHERS)}"
    return failed(CHECK, said, _REMEDY.format(host=host))


def _of_the_database(wrong: Sequence[HostClock]) -> Finding:
    side = "behind" if wrong[0].ahead_s > 0 else "ahead of"
    least = min(abs(one.ahead_s) for one in wrong)
    said = f"the database's clock is {least:.1f} s or more {side} that of every host"
    return failed(CHECK, said, _REMEDY.format(host="the database's host"))


def _off(one: HostClock) -> str:
    side = "ahead of" if one.ahead_s > 0 else "behind"
    return f"that of {one.process} is {abs(one.ahead_s):.1f} s {side} the database's"


def _hosts(told: Sequence[HostClock]) -> set[str]:
    return {one.process.partition("@")[2] for one in told}


def _is_one_sided(told: Sequence[HostClock]) -> bool:
    return len({one.ahead_s > 0 for one in told}) == 1
