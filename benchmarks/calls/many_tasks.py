"""One breaker under a thousand asyncio tasks, each of which waits once in every call."""

import asyncio
import time
from contextlib import ExitStack

from benchmarks.calls import async_forms
from benchmarks.calls import breaker_under_test as subject
from benchmarks.calls import noop_pair as empty_pair
from benchmarks.calls.breaker_under_test import Subject, entered
from benchmarks.calls.comparison import Contest, Contestant, Row, Unwatched
from benchmarks.calls.timed_loop import tasks
from benchmarks.harness.figures import Effort, Figure

COUNT = 1000
EMPTY = "the empty pair in 1,000 tasks"
BODIES = {
    "allow + done in 1,000 tasks": subject.ASYNC_BODY,
    "async with guard() in 1,000 tasks": async_forms.GUARD_BODY,
    "decorator in 1,000 tasks": "await g()",
}
NOTE = "each call awaits asyncio.sleep(0), so that all tasks are within a call at once"


def measure(effort: Effort) -> list[Figure]:
    """The forms of a call, all tasks taking turns."""
    with ExitStack() as stack, asyncio.Runner() as runner:
        names = {"e": empty_pair.EmptyPair(), "clock": time.perf_counter_ns, "f": turn}
        loop = tasks(runner, COUNT, empty_pair.ASYNC_BODY, **names)
        field = [Contestant(EMPTY, loop, Unwatched())]
        for name, one in entered(stack, {name: Subject() for name in BODIES}).items():
            names = {**one.names(), "f": turn, "g": one.breaker(turn)}
            field.append(Contestant(name, tasks(runner, COUNT, BODIES[name], **names), one))
        rows = [Row(EMPTY, EMPTY, "", note=NOTE)]
        rows += [Row(name, name, EMPTY, label=EMPTY) for name in BODIES]
        return Contest(effort, field).run().figures(rows)


async def turn() -> None:
    """Lets the other tasks go first."""
    await asyncio.sleep(0)
