from __future__ import annotations

from breakerd.breaker.fleet.episode import (
    CLOSED,
    GOOD_SPELL,
    NONE,
    OPEN,
    OVERLOAD,
    RAMP,
    Trouble,
    accepts,
    closed,
    opened,
    ramping,
)

TROUBLE = Trouble(bad=9, units=10, first_slot=100, usual_milli=8000)


def test_an_episode_opens_ramps_and_ends() -> None:
    first = opened(NONE, 100.0, TROUBLE)
    assert (first.phase, first.in_force, first.share) == (OPEN, True, 0.0)
    ramp = ramping(first, 110.0, 0.1)
    assert (ramp.phase, ramp.share, ramp.usual_milli) == (RAMP, 0.1, 8000)
    end = closed(ramp, 112.0)
    assert (end.phase, end.in_force, end.share_at(113.0)) == (CLOSED, False, 1.0)
    assert [each.version for each in (first, ramp, end)] == [1, 2, 3]
    assert [each.generation for each in (first, ramp, end)] == [1, 2, 3]


def test_another_share_is_no_other_generation() -> None:
    ramp = ramping(opened(NONE, 100.0, TROUBLE), 110.0, 0.1)
    assert ramping(ramp, 111.0, 0.2).generation == ramp.generation


def test_a_share_doubles_by_itself_until_all_calls_pass() -> None:
    ramp = ramping(opened(NONE, 100.0, TROUBLE), 110.0, 0.2, doubling=0.5)
    assert [ramp.share_at(now) for now in (109.0, 110.0, 110.5, 111.0, 120.0)] == [
        0.2, 0.2, 0.4, 0.8, 1.0,
    ]  # fmt: skip


def test_an_overload_begins_with_a_share() -> None:
    overload = opened(NONE, 100.0, TROUBLE._replace(reason=OVERLOAD), 0.4)
    assert (overload.phase, overload.share) == (RAMP, 0.4)


def test_trouble_soon_after_the_end_is_a_relapse() -> None:
    end = closed(ramping(opened(NONE, 100.0, TROUBLE), 110.0, 0.1), 112.0)
    soon = opened(end, 112.0 + GOOD_SPELL - 1, TROUBLE)
    assert soon.relapses == 1
    assert opened(closed(soon, 130.0), 131.0, TROUBLE).relapses == 2
    assert opened(end, 112.0 + GOOD_SPELL, TROUBLE).relapses == 0
    assert opened(NONE, 5.0, TROUBLE).relapses == 0


def test_trouble_in_the_ramp_goes_on_with_the_same_episode() -> None:
    ramp = ramping(opened(NONE, 100.0, TROUBLE), 200.0, 0.1)
    again = opened(ramp, 201.0, TROUBLE._replace(usual_milli=0))
    assert (again.opened, again.relapses, again.usual_milli) == (100.0, 1, 8000)


def test_a_proposal_must_follow_what_its_author_saw() -> None:
    first = opened(NONE, 100.0, TROUBLE)
    second = ramping(first, 110.0, 0.1)
    assert accepts(NONE, 0, first)
    assert accepts(first, 1, second)
    assert not accepts(second, 1, second)
    assert not accepts(second, 1, closed(first, 111.0))
    assert accepts(NONE, 2, second), "a hub that has lost changes takes them back"
    assert not accepts(second, 2, first)
