"""Take over the breakers of a process for a test, and put them back."""

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from breakerd.breaker.breaker import BREAKERS, Breaker
from breakerd.breaker.events.events import Event
from breakerd.breaker.host.load import LoadReading
from breakerd.breaker.host.loop_lag import EventLoopLag
from breakerd.breaker.machinery import Machinery, assemble
from breakerd.breaker.runtime.ticker import TICKER
from breakerd.breaker.states import CLOSED
from breakerd.breaker.testing.doubles import ManualClock
from breakerd.breaker.testing.shared_clock import SharedClock


@dataclass(frozen=True, slots=True)
class Taken:
    """A breaker that was taken over.

    Attributes:
        reference: the breaker, held weakly: what an earlier test has left must be able to die.
        former: its own machinery, which stands still meanwhile.
        ticking: True if the ticker had it.
        unsubscribe: ends the record of its events.
    """

    reference: weakref.ref[Breaker]
    former: Machinery
    ticking: bool
    unsubscribe: Callable[[], None]


class Takeover:
    """Every breaker of the process, on one manual clock. Thread-safe.

    Attributes:
        clock: the clock.
        memory: used share of the memory limit that all of them read; None: unknown.
        load: load of the machine that all of them read.
        events: (breaker, event) for each event, in order.
        started_at: time at which it began.
        thread: identifier of the thread that began it.
    """

    def __init__(self) -> None:
        self.clock = SharedClock(self._ticks)
        self.memory: float | None = None
        self.load = LoadReading()
        self.events: list[tuple[Breaker, Event]] = []
        self.started_at = self.clock.now
        self._taken: list[Taken] = []
        self._lock = threading.RLock()
        self.thread = threading.get_ident()

    @property
    def breakers(self) -> list[Breaker]:
        """Return those that were taken over and live, oldest first."""
        living = [each.reference() for each in list(self._taken)]
        return [breaker for breaker in living if breaker is not None]

    def begin(self) -> None:
        """Take over all breakers, and from now on each new one.

        Raises:
            RuntimeError: another thread has taken them over.
        """
        if _RUNNING and _RUNNING[-1].thread != self.thread:
            raise RuntimeError(
                "breakers are taken over for a test in another thread, and a process has one set "
                "of them; run such tests in processes, as pytest-xdist does"
            )
        _RUNNING.append(self)
        BREAKERS.take_over(self._adopt)

    def end(self) -> None:
        """Put every breaker back as it was."""
        _RUNNING.remove(self)
        self._put_back()
        BREAKERS.give_back(self._adopt)
        self._put_back()  # those that another thread has made meanwhile

    def read_now(self) -> None:
        """Let every breaker read memory and load at once."""
        for breaker in self.breakers:
            breaker.machinery.core.readings.next_due = self.clock.now
            breaker.tick()

    def _ticks(self) -> list[Callable[[], float]]:
        """Return the ticks of those breakers to which time can do something."""
        return [each.tick for each in self.breakers if not _is_idle(each.machinery)]

    def _adopt(self, breaker: Breaker) -> None:
        former = breaker.machinery
        with self._lock:
            if former.clock is self.clock or _is_driven(former):
                return
            ticking = TICKER.discard(former.core)
            machinery = self._assemble(breaker)
            breaker.install(machinery)
            reference = weakref.ref(breaker)
            unsubscribe = breaker.subscribe(partial(self._record, reference, machinery))
            self._taken.append(Taken(reference, former, ticking, unsubscribe))

    def _put_back(self) -> None:
        with self._lock:
            taken, self._taken = self._taken, []
            for each in taken:
                each.unsubscribe()
                if (breaker := each.reference()) is not None:
                    breaker.install(each.former)
                if each.ticking:
                    TICKER.add(each.former.core)

    def _assemble(self, breaker: Breaker) -> Machinery:
        machinery = assemble(
            breaker.name,
            breaker.settings,
            breaker.machinery.core.listeners,
            clock=self.clock,
            jitter=_no_jitter,
            memory=lambda: self.memory,
            load=lambda: self.load,
            externally_ticked=True,
        )
        machinery.core.readings.loop_lag = _UnwatchedLoops()
        with machinery.core.locked() as now:
            machinery.core.engine.machine.end_warm_up(now, enough=True)
        return machinery

    def _record(self, reference: weakref.ref[Breaker], machinery: Machinery, event: Event) -> None:
        breaker = reference()
        # Listeners outlive the machinery: what happens in a nested test is not told here.
        if breaker is not None and breaker.machinery.core is machinery.core:
            self.events.append((breaker, event))


class _UnwatchedLoops(EventLoopLag):
    """Measures no loop: its lag is the machine's, and no test's."""

    def watch(self) -> None:
        pass


def _is_idle(machinery: Machinery) -> bool:
    """Return True if it is closed and has no calls: time, and the same readings, change nothing."""
    core = machinery.core
    with core.locked():
        engine = core.engine
        return (
            engine.machine.decided is CLOSED and not engine.window and not core.recorder.in_flight
        )


def _is_driven(machinery: Machinery) -> bool:
    """Return True if a test, or a simulation, drives the clock itself."""
    clock = machinery.clock
    if isinstance(clock, SharedClock):
        return False
    return isinstance(clock, ManualClock) or machinery.core.externally_ticked


def _no_jitter() -> float:
    return 0.0


_RUNNING: Final[list[Takeover]] = []
"""Take-overs of this process, innermost last."""
