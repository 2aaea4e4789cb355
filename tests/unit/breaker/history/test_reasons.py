"""Reasons of rejected calls in the history: those that embedded callers see."""

from breakerd import Breaker, Settings
from breakerd.breaker.testing import ManualClock


def test_after_a_failed_probe_the_reason_is_that_of_the_error() -> None:
    clock = ManualClock()
    breaker = Breaker(Settings(latency_threshold=100, wait_time=5), clock=clock)
    breaker.trip()
    clock.advance(20)
    assert breaker.allow()
    start = clock()
    clock.advance(0.01)
    breaker.done(start, clock(), error=True)
    assert not breaker.allow()
    assert breaker.rejection().reason == "probe_failed"
    assert breaker.history()[-1].rejected == {"probe_failed": 1}
    breaker.close()
