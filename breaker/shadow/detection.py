"""When a trouble began that a breaker has tripped for."""

from breakerd.breaker.calls.outage import OutageTracker
from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.states import Reason

_BY_READINGS = frozenset({Reason.MEMORY, Reason.LOAD})


def detection_time(engine: Engine, now: float, reason: Reason) -> float | None:
    """Return the seconds since the start of the first bad call of the trouble.

    From the calls in the window, by the same rule as in a replay. None if it was no call that
    tripped, or if all bad calls have left the window.

    Args:
        engine: engine that has just tripped, its window not emptied yet.
        now: time in seconds of the breaker's clock.
        reason: why it tripped.
    """
    if reason in _BY_READINGS:
        return None
    trouble = OutageTracker(engine.settings.tolerated_bad_share, engine.window.size)
    for end, seconds, failed in engine.window.dump():
        trouble.record(end - seconds, bad=failed or seconds > engine.slow_after)
    if trouble.since is None:
        hang = engine.judge.hang
        return hang.threshold if hang.calls else None
    return max(0.0, now - trouble.since)
