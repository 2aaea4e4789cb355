"""Drills: trip a breaker on purpose, through the real path, marked as a drill."""

from breakerd.breaker.engine import operator_commands
from breakerd.breaker.runtime.controller import Controller


class Drills:
    """Drills of one breaker; get it from `Breaker.drills`. Thread-safe.

    What follows is marked as a drill in events, alerts and status, until the breaker closes.
    """

    __slots__ = ("_core",)

    def __init__(self, core: Controller) -> None:
        self._core = core

    @property
    def simulated_calls(self) -> int:
        """Return how many calls the latency drills have recorded since the process began."""
        return self._core.recorder.simulated

    def latency(self) -> int:
        """Record calls of twice the slow limit until the breaker trips; return how many.

        The slow limit is the lower of `latency_threshold` and the timeout of `[slo]`.

        Raises:
            BreakerStateError: it is not closed, so that nothing would be shown.
        """
        core = self._core
        core.command()
        with core.locked() as now:
            # No caller made these calls, so they must not count as reported ones.
            recorded = operator_commands.drill_latency(core.engine, now, core.recorder.traffic)
            core.recorder.exclude(recorded)
            core.recorder.simulated += recorded
        return recorded

    def memory(self) -> None:
        """Pretend that all memory is used, until `end_memory`, `reset` or `enable`.

        Raises:
            BreakerStateError: the breaker is disabled or forced open, so that nothing would be
                shown.
        """
        self._core.command()
        with self._core.locked() as now:
            operator_commands.drill_memory(self._core.engine, now)

    def end_memory(self) -> None:
        """Read the real memory again; recovery then goes its usual way."""
        self._core.command()
        with self._core.locked(self._core.readings.take(load=False)):
            operator_commands.end_memory_drill(self._core.engine)
