"""Callers and dependencies in simulated time: each call is really admitted, and really reported."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from math import inf
from typing import Final

from breakerd import Breaker
from breakerd.breaker.testing import ManualClock

_MIN_TICK: Final = 0.2
"""Minimum seconds between two ticks; calls tick, too."""


@dataclass(frozen=True)
class Calls:
    """Calls of one breaker since the start, as their callers saw them."""

    made: int = 0
    rejected: int = 0
    ok: int = 0
    failed: int = 0

    def since(self, before: Calls) -> Calls:
        return Calls(
            self.made - before.made,
            self.rejected - before.rejected,
            self.ok - before.ok,
            self.failed - before.failed,
        )


@dataclass
class Dependency:
    """One dependency, and the callers that come to it evenly; a script changes what it does.

    Attributes:
        rate: calls a second.
        ms: mean duration of a call in milliseconds; each takes 80 to 120 % of it.
        failing: share of the calls that fail, spread evenly.
        error_ms: duration of a call that fails; as long as the others if None.
        hangs: True if no call returns.
        workers: calls that are served at once, others wait; None: all are.
        timeout: seconds after which a caller gives up, and reports an error.
    """

    breaker: Breaker
    rate: float = 20.0
    ms: float = 40.0
    failing: float = 0.0
    error_ms: float | None = None
    hangs: bool = False
    workers: int | None = None
    timeout: float = inf
    made: int = 0
    rejected: int = 0
    ok: int = 0
    failed: int = 0
    due_failures: float = 0.0
    hung: list[tuple[int, float]] = field(default_factory=list)
    waiting: deque[tuple[int, float]] = field(default_factory=deque)
    busy: int = 0

    @property
    def calls(self) -> Calls:
        return Calls(self.made, self.rejected, self.ok, self.failed)

    def fails_next(self) -> bool:
        self.due_failures += self.failing
        if self.due_failures < 1 - 1e-9:
            return False
        self.due_failures -= 1
        return True


class Traffic:
    """All dependencies of a process on one clock. Deterministic.

    Args:
        clock: clock of the breakers.
        after_each: called after whatever happened.
        seed: seed of the durations.
    """

    def __init__(self, clock: ManualClock, after_each: Callable[[], None], seed: int = 7) -> None:
        self.clock = clock
        self._after_each = after_each
        self.dependencies: dict[str, Dependency] = {}
        self._random = random.Random(seed)
        self._order = count()
        self._calls = count()
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._open: set[int] = set()
        """Calls that have not been reported."""

    def add(self, dependency: Dependency) -> Dependency:
        """Let callers come to it from now on; ticks come on time, as from the ticker's thread."""
        dependency.breaker.machinery.core.externally_ticked = True
        self.dependencies[dependency.breaker.name] = dependency
        self._at(self.clock() + 1 / dependency.rate, self._arrive, dependency)
        self._at(self.clock(), self._tick, dependency)
        return dependency

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.clock() + seconds
        while self._events and self._events[0][0] <= until:
            at, _, happen = heapq.heappop(self._events)
            self.clock.now = max(self.clock.now, at)
            happen(self.clock.now)
            self._after_each()
        self.clock.now = until

    def _at(
        self, at: float, happen: Callable[[Dependency, float], None], dependency: Dependency
    ) -> None:
        heapq.heappush(self._events, (at, next(self._order), lambda now: happen(dependency, now)))

    def _tick(self, dependency: Dependency, now: float) -> None:
        self._at(now + max(_MIN_TICK, dependency.breaker.tick()), self._tick, dependency)

    def _arrive(self, dependency: Dependency, now: float) -> None:
        self._at(now + 1 / dependency.rate, self._arrive, dependency)
        dependency.made += 1
        if not dependency.breaker.allow():
            dependency.rejected += 1
            return
        call = next(self._calls)
        self._open.add(call)
        if dependency.timeout < inf:
            self._at(now + dependency.timeout, self._reporter(call, now, error=True), dependency)
        dependency.waiting.append((call, now))
        self._serve(dependency, now)

    def _serve(self, dependency: Dependency, now: float) -> None:
        """Begin to serve the calls that wait, as far as there are workers."""
        if dependency.hangs:
            dependency.hung.extend(dependency.waiting)
            dependency.waiting.clear()
            return
        while dependency.waiting and (
            dependency.workers is None or dependency.busy < dependency.workers
        ):
            call, start = dependency.waiting.popleft()
            dependency.busy += 1
            error = dependency.fails_next()
            ms = dependency.ms if not error or dependency.error_ms is None else dependency.error_ms
            end = now + ms / 1000 * self._random.uniform(0.8, 1.2)
            self._at(end, self._server(call, start, error=error), dependency)

    def heal(self, dependency: Dependency) -> None:
        """End a hang: all that hung return within a tenth of a second."""
        dependency.hangs = False
        for number, (call, start) in enumerate(dependency.hung):
            at = self.clock() + 0.1 * (number + 1) / len(dependency.hung)
            self._at(at, self._reporter(call, start, error=False), dependency)
        dependency.hung.clear()

    def _server(
        self, call: int, start: float, *, error: bool
    ) -> Callable[[Dependency, float], None]:
        def end(dependency: Dependency, now: float) -> None:
            dependency.busy -= 1
            self._report(dependency, call, (start, now), error=error)
            self._serve(dependency, now)

        return end

    def _reporter(
        self, call: int, start: float, *, error: bool
    ) -> Callable[[Dependency, float], None]:
        return lambda dependency, now: self._report(dependency, call, (start, now), error=error)

    def _report(
        self, dependency: Dependency, call: int, span: tuple[float, float], *, error: bool
    ) -> None:
        if call not in self._open:
            return  # its caller has given up
        self._open.remove(call)
        dependency.breaker.done(*span, error=error)
        if error:
            dependency.failed += 1
        else:
            dependency.ok += 1
