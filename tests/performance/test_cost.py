"""What a call costs, in work and not in time: calls made, instructions run, blocks allocated.

`scripts/bench` measures time. This fails when the hot path gains a call, whatever the machine does
at that moment.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from breakerd import Breaker, CandidateSettings, LimiterSettings, Settings, Slo
from breakerd.breaker.runtime import gate
from breakerd.breaker.runtime.controller import Controller
from breakerd.breaker.runtime.ticker import TICKER

pytestmark = [
    pytest.mark.skipif(
        gate.FastPath.allow is gate.allow_free_threaded,
        reason="without a GIL, allow takes a lock besides",
    ),
]

SELF_TUNING = Slo(success_rate=0.95, timeout=2.0, warmup=0)
CONFIGURATIONS = {
    "plain": Settings(),
    "trend": Settings(trend_analysis_enabled=True),
    "limiter": Settings(limiter=LimiterSettings(enabled=True)),
    "limit in force": Settings(limiter=LimiterSettings(enabled=True, max_limit=200)),
    "self-tuning": Settings(slo=SELF_TUNING, limiter=LimiterSettings(enabled=True)),
    "large window": Settings(latency_window_size=65_536),
    "candidate": Settings(candidate=CandidateSettings(latency_threshold=300)),
}
INSTRUCTIONS = {"allow": 7, "done": 22}
"""At most so many of CPython's; the newer ones have a few more, and none has twice as many."""


@pytest.fixture(params=list(CONFIGURATIONS))
def breaker(request: pytest.FixtureRequest) -> Iterator[Breaker]:
    """Closed, with answers prepared."""
    made = Breaker(CONFIGURATIONS[request.param], memory=lambda: 0.1)
    TICKER.discard(made._core)
    made.allow()
    made.done(made.clock(), made.clock())
    made.tick()
    yield made
    made.close()


def calls_made(work: Callable[[], object]) -> list[str]:
    """The functions that `work` calls, Python's and C's, in order.

    The fewest of three times: a call that the machine interrupts takes the way of slow ones.
    """
    return min((calls_made_once(work) for _ in range(3)), key=len)


def calls_made_once(work: Callable[[], object]) -> list[str]:
    made: list[str] = []

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            made.append(frame.f_code.co_name)
        elif event == "c_call":
            made.append(argument.__name__)

    in_a_thread(lambda: sys.setprofile(watch), work)
    # `work` itself, and after it what ends the thread.
    return made[1 : made.index(END)]


def instructions_run(work: Callable[[], object]) -> int:
    """How many instructions of the interpreter the functions that `work` calls run."""
    count = 0

    def watch(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        if frame.f_code.co_filename == gate.__file__:
            frame.f_trace_opcodes = True
            count += event == "opcode"
        return watch

    # CPython 3.12 begins to trace instructions only after it was asked once.
    for _ in range(2):
        count = 0
        in_a_thread(lambda: sys.settrace(watch), work)
    return count


def in_a_thread(watch: Callable[[], None], work: Callable[[], object]) -> None:
    """Runs `work` watched, where coverage, which watches as well, is not in the way.

    Nor is the garbage collector, for which others may have hung in functions of their own.
    """

    def run() -> None:
        watch()
        work()
        end_of_work()

    thread = threading.Thread(target=run)
    gc.disable()
    try:
        thread.start()
        thread.join()
    finally:
        gc.enable()


def end_of_work() -> None:
    """Is seen after the last call of `work`."""


END = end_of_work.__name__


def test_allow_makes_one_call(breaker: Breaker) -> None:
    assert calls_made(lambda: breaker.allow()) == ["allow", "pop"]  # noqa: PLW0108 - it has a name to compare


def test_done_makes_one_call(breaker: Breaker) -> None:
    now = breaker.clock()
    assert calls_made(lambda: breaker.done(now, now)) == ["done", "append"]
    assert calls_made(lambda: breaker.done(now, now, error=False)) == ["done", "append"]


def test_a_rejection_makes_one_call(breaker: Breaker) -> None:
    breaker.force_open()
    assert calls_made(lambda: breaker.allow()) == ["allow", "pop"]  # noqa: PLW0108 - it has a name to compare


ENTERED = ["__enter__", "pop", "monotonic"]
LEFT = ["__exit__", "monotonic", "append"]


def test_a_guard_asks_and_reports_by_itself(breaker: Breaker) -> None:
    def guarded() -> None:
        with breaker.guard():
            pass

    assert calls_made(guarded) == ["guard", *ENTERED, *LEFT]
    assert calls_made(lambda: breaker.call(int)) == ["call", "guard", *ENTERED, *LEFT]


def test_a_decorated_function_makes_four_calls_beside_its_own(breaker: Breaker) -> None:
    @breaker
    def work() -> None:
        """Nothing."""

    before, after = ["allow", "pop", "monotonic"], ["monotonic", "done", "append"]
    assert calls_made(lambda: work()) == ["guarded", *before, "work", *after]  # noqa: PLW0108 - it has a name to compare


def test_few_instructions_are_run(breaker: Breaker) -> None:
    now = breaker.clock()
    run = {
        "allow": instructions_run(lambda: breaker.allow()),  # noqa: PLW0108 - it has a name to compare
        "done": instructions_run(lambda: breaker.done(now, now)),
    }
    longer = 1.0 if sys.version_info[:2] == (3, 11) else 2.0
    for name, most in INSTRUCTIONS.items():
        assert 0 < run[name] <= most * longer, name


def test_a_call_keeps_its_duration_and_nothing_else(breaker: Breaker) -> None:
    count = 150
    clock = breaker.clock
    blocks = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(2):
            before = sys.getallocatedblocks()
            for _ in range(count):
                breaker.allow()
                start = clock()
                breaker.done(start, clock())
            blocks.append(sys.getallocatedblocks() - before)
            breaker.counters()
    finally:
        gc.enable()
    # The interpreter keeps a hundred floats of its own: what lies there is no block.
    # Another thread may add to one of the two, and takes nothing away.
    assert min(blocks) <= count + 10


def test_thousands_of_calls_cost_one_slow_decision(
    breaker: Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is put off is done rarely: the batch, and not each call, takes the lock."""
    slow = slow_decisions(monkeypatch)
    calls = 20_000
    for _ in range(calls):
        now = breaker.clock()
        assert breaker.allow()
        breaker.done(now, now)
    limited = breaker.settings.limiter.max_limit is not None
    assert len(slow) <= calls / (150 if limited else 1500)


def test_thousands_of_rejections_cost_one_slow_decision(
    breaker: Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker.force_open()
    slow = slow_decisions(monkeypatch)
    calls = 100_000
    for _ in range(calls):
        assert not breaker.allow()
    assert len(slow) <= calls / 5000
    assert breaker.counters().rejected == calls


def slow_decisions(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """The decisions that the controller makes from here on."""
    decisions: list[bool] = []
    decide = Controller.allow

    def noted(core: Controller) -> bool:
        decisions.append(decide(core))
        return decisions[-1]

    monkeypatch.setattr(Controller, "allow", noted)
    return decisions
