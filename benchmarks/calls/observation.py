"""What it costs a call that the breaker is being watched: by a subscriber, and by a scraper.

In each measurement the subscriber hears an event and the page of `/metrics` is made once, in a
thread of its own; in the full run that is about once a second.
"""

import threading
from collections import deque
from contextlib import ExitStack
from dataclasses import replace

from api.metrics import exposition
from benchmarks.calls import empty_pair
from benchmarks.calls.contest import Contest, Row, WrongStateError
from benchmarks.calls.empty_pair import EMPTY
from benchmarks.calls.subject import Subject
from benchmarks.figures import Effort, Figure
from breaker import Event, Registry, SettingsChanged

SHARE = 0.2
"""How long a measurement is, as a share of the effort's seconds of load."""
CALLS_PER_SECOND = 4_000_000
"""About as many as there are."""
WATCHED = "with a subscriber and a scraper"


def measure(effort: Effort) -> list[Figure]:
    """Long measurements, with and without a look at the metrics in each."""
    seconds = effort.seconds * SHARE
    note = f"one event, and the page of /metrics made once, in about {seconds:g} s"
    with ExitStack() as stack:
        registry = Registry()
        stack.callback(registry.close)
        alone = stack.enter_context(Subject())
        watched = stack.enter_context(Watched(registry, seconds))
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


class Watched(Subject):
    """A breaker of `registry` with a subscriber, whose metrics are read while it is measured.

    Args:
        registry: makes the breaker.
        seconds: how long a measurement takes; after a tenth of them something happens, and the
            metrics are read.
    """

    def __init__(self, registry: Registry, seconds: float) -> None:
        super().__init__(registry.get())
        self._registry = registry
        self._delay = seconds / 10
        self._heard: deque[Event] = deque()
        self._pages: deque[bytes] = deque()
        self._scraper = threading.Timer(0, repr)
        registry.subscribe(self._heard.append)

    def begin(self) -> None:
        """Sends the scraper on its way."""
        self._scraper = threading.Timer(self._delay, self._scrape)
        super().begin()
        self._scraper.start()

    def end(self, calls: int) -> None:
        """Looks whether both have done their part."""
        self._scraper.join()
        super().end(calls)
        if not isinstance(self._heard.pop(), SettingsChanged):
            raise WrongStateError("the subscriber heard something else")
        if b"breaker_calls_total" not in self._pages.pop():
            raise WrongStateError("the scrape brought no metrics of calls")

    def _scrape(self) -> None:
        old = self.breaker.settings
        self.breaker.apply(old.model_copy(update={"wait_time": old.wait_time % 3000 + 1}))
        self._pages.append(exposition(self._registry, None)[0])
