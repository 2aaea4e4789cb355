from __future__ import annotations

import pytest

from breakerd.breaker.calls.outcome import least_end


@pytest.mark.parametrize("start", [0.0, 1000.1, 1e6 + 0.3])
def test_a_call_given_up_at_a_limit_took_longer_than_it(start: float) -> None:
    end = least_end(start, start + 0.8, 0.8)
    assert 0.8 < end - start < 0.8 + 1e-6


def test_an_event_loops_timer_may_ring_a_little_early() -> None:
    assert least_end(0.0, 0.7996, 0.8) > 0.8
    assert least_end(0.0, 0.7994, 0.8) == 0.7994


def test_any_other_end_is_kept() -> None:
    assert least_end(2.0, 2.5, 0.8, float("inf")) == 2.5
    assert least_end(2.0, 2.9, 0.8, float("inf")) == 2.9
    assert least_end(2.0, 2.9, 0.9, 0.8) > 2.9
