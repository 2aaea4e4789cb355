"""What each kind of breaker costs in each form of a call, where it may go and where it may not."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final

from benchmarks.calls import (
    async_forms,
    forms,
)
from benchmarks.calls import (
    breaker_under_test as subject,
)
from benchmarks.calls import (
    noop_pair as empty_pair,
)
from benchmarks.calls.breaker_under_test import Subject
from benchmarks.calls.comparison import Contest, Contestant, Row
from benchmarks.calls.features import SLO
from benchmarks.calls.noop_pair import ASYNC_EMPTY, EMPTY, nothing, nothing_async
from benchmarks.calls.rejection import CAUGHT
from benchmarks.harness.figures import Effort, Figure
from breakerd import Breaker, BreakerOpenError, LimiterSettings, Settings, State

LIMITER: Final = LimiterSettings(enabled=True)
KINDS: Final[dict[str, dict[str, Any]]] = {
    "plain": {},
    "trend": {"trend_analysis_enabled": True},
    "limiter": {"limiter": LIMITER},
    "self-tuning": {"slo": SLO},
    "self-tuning and limiter": {"slo": SLO, "limiter": LIMITER},
}
FORMS: Final = {
    "allow + done": subject.BODY,
    "with guard()": forms.GUARD_BODY,
    "decorator": "g()",
}
ASYNC_FORMS: Final = {
    "allow + done, async": subject.ASYNC_BODY,
    "async with guard()": async_forms.GUARD_BODY,
    "decorator, async": "await g()",
}
HOUR: Final = 3600


def measure(effort: Effort) -> list[Figure]:
    """All of them: functions in one contest, coroutines in another."""
    return [*measure_plain(effort), *measure_async(effort)]


def measure_plain(effort: Effort) -> list[Figure]:
    """Around a function that does nothing, beside the empty pair."""
    with ExitStack() as stack:
        field = [empty_pair.contestant()]
        for name, body, one in subjects(stack, FORMS):
            field.append(one.contestant(name, body, **names(one, nothing)))
        return figures(effort, field, EMPTY)


def measure_async(effort: Effort) -> list[Figure]:
    """Around a coroutine that does nothing, beside the empty pair around one."""
    with ExitStack() as stack, asyncio.Runner() as runner:
        field = [empty_pair.async_contestant(runner)]
        for name, body, one in subjects(stack, ASYNC_FORMS):
            field.append(one.async_contestant(runner, name, body, **names(one, nothing_async)))
        return figures(effort, field, ASYNC_EMPTY)


def subjects(stack: ExitStack, bodies: dict[str, str]) -> Iterator[tuple[str, str, Subject]]:
    """For each kind, form and state: the row's name, the call, and the breaker for it."""
    for kind, settings in KINDS.items():
        for form, body in bodies.items():
            closed = Subject(Settings(**settings))
            yield f"{kind}: {form}", body, stack.enter_context(closed)
            waiting = Settings(**settings, wait_time=HOUR)
            rejecting = Subject(waiting, state=State.OPEN, prepare=Breaker.trip)
            name = f"{kind}: {form}, rejected"
            yield name, caught(body), stack.enter_context(rejecting)


def caught(body: str) -> str:
    """The call with a handler for the error of a rejection; what only asks needs none."""
    if body in {subject.BODY, subject.ASYNC_BODY}:
        return body
    return CAUGHT.format(call=body.strip().replace("\n", "\n    "))


def names(one: Subject, function: Callable[[], object]) -> dict[str, object]:
    """What the calls name."""
    return {"g": one.breaker(function), "Error": BreakerOpenError}


def figures(effort: Effort, field: list[Contestant], empty: str, note: str = "") -> list[Figure]:
    """A row for each but the empty pair, which has its row elsewhere."""
    label = "" if empty == EMPTY else empty
    rows = [Row(one.name, one.name, empty, label=label, note=note) for one in field[1:]]
    return Contest(effort, field).run().figures(rows)
