"""Evidence with the figures of now, and not of the moment at which a threshold was crossed."""

from collections.abc import Callable

from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.events.events import Evidence, Signal


def current_evidence(engine: Engine) -> list[Evidence]:
    """Return the evidence of each signal that is beyond its threshold.

    What an open breaker cannot measure, since no calls pass, is as it was when it opened.
    """
    gather = _gatherers(engine)
    return [
        gather[signal]() if signal in gather else evidence
        for signal in Signal
        if (evidence := engine.breaches.get(signal)) is not None
    ]


def trip_evidence(engine: Engine) -> tuple[Evidence, ...]:
    """Return the evidence of the last trip; that of calls that still hang is of now."""
    hang = engine.judge.hang
    return tuple(
        hang.evidence() if hang.calls and "hung_calls" in evidence.detail else evidence
        for evidence in engine.transitions.last_trip.evidence
    )


def _gatherers(engine: Engine) -> dict[Signal, Callable[[], Evidence]]:
    """Return the signals that can be measured now."""
    judge, baseline, window = engine.judge, engine.baseline, engine.window
    found: dict[Signal, Callable[[], Evidence]] = {
        Signal.MEMORY: engine.memory.evidence,
        Signal.LOAD: engine.load.evidence,
        Signal.ANOMALY: lambda: engine.anomaly.evidence(baseline),
    }
    if engine.settings.slo is not None and judge.burn.breached(baseline):
        found[Signal.SLO] = lambda: judge.burn.evidence(baseline)
    if not judge.latency_ok:
        found[Signal.LATENCY] = judge.latency_evidence
    if judge.errors.breached(window):
        found[Signal.ERRORS] = lambda: judge.errors.evidence(window)
    if engine.shedder.limiting:
        found[Signal.OVERLOAD] = engine.overload.evidence
    return found
