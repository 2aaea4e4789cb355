"""Calls that are slow together: a passing standstill or burst, or trouble that lasts."""

from __future__ import annotations

from breakerd.breaker.signals.slow_episode import SlowEpisode

THRESHOLD = 0.3


def fed(*calls: tuple[float, float]) -> SlowEpisode:
    """An episode of these calls, each with its start and end, numbered from 0."""
    episode = SlowEpisode(THRESHOLD)
    for sequence, (start, end) in enumerate(calls):
        episode.record(sequence, start, end)
    return episode


def every_25_ms(until: float, seconds: float) -> list[tuple[float, float]]:
    return [(n * 0.025, n * 0.025 + seconds) for n in range(round(until / 0.025))]


def test_slow_calls_one_after_the_other_are_lasting_trouble_at_once() -> None:
    assert fed((0, 0.4), (0.5, 0.9)).lasts(0)
    assert fed((0, 0.4)).lasts(0)


def test_calls_that_waited_for_one_standstill_are_not() -> None:
    standstill = [(n * 0.025, 0.5 + n * 0.01) for n in range(13)]
    assert not fed(*standstill).lasts(0)


def test_slow_calls_that_go_on_beginning_are() -> None:
    # The first ends at 0.4 s, so that they must go on beginning until 0.4 + 3 * 0.3 s.
    assert not fed(*every_25_ms(1.25, 0.4)).lasts(0)
    assert fed(*every_25_ms(1.35, 0.4)).lasts(0)


def test_a_threshold_above_half_a_second_asks_for_no_more_than_a_second_and_a_half() -> None:
    calls = [(n * 0.1, n * 0.1 + 4.0) for n in range(56)]
    episode = SlowEpisode(3.0)
    for sequence, (start, end) in enumerate(calls):
        episode.record(sequence, start, end)
    assert episode.lasts(0)


def test_a_queue_that_is_worked_off_is_not_however_long() -> None:
    burst = [(n * 0.025, n * 0.025 + 1.1 - 0.01 * n) for n in range(80)]
    assert not fed(*burst).lasts(0)


def test_a_third_episode_in_the_window_is() -> None:
    """Fast calls between them have the numbers that are left out."""
    episode = SlowEpisode(THRESHOLD)
    for first, begin in ((0, 0.0), (20, 6.0), (40, 12.0)):
        assert not episode.lasts(0) or not first
        for n in range(5):
            episode.record(first + n, begin + n * 0.025, begin + 0.5 + n * 0.01)
    assert episode.lasts(0)
    assert not episode.lasts(1), "the first has left the window"


def test_overlaps_that_have_left_the_window_no_longer_count() -> None:
    episode = fed((0, 0.5), (0.1, 0.6))
    assert not episode.lasts(0)
    assert episode.lasts(2)


def test_calls_that_end_at_once_are_judged_by_their_order() -> None:
    released = [(n * 0.02, 0.5) for n in range(8)]
    assert not fed(*released).lasts(0), "each waited for less than the one before"
    rising = [(5 - n * 0.02, 5.4) for n in range(8)]
    assert fed(*rising).lasts(0), "no standstill makes later calls wait for longer"
