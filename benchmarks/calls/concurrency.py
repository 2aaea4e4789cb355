"""One breaker shared by threads, with and without work in a call, and by a thousand tasks."""

import asyncio
import hashlib
import json
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from benchmarks.calls.breaker_under_test import BreakerUnderTest, enter_all
from benchmarks.harness import call_forms, noop_pair
from benchmarks.harness.comparison import Candidate, Comparison, NoCheck, Row
from benchmarks.harness.figures import Effort, Figure
from benchmarks.harness.timed_loop import tasks, threads

THREADS: Final = (1, 8)
WORK: Final = {
    "no work": "f()",
    "JSON": "dumps(document)",
    "SHA-256 of 64 KiB, without the GIL": "sha256(block)",
}
"""The work of a call, by its name in the table."""
FOLD: Final = 4
"""Factor on the effort's calls: threads share them, and take a while to start."""
BLOCK: Final = bytes(65536)

TASKS: Final = 1000
NOOP_TASKS: Final = "the no-op pair in 1,000 tasks"
TASK_FORMS: Final = {
    "allow + done in 1,000 tasks": call_forms.ASYNC_ALLOW_DONE,
    "async with guard() in 1,000 tasks": call_forms.ASYNC_GUARD,
    "decorator in 1,000 tasks": call_forms.ASYNC_DECORATOR,
}
TASK_NOTE: Final = "each call awaits asyncio.sleep(0), so all tasks are inside a call at once"


def measure(effort: Effort) -> list[Figure]:
    """Measure threads, then tasks."""
    return [*measure_threads(effort), *measure_tasks(effort)]


def measure_threads(effort: Effort) -> list[Figure]:
    """Measure the calls per second of all threads, beside the no-op pair in as many threads."""
    candidates, rows = [], []
    with ExitStack() as stack:
        for count in THREADS:
            for work, call in WORK.items():
                name = f"{count} threads, {work}" if count > 1 else f"1 thread, {work}"
                noop = f"the no-op pair, {name}"
                ours = stack.enter_context(BreakerUnderTest())
                body = call_forms.NOOP.replace("f()", call)
                loop = threads(count, body, **work_names(), **noop_pair.names())
                candidates.append(Candidate(noop, loop, NoCheck()))
                body = call_forms.ALLOW_DONE.replace("f()", call)
                loop = threads(count, body, **work_names(), **ours.names())
                candidates.append(Candidate(name, loop, ours))
                reach = ">= 0.8" if count > 1 else ""
                rows.append(Row(noop, noop, "", rate=True))
                label = "the no-op pair, as many threads"
                rows.append(Row(name, name, noop, reach, label=label, rate=True))
        effort = replace(effort, calls=effort.calls * FOLD)
        return Comparison(effort, candidates).run().figures(rows)


def work_names() -> dict[str, object]:
    """Return the values of the names in `WORK`."""
    document = {"id": 7, "name": "a name", "tags": ["one", "two"], "at": time.time(), "ok": True}
    return {"dumps": json.dumps, "document": document, "sha256": hashlib.sha256, "block": BLOCK}


def measure_tasks(effort: Effort) -> list[Figure]:
    """Measure the forms of a call in tasks that take turns."""
    with ExitStack() as stack, asyncio.Runner() as runner:
        names = {**noop_pair.names(), "f": yield_turn}
        loop = tasks(runner, TASKS, call_forms.ASYNC_NOOP, **names)
        candidates = [Candidate(NOOP_TASKS, loop, NoCheck())]
        subjects = enter_all(stack, {name: BreakerUnderTest() for name in TASK_FORMS})
        for name, one in subjects.items():
            names = {**one.names(), "f": yield_turn, "g": one.breaker(yield_turn)}
            loop = tasks(runner, TASKS, TASK_FORMS[name], **names)
            candidates.append(Candidate(name, loop, one))
        rows = [Row(NOOP_TASKS, NOOP_TASKS, "", note=TASK_NOTE)]
        rows += [Row(name, name, NOOP_TASKS, label=NOOP_TASKS) for name in TASK_FORMS]
        return Comparison(effort, candidates).run().figures(rows)


async def yield_turn() -> None:
    """Let the other tasks run."""
    await asyncio.sleep(0)
