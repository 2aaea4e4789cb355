"""Waits: stated, found by itself, lengthened by relapses, and spread by chance."""

from __future__ import annotations

import random

import pytest

from breakerd import RecoverySettings, Settings
from breakerd.breaker.engine.recovering.backoff import Backoff


def backoff(jitter: float = 0.0, **settings: object) -> Backoff:
    return Backoff(Settings.model_validate(settings), lambda: jitter)


def relapse(waits: Backoff, now: float, times: int) -> list[float]:
    """The waits of so many trips, each a second after the recovery before."""
    found = []
    for n in range(times):
        found.append(waits.adaptive_wait(now + n))
        waits.closed(now + n, 1.0)
    return found


def test_a_stated_wait_grows_from_the_third_failure_on() -> None:
    waits = backoff(wait_time=5, recovery=RecoverySettings(max_wait_time=30))
    found = []
    for _ in range(7):
        found.append(waits.stated_wait())
        waits.fail()
    assert found == [5, 5, 5, 10, 20, 30, 30]


def test_a_maximum_below_the_wait_means_no_growth() -> None:
    waits = backoff(wait_time=5, recovery=RecoverySettings(max_wait_time=0))
    for _ in range(9):
        waits.fail()
    assert waits.stated_wait() == 5


def test_an_adaptive_wait_grows_with_relapses_up_to_the_default_wait() -> None:
    found = relapse(backoff(), 0.0, 11)
    assert found == [0.25, 0.25, 0.25, 0.5, 1, 2, 4, 8, 10, 10, 10]


def test_it_begins_with_less_and_holds_longer_after_relapses() -> None:
    waits = backoff()
    assert (waits.first_share, waits.hold(0.1)) == (1, 0.1)
    relapse(waits, 0.0, 5)
    assert (waits.first_share, waits.hold(0.1)) == (0.25, 1.6)
    relapse(waits, 5.0, 10)
    assert (waits.first_share, waits.hold(0.1)) == (1 / 16, 10)
    assert waits.hold(30.0) == 30


@pytest.mark.parametrize(("recovery", "spell"), [(1.0, 10.0), (30.0, 30.0), (300.0, 60.0)])
def test_a_good_spell_as_long_as_the_recovery_resets(recovery: float, spell: float) -> None:
    for seconds, expected in ((spell - 0.1, 1.0), (spell, 0.25)):
        waits = backoff()
        relapse(waits, 0.0, 4)
        waits.closed(100.0, recovery)
        assert waits.adaptive_wait(100.0 + seconds) == expected


def test_ramps_that_fail_are_relapses_however_late() -> None:
    waits = backoff()
    for _ in range(3):
        waits.ramp_failed()
        waits.adaptive_wait(1000.0)
    assert waits.relapses == 3


def test_a_trip_that_says_nothing_of_the_dependency_is_no_relapse() -> None:
    waits = backoff()
    relapse(waits, 0.0, 4)
    assert waits.adaptive_wait(4.0, relapses=False) == 0.5
    assert waits.relapses == 3


def test_an_operator_resets_everything() -> None:
    waits = backoff()
    waits.fail()
    relapse(waits, 0.0, 8)
    waits.reset()
    assert (waits.failures, waits.adaptive_wait(8.0)) == (0, 0.25)


def test_probes_are_a_second_apart_at_most() -> None:
    waits = backoff()
    found = []
    for _ in range(4):
        found.append(waits.probe_interval())
        waits.fail()
    assert found == [0.25, 0.5, 1, 1]


def test_every_wait_is_up_to_a_tenth_longer_by_chance_and_never_shorter() -> None:
    waits = backoff(jitter=1.0, wait_time=5)
    found = waits.stated_wait(), waits.adaptive_wait(0.0), waits.probe_interval()
    assert found == pytest.approx((5.5, 0.275, 0.275))
    chance = random.Random(1)
    spread = [Backoff(Settings(wait_time=5), chance.random).stated_wait() for _ in range(1000)]
    assert 5 <= min(spread) < 5.01
    assert 5.49 < max(spread) <= 5.5
