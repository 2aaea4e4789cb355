"""Cost of observation for a call: of a subscriber to events, and of a scrape of the metrics.

Each measurement includes one event for the subscriber and one page of `/metrics`, made by a thread
of its own. For `allow` and `done` that is about one a second in the full run, as in production; for
each form of a call, closed and rejecting, several a second.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from benchmarks.calls.breaker_under_test import BreakerUnderTest
from benchmarks.calls.feature_matrix import ASYNC_FORMS, FORMS, HOUR, figures, names
from benchmarks.harness import noop_pair
from benchmarks.harness.call_forms import caught
from benchmarks.harness.comparison import Comparison, Row, WrongStateError
from benchmarks.harness.figures import Effort, Figure
from benchmarks.harness.noop_pair import ASYNC_NOOP, NOOP, nothing, nothing_async
from breakerd import Breaker, Event, Registry, SettingsChanged, State
from breakerd.api.http.metrics import BreakerCollector, exposition

SHARE: Final = 0.2
"""Seconds of a long measurement for each second of the effort's load."""
CALLS_PER_SECOND: Final = 4_000_000
"""Approximate rate of a loop without work."""
CALLS_OF_A_FORM: Final = 100_000
"""Calls of a form for each second of the effort's load."""
OBSERVED: Final = "with a subscriber and a scraper"
NOTE: Final = "one event and one scrape in each measurement"
_DELAY: Final = 0.005
"""Seconds from the start of a measurement to its event and scrape."""


def measure(effort: Effort) -> list[Figure]:
    """Measure `allow` and `done` for long, then each form for functions and coroutines."""
    return [*measure_long(effort), *measure_forms(effort), *measure_async_forms(effort)]


def measure_long(effort: Effort) -> list[Figure]:
    """Measure `allow` and `done`, beside those of a breaker without observers."""
    seconds = effort.seconds * SHARE
    note = f"one event, and the page of /metrics made once, in about {seconds:g} s"
    with ExitStack() as stack:
        alone = stack.enter_context(BreakerUnderTest())
        observed = stack.enter_context(ObservedBreaker())
        candidates = [
            noop_pair.candidate(),
            alone.candidate("alone"),
            observed.candidate(OBSERVED),
        ]
        long = replace(effort, calls=int(seconds * CALLS_PER_SECOND))
        rows = [
            Row("allow + done, long", "alone", NOOP, note="no observer"),
            Row(OBSERVED, OBSERVED, NOOP, note=note),
            Row(f"{OBSERVED}, against none", OBSERVED, "alone", label="no observer", note=note),
        ]
        return Comparison(long, candidates).run().figures(rows)


def measure_forms(effort: Effort) -> list[Figure]:
    """Measure the forms of a function call, closed and rejecting."""
    with ExitStack() as stack:
        candidates = [noop_pair.candidate()]
        for name, body, one in _observed(stack, FORMS):
            candidates.append(one.candidate(name, body, **names(one, nothing)))
        return figures(_effort_of_a_form(effort), candidates, NOOP, NOTE)


def measure_async_forms(effort: Effort) -> list[Figure]:
    """Measure the forms of a coroutine call, closed and rejecting."""
    with ExitStack() as stack, asyncio.Runner() as runner:
        candidates = [noop_pair.async_candidate(runner)]
        for name, body, one in _observed(stack, ASYNC_FORMS):
            candidates.append(one.async_candidate(runner, name, body, **names(one, nothing_async)))
        return figures(_effort_of_a_form(effort), candidates, ASYNC_NOOP, NOTE)


class ObservedBreaker(BreakerUnderTest):
    """A breaker with a subscriber, whose metrics are scraped during each measurement.

    Args:
        state: CLOSED, or OPEN for one that rejects.
    """

    def __init__(self, state: State = State.CLOSED) -> None:
        self._registry = Registry()
        self._events: deque[Event] = deque()
        self._pages: deque[bytes] = deque()
        self._scraper = threading.Timer(0, repr)
        breaker = self._registry.get()
        breaker.apply(breaker.settings.model_copy(update={"wait_time": HOUR}))
        prepare = Breaker.trip if state is State.OPEN else repr
        super().__init__(breaker, state=state, prepare=prepare)
        self._registry.subscribe(self._events.append)

    def __exit__(self, *exception: object) -> None:
        self._registry.close()

    def begin(self) -> None:
        """Verify the state, and start the thread of the event and the scrape."""
        super().begin()
        self._scraper = threading.Timer(_DELAY, self._scrape)
        self._scraper.start()

    def flush(self) -> None:
        """Wait for that thread, whose work is part of the measurement."""
        self._scraper.join()
        super().flush()

    def end(self, calls: int) -> None:
        """Verify the state, the counters, and that there were one event and one page."""
        super().end(calls)
        if [type(event) for event in self._events] != [SettingsChanged]:
            raise WrongStateError(f"the subscriber got {[*self._events]}")
        if [b"breaker_calls_total" in page for page in self._pages] != [True]:
            raise WrongStateError("the scrape returned no metrics of calls")
        self._events.clear()
        self._pages.clear()

    def _scrape(self) -> None:
        old = self.breaker.settings
        wait_time = HOUR if old.wait_time > HOUR else HOUR + 1
        self.breaker.apply(old.model_copy(update={"wait_time": wait_time}))
        self._pages.append(exposition(BreakerCollector(self._registry))[0])


def _observed(
    stack: ExitStack, bodies: Mapping[str, str]
) -> Iterator[tuple[str, str, BreakerUnderTest]]:
    """Yield the row's name, the call, and the breaker, for each form and state."""
    for form, body in bodies.items():
        yield f"observed: {form}", body, stack.enter_context(ObservedBreaker())
        rejecting = stack.enter_context(ObservedBreaker(State.OPEN))
        yield f"observed: {form}, rejected", caught(body), rejecting


def _effort_of_a_form(effort: Effort) -> Effort:
    return replace(effort, calls=int(effort.seconds * CALLS_OF_A_FORM))
