"""What it costs a call that the breaker is being watched: by a subscriber, and by a scraper.

In each measurement the subscriber hears an event and the page of `/metrics` is made once, in a
thread of its own: for `allow` and `done` about once a second in the full run, as somebody might
watch, and for each form of a call, closed and rejecting, several times a second.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from benchmarks.calls import noop_pair as empty_pair
from benchmarks.calls.breaker_under_test import Subject
from benchmarks.calls.comparison import Contest, Row, WrongStateError
from benchmarks.calls.feature_matrix import ASYNC_FORMS, FORMS, caught, figures, names
from benchmarks.calls.noop_pair import ASYNC_EMPTY, EMPTY, nothing, nothing_async
from benchmarks.harness.figures import Effort, Figure
from breakerd import Breaker, Event, Registry, SettingsChanged, State
from breakerd.api.http.metrics import exposition

SHARE: Final = 0.2
"""How long the long measurements are, as a share of the effort's seconds of load."""
CALLS_PER_SECOND: Final = 4_000_000
"""About as many as there are."""
CALLS_OF_A_FORM: Final = 100_000
"""For each second of the effort's load."""
WATCHED: Final = "with a subscriber and a scraper"
NOTE: Final = "in each measurement an event and a scrape"
HOUR: Final = 3600
_DELAY: Final = 0.005
"""Seconds from the beginning of a measurement to what is watched in it."""


def measure(effort: Effort) -> list[Figure]:
    """Each measurement with a look at the metrics in it."""
    return [*measure_long(effort), *measure_forms(effort), *measure_async_forms(effort)]


def measure_long(effort: Effort) -> list[Figure]:
    """`allow` and `done`, beside those of a breaker that nobody watches."""
    seconds = effort.seconds * SHARE
    note = f"one event, and the page of /metrics made once, in about {seconds:g} s"
    with ExitStack() as stack:
        alone = stack.enter_context(Subject())
        watched = stack.enter_context(Watched())
        field = [
            empty_pair.contestant(),
            alone.contestant("alone"),
            watched.contestant(WATCHED),
        ]
        long = replace(effort, calls=int(seconds * CALLS_PER_SECOND))
        rows = [
            Row("allow + done, long", "alone", EMPTY, note="nobody watches"),
            Row(WATCHED, WATCHED, EMPTY, note=note),
            Row(f"{WATCHED}, against none", WATCHED, "alone", label="nobody watches", note=note),
        ]
        return Contest(long, field).run().figures(rows)


def measure_forms(effort: Effort) -> list[Figure]:
    """The forms of a call of a function, where it may go and where it may not."""
    with ExitStack() as stack:
        field = [empty_pair.contestant()]
        for name, body, one in _watched(stack, FORMS):
            field.append(one.contestant(name, body, **names(one, nothing)))
        return figures(_effort_of_a_form(effort), field, EMPTY, NOTE)


def measure_async_forms(effort: Effort) -> list[Figure]:
    """The same of a coroutine."""
    with ExitStack() as stack, asyncio.Runner() as runner:
        field = [empty_pair.async_contestant(runner)]
        for name, body, one in _watched(stack, ASYNC_FORMS):
            field.append(one.async_contestant(runner, name, body, **names(one, nothing_async)))
        return figures(_effort_of_a_form(effort), field, ASYNC_EMPTY, NOTE)


class Watched(Subject):
    """A breaker with a subscriber, whose metrics are read while it is measured.

    Args:
        state: CLOSED, or OPEN for one that turns calls away.
    """

    def __init__(self, state: State = State.CLOSED) -> None:
        self._registry = Registry()
        self._heard: deque[Event] = deque()
        self._pages: deque[bytes] = deque()
        self._scraper = threading.Timer(0, repr)
        breaker = self._registry.get()
        breaker.apply(breaker.settings.model_copy(update={"wait_time": HOUR}))
        prepare = Breaker.trip if state is State.OPEN else repr
        super().__init__(breaker, state=state, prepare=prepare)
        self._registry.subscribe(self._heard.append)

    def __exit__(self, *exception: object) -> None:
        self._registry.close()

    def begin(self) -> None:
        """Sends the scraper on its way."""
        super().begin()
        self._scraper = threading.Timer(_DELAY, self._scrape)
        self._scraper.start()

    def settle(self) -> None:
        """Waits for the scraper: what it does belongs to the measurement."""
        self._scraper.join()
        super().settle()

    def end(self, calls: int) -> None:
        """Looks whether both have done their part."""
        super().end(calls)
        if [type(event) for event in self._heard] != [SettingsChanged]:
            raise WrongStateError(f"the subscriber heard {[*self._heard]}")
        if [b"breaker_calls_total" in page for page in self._pages] != [True]:
            raise WrongStateError("the scrape brought no metrics of calls")
        self._heard.clear()
        self._pages.clear()

    def _scrape(self) -> None:
        old = self.breaker.settings
        wait_time = HOUR if old.wait_time > HOUR else HOUR + 1
        self.breaker.apply(old.model_copy(update={"wait_time": wait_time}))
        self._pages.append(exposition(self._registry, None)[0])


def _watched(stack: ExitStack, bodies: Mapping[str, str]) -> Iterator[tuple[str, str, Subject]]:
    """For each form and state: the row's name, the call, and the breaker for it."""
    for form, body in bodies.items():
        yield f"watched: {form}", body, stack.enter_context(Watched())
        rejecting = stack.enter_context(Watched(State.OPEN))
        yield f"watched: {form}, rejected", caught(body), rejecting


def _effort_of_a_form(effort: Effort) -> Effort:
    return replace(effort, calls=int(effort.seconds * CALLS_OF_A_FORM))
