"""What is made anew is what everything would have been from nothing: all sources, at random.

The story's deliveries are told in any order under one configuration, one extraction, some owners;
then those are others, and what is stored is made anew, with deliveries that come in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, repeat

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.core import revisions
from ingest.core.references import extract
from ingest.flows.documents import render
from ingest.flows.reprocess import documents, steps
from ingest.flows.reprocess.asked import ReprocessRequest
from ingest.flows.reprocess.drain import Drain
from ingest.flows.reprocess.request import request_run
from ingest.store.engine import transaction
from ingest.store.reprocess_runs import DONE
from tests.flows.reprocessing import compared, drained
from tests.flows.snapshot import Snapshot, difference
from tests.flows.test_convergence_of_all import STORY, World, fakes, world

__all__ = ["fakes", "world"]

pytestmark = [pytest.mark.integration, pytest.mark.once, pytest.mark.timeout(900)]

_CONFIGURE = sa.text(
    "UPDATE lightfast_stores SET chunk_max_tokens = :tokens, chunk_overlap = :overlap"
)
_OWNERS = sa.text("""
UPDATE lightfast_connected_sources SET config_status = :status WHERE source_type = :source_type
""")


@dataclass(frozen=True)
class Setting:
    """How texts are cut and read: chunk size and overlap, whether the extraction is the older one,
    and whose sources' prefixes count by now.
    """

    tokens: int
    overlap: int
    is_older: bool
    absent: str | None


@dataclass(frozen=True)
class Plan:
    """In which order all is told, how much of it before the change, and in batches of how many; how
    many documents a step has, and whether its process is killed before its commit, or after.
    """

    order: Sequence[int]
    before: int
    batch: int
    step: int
    kills: Sequence[str | None]


BEFORE = st.builds(
    Setting,
    tokens=st.sampled_from([16, 64, 512]),
    overlap=st.sampled_from([0, 5, 10]),
    is_older=st.booleans(),
    absent=st.sampled_from([None, "linear", "sentry"]),
)
AFTER = st.builds(
    Setting,
    tokens=st.sampled_from([20, 128, 512]),
    overlap=st.sampled_from([0, 4]),
    is_older=st.just(False),
    absent=st.none(),
)
_numbers = range(len(STORY))
PLANS = st.builds(
    Plan,
    order=st.permutations(_numbers),
    before=st.integers(1, len(STORY)),
    batch=st.integers(5, len(STORY)),
    step=st.sampled_from([1, 7, 100]),
    kills=st.lists(st.sampled_from([None, "write_part", "bind"]), max_size=4),
)
_some = settings(
    max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@contextmanager
def read_by(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An older extraction misses every second reference, and its revision says that it is older."""
    if not setting.is_older:
        yield
        return
    with monkeypatch.context() as patched:
        patched.setattr(render, "extract", lambda *given: extract(*given)[::2])
        patched.setattr(revisions, "EXTRACTION", revisions.EXTRACTION - 1)
        yield


def configure(engine: sa.Engine, setting: Setting, world: World) -> None:
    """Let the store want its documents so; a source that is absent owns nothing."""
    with transaction(engine) as conn:
        conn.execute(_CONFIGURE, {"tokens": setting.tokens, "overlap": setting.overlap})
        for name in world.connections:
            status = "disconnected" if name == setting.absent else "configured"
            conn.execute(_OWNERS, {"status": status, "source_type": name})


@_some
@given(before=BEFORE, after=AFTER, plan=PLANS)
def test_what_is_made_anew_is_what_would_have_been_made(
    world: World, before: Setting, after: Setting, plan: Plan
) -> None:
    _check(world, before, after, plan)


@pytest.mark.slow
@settings(_some, max_examples=40)
@given(before=BEFORE, after=AFTER, plan=PLANS)
def test_what_is_made_anew_is_what_would_have_been_made_for_long(
    world: World, before: Setting, after: Setting, plan: Plan
) -> None:
    _check(world, before, after, plan)


def _check(world: World, before: Setting, after: Setting, plan: Plan) -> None:
    told = _from_nothing(world, after, plan)
    assert told["documents"], "the story makes documents"
    found = difference(compared(told), compared(_made_anew(world, before, after, plan)))
    assert not found, found


def _from_nothing(world: World, after: Setting, plan: Plan) -> Snapshot:
    world.forget()
    configure(world.engine, after, world)
    _tell(world, plan, plan.order)
    return world.finish()


def _tell(world: World, plan: Plan, order: Sequence[int]) -> None:
    for start in range(0, len(order), plan.batch):
        world.tell([STORY[i] for i in order[start : start + plan.batch]])
        world.process()


def _made_anew(world: World, before: Setting, after: Setting, plan: Plan) -> Snapshot:
    """Some is told before, and the rest while a run is on its way."""
    world.forget()
    configure(world.engine, before, world)
    with pytest.MonkeyPatch.context() as patched, read_by(before, patched):
        _tell(world, plan, [i for i in plan.order[: plan.before] if _is_of(i, before)])
        if before.absent is None:
            world.finish()
    configure(world.engine, after, world)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(steps, "STEP_DOCUMENTS", plan.step)
        _reprocess(world, before, plan)
    return world.finish()


def _reprocess(world: World, before: Setting, plan: Plan) -> None:
    run = request_run(world.engine, ReprocessRequest())
    rest = [i for i in plan.order if i not in plan.order[: plan.before] or not _is_of(i, before)]
    kills = chain(plan.kills, repeat(None))
    for start in range(0, len(rest), plan.batch):
        _step(world.engine, run, next(kills))
        world.tell([STORY[i] for i in rest[start : start + plan.batch]])
        world.process()
    assert drained(world.engine, run)["state"] == DONE


class Killed(BaseException):
    """As by a signal: nothing is caught, and nothing is let go."""


def _step(engine: sa.Engine, run: int, kill: str | None) -> None:
    """One step, and the process dies in it, or not."""

    def die(*_: object) -> None:
        raise Killed

    once = chain([True], repeat(False))
    with pytest.MonkeyPatch.context() as patched, suppress(Killed):
        if kill is not None:
            patched.setattr(documents, kill, die)
        Drain(engine, lambda: next(once), lease_s=0.0).run(only=run)


def _is_of(number: int, setting: Setting) -> bool:
    """A source that is not connected yet tells nothing."""
    return STORY[number][0].source_type != setting.absent
