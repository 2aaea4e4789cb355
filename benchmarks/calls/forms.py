"""Cost of each form of a guarded call, and of a no-op in the same form."""

import asyncio
import time
from contextlib import ExitStack
from typing import Final

from benchmarks.calls.breaker_under_test import BreakerUnderTest, enter_all
from benchmarks.harness import call_forms, noop_pair
from benchmarks.harness.comparison import Candidate, Comparison, NoCheck, Row
from benchmarks.harness.figures import Effort, Figure
from benchmarks.harness.noop_pair import ASYNC_NOOP, NOOP, NoopBreaker, nothing, nothing_async
from benchmarks.harness.timed_loop import Loop, plain

GUARD_REACH: Final = "<= 3.2"
DECORATOR_REACH: Final = "<= 2.2"
SIGNATURE: Final = "a no-op pair with our signatures"
README: Final = "a no-op pair in the README's form"
ROWS: Final = [
    Row(SIGNATURE, SIGNATURE, NOOP, note="if allow(); done has error=False; time.monotonic"),
    Row(README, README, NOOP, note="b.clock() each time, error=False given"),
    Row("the README's form", "readme", NOOP, note="b.clock() each time, error=False given"),
    Row(
        "allow + done, same signatures",
        "allow and done",
        SIGNATURE,
        label=SIGNATURE,
        note="the cost beyond that of the signatures",
    ),
    Row("the README's form, same form", "readme", README, label=README),
    Row(
        "a no-op guard",
        "no-op guard",
        NOOP,
        note="a context manager that calls the no-op pair: only inlining costs less",
    ),
    Row("with guard()", "guard", NOOP, GUARD_REACH),
    Row("with guard(timeout=10)", "timeout", NOOP),
    Row("a no-op decorator", "no-op decorator", NOOP, note="a wrapper that calls the no-op pair"),
    Row("decorator", "decorator", NOOP, DECORATOR_REACH),
    Row("call(f)", "call", NOOP),
]
ASYNC_ROWS: Final = [
    Row(ASYNC_NOOP, ASYNC_NOOP, "", note="the no-op pair around `await f()`, an empty coroutine"),
    Row("allow + done, async", "allow and done", ASYNC_NOOP, label=ASYNC_NOOP),
    Row("async with guard()", "guard", ASYNC_NOOP, label=ASYNC_NOOP),
    Row("async with guard(timeout=10)", "timeout", ASYNC_NOOP, label=ASYNC_NOOP),
    Row("decorator, async", "decorator", ASYNC_NOOP, label=ASYNC_NOOP),
    Row("call_async(f)", "call", ASYNC_NOOP, label=ASYNC_NOOP),
]


def measure(effort: Effort) -> list[Figure]:
    """Measure the forms for functions, then those for coroutines."""
    return [*measure_plain(effort), *measure_async(effort)]


def measure_plain(effort: Effort) -> list[Figure]:
    """Measure the forms of a synchronous call."""
    bodies = {
        "allow and done": call_forms.ALLOW_DONE,
        "readme": call_forms.README,
        "guard": call_forms.GUARD,
        "timeout": call_forms.GUARD_TIMEOUT,
        "decorator": call_forms.DECORATOR,
        "call": call_forms.CALL,
    }
    with ExitStack() as stack:
        subjects = enter_all(stack, {name: BreakerUnderTest() for name in bodies})
        candidates = [noop_pair.candidate(), *noop_forms()]
        for name, one in subjects.items():
            candidates.append(one.candidate(name, bodies[name], g=one.breaker(nothing)))
        return Comparison(effort, candidates).run().figures(ROWS)


def measure_async(effort: Effort) -> list[Figure]:
    """Measure the forms of an awaited call."""
    bodies = {
        "allow and done": call_forms.ASYNC_ALLOW_DONE,
        "guard": call_forms.ASYNC_GUARD,
        "timeout": call_forms.ASYNC_GUARD_TIMEOUT,
        "decorator": call_forms.ASYNC_DECORATOR,
        "call": call_forms.ASYNC_CALL,
    }
    with ExitStack() as stack, asyncio.Runner() as runner:
        subjects = enter_all(stack, {name: BreakerUnderTest() for name in bodies})
        candidates = [noop_pair.async_candidate(runner)]
        for name, one in subjects.items():
            decorated = one.breaker(nothing_async)
            candidates.append(one.async_candidate(runner, name, bodies[name], g=decorated))
        return Comparison(effort, candidates).run().figures(ASYNC_ROWS)


def noop_forms() -> list[Candidate]:
    """Return each form around a breaker that does nothing."""
    bodies = {
        SIGNATURE: call_forms.ALLOW_DONE,
        README: call_forms.README,
        "no-op guard": call_forms.GUARD,
        "no-op decorator": call_forms.DECORATOR,
    }
    return [Candidate(name, noop_form(body), NoCheck()) for name, body in bodies.items()]


def noop_form(body: str) -> Loop:
    """Return a loop of `body` around a breaker that does nothing."""
    noop = NoopBreaker()
    return plain(body, b=noop, clock=time.monotonic, f=nothing, g=noop(nothing))
