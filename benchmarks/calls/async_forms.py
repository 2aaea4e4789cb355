"""Every form of a guarded call of a coroutine."""

import asyncio
from contextlib import ExitStack

from benchmarks.calls import noop_pair as empty_pair
from benchmarks.calls.breaker_under_test import ASYNC_BODY, Subject, entered
from benchmarks.calls.comparison import Contest, Row
from benchmarks.calls.noop_pair import ASYNC_EMPTY, nothing_async
from benchmarks.harness.figures import Effort, Figure

GUARD_BODY = """
async with b.guard():
    await f()
"""
TIMEOUT_BODY = """
async with b.guard(timeout=10):
    await f()
"""
ROWS = [
    Row(ASYNC_EMPTY, ASYNC_EMPTY, "", note="the empty pair around `await f()`, an empty coroutine"),
    Row("allow + done, async", "allow and done", ASYNC_EMPTY, label=ASYNC_EMPTY),
    Row("async with guard()", "guard", ASYNC_EMPTY, label=ASYNC_EMPTY),
    Row("async with guard(timeout=10)", "timeout", ASYNC_EMPTY, label=ASYNC_EMPTY),
    Row("decorator, async", "decorator", ASYNC_EMPTY, label=ASYNC_EMPTY),
    Row("call_async(f)", "call", ASYNC_EMPTY, label=ASYNC_EMPTY),
]


def measure(effort: Effort) -> list[Figure]:
    """The forms of a call that is awaited."""
    bodies = {
        "allow and done": ASYNC_BODY,
        "guard": GUARD_BODY,
        "timeout": TIMEOUT_BODY,
        "decorator": "await g()",
        "call": "await b.call_async(f)",
    }
    with ExitStack() as stack, asyncio.Runner() as runner:
        subjects = entered(stack, {name: Subject() for name in bodies})
        field = [empty_pair.async_contestant(runner)]
        for name, one in subjects.items():
            decorated = one.breaker(nothing_async)
            field.append(one.async_contestant(runner, name, bodies[name], g=decorated))
        return Contest(effort, field).run().figures(ROWS)
