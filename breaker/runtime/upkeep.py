"""What time and readings do to one breaker, and to the candidate in its shadow."""

from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.fork import importing
from breakerd.breaker.runtime.readings import Reading, Readings
from breakerd.breaker.runtime.recorder import CallRecorder
from breakerd.breaker.runtime.schedule import Schedule


class Upkeep:
    """Periodic work of one breaker. Its lock must be held."""

    __slots__ = ("_engine", "_readings", "_recorder", "_schedule")

    def __init__(
        self, engine: Engine, readings: Readings, recorder: CallRecorder, schedule: Schedule
    ) -> None:
        self._engine = engine
        self._readings = readings
        self._recorder = recorder
        self._schedule = schedule

    def advance(self, now: float, reading: Reading | None) -> None:
        """Let time pass, with a reading if one was due."""
        engine, recorder = self._engine, self._recorder
        if reading is not None and now >= self._readings.next_due:
            self._readings.next_due = now + engine.settings.memory_check_interval
            self.apply(now, reading)
        traffic = recorder.traffic
        delta = recorder.delta()
        engine.update_baseline(now, delta, traffic)
        engine.advance(now, traffic)
        shadow = recorder.shadow
        if shadow is not None:
            shadow.advance(now, delta, traffic)
        idle = recorder.tick(now, delta)
        also = None if shadow is None else shadow.interval
        self._schedule.plan_sample(now, idle=idle, also=also)

    def apply(self, now: float, reading: Reading) -> None:
        """Judge a reading."""
        engine, shadow = self._engine, self._recorder.shadow
        engine.read_memory(now, reading.memory)
        if reading.load is not None:
            engine.read_load(now, reading.load, reading.lag)
        if shadow is not None:
            shadow.read(now, *reading)

    @property
    def watches_load(self) -> bool:
        """True if the load is to be read."""
        load, shadow = self._engine.load, self._recorder.shadow
        return load.enabled or load.breached or (shadow is not None and shadow.watches_load)

    def follow_candidate(self, now: float, *, anew: bool = False) -> None:
        """Run the candidate that the settings name, if any; `anew`: begin to compare again."""
        known, self._recorder.shadow = None if anew else self._recorder.shadow, None
        if self._engine.settings.candidate is not None:
            # Not at the top: most breakers have none.
            with importing():
                from breakerd.breaker.shadow.following import followed
            self._recorder.shadow = followed(known, self._engine, now)
