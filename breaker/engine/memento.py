"""State of an engine that outlives a restart."""

from dataclasses import dataclass
from typing import Final

from breakerd.breaker.baseline.serialization import SavedBaseline
from breakerd.breaker.baseline.serialization import save as save_baseline
from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.engine.transitions import Trip
from breakerd.breaker.states import CLOSED, WARMING_UP, State

MAX_BASELINE_AGE: Final = 7 * 86400.0
"""Maximum age of a baseline in seconds; an older one is dropped."""
_TRUST_HALF_LIFE: Final = 86400.0
"""Seconds after which what the limiter learnt is worth half, so that a deploy costs nothing."""


@dataclass(frozen=True, slots=True)
class EngineMemento:
    """State of an engine as plain values; times are ages and durations in seconds.

    Attributes:
        decided: state that the signals decided.
        override: the operator's override.
        trip: the last trip; its evidence is not kept.
        wait_left: seconds until probes may go.
        failures: failed recoveries in a row.
        relapses: recoveries in a row that did not last.
        good_spell_left: seconds for which a trip would still be a relapse.
        window: (age of its end, duration, failed) of each call, oldest first.
        baseline: what was learnt of the calls; None if that was never saved.
        limiter: reference latency of the limiter, by name; None without a limiter.
    """

    decided: State
    override: State | None
    trip: Trip
    wait_left: float
    failures: int
    relapses: int
    good_spell_left: float
    window: list[tuple[float, float, bool]]
    baseline: SavedBaseline | None
    limiter: dict[str, float] | None


def dump(engine: Engine, now: float) -> EngineMemento:
    """Return what a restart is to keep of `engine`."""
    machine, limiter = engine.machine, engine.shedder.limiter
    return EngineMemento(
        decided=machine.decided,
        override=machine.override,
        trip=engine.transitions.last_trip,
        wait_left=machine.wait_left(now),
        failures=machine.recovery.failures,
        relapses=machine.recovery.backoff.relapses,
        good_spell_left=machine.recovery.backoff.good_spell_left(now),
        window=[
            (max(0.0, now - end), seconds, failed) for end, seconds, failed in engine.window.dump()
        ],
        baseline=save_baseline(engine.baseline),
        limiter=limiter.reference.dump() if limiter else None,
    )


def load(engine: Engine, now: float, memento: EngineMemento, age: float) -> int:
    """Resume where `memento` was taken, `age` seconds ago; return the calls added to the window.

    An open breaker waits for the rest of its wait; a half-open one starts its probes anew. One that
    warms up does so for as long as its baseline is not yet reliable.
    """
    before = engine.window.total
    _load_learnt(engine, now, memento, age)
    machine = engine.machine
    learning = machine.decided is WARMING_UP and machine.warm_up_until > now
    continues = learning and memento.baseline is not None and memento.decided is CLOSED
    decided = WARMING_UP if continues else memento.decided
    engine.window.clear()
    wait = max(0.0, memento.wait_left - age)
    reason = memento.trip.reason
    engine.apply_change(now, machine.resume(now, decided, memento.override, wait, reason))
    engine.transitions.last_trip = memento.trip
    left = max(0.0, memento.good_spell_left - age)
    machine.recovery.backoff.resume(now, memento.failures, memento.relapses, left)
    for call_age, seconds, failed in memento.window:
        engine.window.add(now - call_age - age, seconds, error=failed)
    engine.window.expire(now)
    engine.judge.recount()
    return engine.window.total - before


def _load_learnt(engine: Engine, now: float, memento: EngineMemento, age: float) -> None:
    if memento.baseline is not None and age <= MAX_BASELINE_AGE:
        engine.baseline = memento.baseline.restore(age)
        slo, machine = engine.settings.slo, engine.machine
        if slo and machine.decided is WARMING_UP:
            # The more reliable it is, the less there is to warm up.
            left = slo.warmup * (1 - engine.baseline.confidence(now))
            machine.warm_up_until = now + left
    limiter = engine.shedder.limiter
    if memento.limiter is not None and limiter is not None:
        limiter.reference.restore(memento.limiter, 2.0 ** (-age / _TRUST_HALF_LIFE))
