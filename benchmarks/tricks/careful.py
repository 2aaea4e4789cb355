"""What the careful paths cost: a slow call, a failed one, a probe turned away, a tick."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle, repeat
from typing import Final

from benchmarks.calls import empty_pair
from benchmarks.calls.contest import Contest, Contestant, Unwatched, WrongStateError
from benchmarks.calls.empty_pair import EmptyPair
from benchmarks.calls.loop import plain
from benchmarks.calls.subject import Subject
from benchmarks.figures import Effort, Figure
from benchmarks.tricks.difference import Change, figures
from breaker import Breaker, LimiterSettings, Settings, Slo, State
from breaker.settings import RecoverySettings

EVERY: Final = 100
"""One call in so many is odd: too few to trip."""
SLOW: Final = 0.08
"""Seconds."""
BODY: Final = """
if b.allow():
    start = clock()
    f()
    end = clock()
    b.done(end - next(seconds), end, error=next(errors))
"""
GOOD: Final = "good calls"
SLOW_CALL: Final = "a slow call"
FAILED_CALL: Final = "a failed call"
TUNED: Final = ", self-tuning and limiter"
PROBE: Final = "a rejected probe"
TICK: Final = "a tick"
NO_MEMORY: Final = "but for the memory, which is read every half a second"
NOTHING: Final = "a method that does nothing"
ALL_ON: Final = Settings(
    slo=Slo(success_rate=0.95, timeout=2.0, warmup=0),
    limiter=LimiterSettings(enabled=True),
    latency_threshold=50,
)


class Idle(Subject):
    """A breaker that is asked, and lets no call through."""

    def end(self, calls: int) -> None:
        """Looks whether it is in its state still; `calls` were not calls."""
        del calls
        self._must_be_in_state()


class Probing(Subject):
    """A half-open breaker, whose only probe is under way."""

    def end(self, calls: int) -> None:
        """Looks whether each call was turned away."""
        self._must_be_in_state()
        rejected = self.breaker.counters().rejected - self._before.rejected
        if rejected != calls:
            raise WrongStateError(f"{rejected} of {calls} were rejected")


def measure(effort: Effort) -> list[Figure]:
    """In µs for one: of odd calls, what a hundred with one of them cost more than without."""
    return [*odd_calls(effort), *single_ones(effort)]


def odd_calls(effort: Effort) -> list[Figure]:
    """A slow and a failed call, plain and with all that learns."""
    kinds = {"": Settings(latency_threshold=50, error_threshold=0.5), TUNED: ALL_ON}
    mixtures = {GOOD: mixed, SLOW_CALL: one_slow, FAILED_CALL: one_failed}
    note = f"one in {EVERY}, which is too few to trip"
    field = [empty_pair.contestant()]
    rows = []
    with ExitStack() as stack:
        for suffix, settings in kinds.items():
            for name, mixture in mixtures.items():
                one = stack.enter_context(Subject(settings))
                field.append(one.contestant(name + suffix, BODY, **mixture()))
            rows += [
                Change(name + suffix, name + suffix, GOOD + suffix, note, EVERY, micro=True)
                for name in (SLOW_CALL, FAILED_CALL)
            ]
        time.sleep(2 * SLOW)  # a call said to have begun before the breaker counts for nothing
        return figures(Contest(effort, field).run(), rows)


def single_ones(effort: Effort) -> list[Figure]:
    """What is measured by itself: `allow` while the only probe is out, and `tick`."""
    with ExitStack() as stack:
        field = [
            empty_pair.contestant(),
            Contestant(NOTHING, plain("e.allow()", e=EmptyPair()), Unwatched()),
            stack.enter_context(probing()).contestant(PROBE, "b.allow()"),
            stack.enter_context(Idle()).contestant(TICK, "b.tick()"),
            stack.enter_context(Idle(ALL_ON)).contestant(TICK + TUNED, "b.tick()"),
        ]
        contest = Contest(effort, field).run()
    notes = {
        PROBE: "allow() while the only probe is under way",
        TICK: NO_MEMORY,
        TICK + TUNED: NO_MEMORY,
    }
    rows = [Change(name, name, NOTHING, note, micro=True) for name, note in notes.items()]
    return figures(contest, rows)


def probing() -> Probing:
    """A breaker whose one probe hangs."""
    recovery = RecoverySettings(probes=1, probe_timeout=3600)
    # No settings allow a wait as short as this one.
    at_once = Settings(recovery=recovery).model_copy(update={"wait_time": 0.0})
    return Probing(at_once, state=State.HALF_OPEN, prepare=send_probe)


def send_probe(breaker: Breaker) -> None:
    """Trips, and lets the wait end and the probe go."""
    breaker.trip()
    breaker.tick()
    breaker.allow()


def mixed(seconds: float = 0.0, *, error: bool = False) -> dict[str, Iterator[object]]:
    """Endless calls, of which one in `EVERY` takes so many seconds more, and may have failed."""
    rest = EVERY - 1
    return {
        "seconds": cycle([*repeat(0.0, rest), seconds]),
        "errors": cycle([*repeat(False, rest), error]),
    }


def one_slow() -> dict[str, Iterator[object]]:
    """One is slow."""
    return mixed(SLOW)


def one_failed() -> dict[str, Iterator[object]]:
    """One fails."""
    return mixed(error=True)
