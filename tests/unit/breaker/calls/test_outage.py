from __future__ import annotations

from breakerd.breaker.calls.outage import OutageTracker


def test_a_spell_begins_with_the_first_of_the_bad_calls() -> None:
    spell = OutageTracker(tolerated=0.1, memory=50)
    for second in range(100):
        spell.record(second, bad=False)
    assert spell.since is None
    spell.record(100, bad=True)
    spell.record(101, bad=False)
    spell.record(102, bad=True)
    assert spell.since == 100


def test_one_bad_call_is_forgotten_when_its_share_is_tolerable() -> None:
    spell = OutageTracker(tolerated=0.1, memory=50)
    spell.record(0, bad=True)
    for second in range(1, 9):
        spell.record(second, bad=False)
    assert spell.since == 0
    spell.record(9, bad=False)
    assert spell.since is None


def test_a_long_spell_is_over_after_a_window_of_good_calls() -> None:
    spell = OutageTracker(tolerated=0.1, memory=50)
    for second in range(1000):
        spell.record(second, bad=True)
    for second in range(1000, 1050):
        spell.record(second, bad=False)
    assert spell.since is None


def test_it_can_be_ended() -> None:
    spell = OutageTracker(tolerated=0.1, memory=50)
    spell.record(0, bad=True)
    spell.reset()
    assert spell.since is None
    spell.record(1, bad=True)
    assert spell.since == 1
