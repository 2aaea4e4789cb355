"""Cost of each kind of breaker in each form of a call, closed and rejecting."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final

from benchmarks.calls.breaker_under_test import BreakerUnderTest
from benchmarks.calls.settings_cost import SLO
from benchmarks.harness import call_forms, noop_pair
from benchmarks.harness.call_forms import caught
from benchmarks.harness.comparison import Candidate, Comparison, Row
from benchmarks.harness.figures import Effort, Figure
from benchmarks.harness.noop_pair import ASYNC_NOOP, NOOP, nothing, nothing_async
from breakerd import Breaker, BreakerOpenError, LimiterSettings, Settings, State

LIMITER: Final = LimiterSettings(enabled=True)
KINDS: Final[dict[str, dict[str, Any]]] = {
    "plain": {},
    "trend": {"trend_analysis_enabled": True},
    "limiter": {"limiter": LIMITER},
    "self-tuning": {"slo": SLO},
    "self-tuning and limiter": {"slo": SLO, "limiter": LIMITER},
}
"""Settings by kind of breaker."""
FORMS: Final = {
    "allow + done": call_forms.ALLOW_DONE,
    "with guard()": call_forms.GUARD,
    "decorator": call_forms.DECORATOR,
}
ASYNC_FORMS: Final = {
    "allow + done, async": call_forms.ASYNC_ALLOW_DONE,
    "async with guard()": call_forms.ASYNC_GUARD,
    "decorator, async": call_forms.ASYNC_DECORATOR,
}
HOUR: Final = 3600
"""Seconds that a rejecting breaker waits before it probes: longer than any measurement."""


def measure(effort: Effort) -> list[Figure]:
    """Measure functions in one comparison, and coroutines in another."""
    return [*measure_plain(effort), *measure_async(effort)]


def measure_plain(effort: Effort) -> list[Figure]:
    """Measure calls of a function that does nothing."""
    with ExitStack() as stack:
        candidates = [noop_pair.candidate()]
        for name, body, one in subjects(stack, FORMS):
            candidates.append(one.candidate(name, body, **names(one, nothing)))
        return figures(effort, candidates, NOOP)


def measure_async(effort: Effort) -> list[Figure]:
    """Measure calls of a coroutine that does nothing."""
    with ExitStack() as stack, asyncio.Runner() as runner:
        candidates = [noop_pair.async_candidate(runner)]
        for name, body, one in subjects(stack, ASYNC_FORMS):
            candidates.append(one.async_candidate(runner, name, body, **names(one, nothing_async)))
        return figures(effort, candidates, ASYNC_NOOP)


def subjects(
    stack: ExitStack, bodies: dict[str, str]
) -> Iterator[tuple[str, str, BreakerUnderTest]]:
    """Yield the row's name, the call, and the breaker, for each kind, form and state."""
    for kind, settings in KINDS.items():
        for form, body in bodies.items():
            closed = BreakerUnderTest(Settings(**settings))
            yield f"{kind}: {form}", body, stack.enter_context(closed)
            waiting = Settings(**settings, wait_time=HOUR)
            rejecting = BreakerUnderTest(waiting, state=State.OPEN, prepare=Breaker.trip)
            name = f"{kind}: {form}, rejected"
            yield name, caught(body), stack.enter_context(rejecting)


def names(one: BreakerUnderTest, function: Callable[[], object]) -> dict[str, object]:
    """Return the values of the names in the calls."""
    return {"g": one.breaker(function), "Error": BreakerOpenError}


def figures(effort: Effort, candidates: list[Candidate], noop: str, note: str = "") -> list[Figure]:
    """Compare the candidates with the first, the no-op pair, which has its own row elsewhere."""
    label = "" if noop == NOOP else noop
    rows = [Row(one.name, one.name, noop, label=label, note=note) for one in candidates[1:]]
    return Comparison(effort, candidates).run().figures(rows)
