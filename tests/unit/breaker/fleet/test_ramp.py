from __future__ import annotations

import pytest

from breakerd.breaker.fleet.episode import (
    NONE,
    OPEN,
    OVERLOAD,
    RAMP,
    Episode,
    Trouble,
    opened,
    ramping,
)
from breakerd.breaker.fleet.messages import PoolSlot, PoolView, Totals
from breakerd.breaker.fleet.ramp import find_overload, first_step, next_step

NOW = 1003.5
TIMEOUT = 2.0
DOWN = opened(NONE, 990.0, Trouble(9, 10, 989, usual_milli=8000))
OVERLOADED = opened(NONE, 990.0, Trouble(40, 16, 989, 8000, OVERLOAD), 0.4)


def view(
    *,
    offered: int = 40,
    ended: int = 40,
    seconds: float = 0.2,
    in_flight: int = 8,
    members: int = 30,
    slow_members: int = 0,
    failures: int = 0,
    usual_milli: int = 8000,
) -> PoolView:
    """Return the view of a fleet in which each of the last seconds was like that."""
    slots = tuple(
        PoolSlot(
            number,
            ended,
            failures,
            members,
            min(members, failures),
            offered=offered,
            busy_ms=round(1000 * seconds * ended),
            ended=ended - failures,
            active=members,
            slow_members=slow_members,
        )
        for number in range(999, 1004)
    )
    return PoolView("fleet", slots, Totals(usual_milli=usual_milli, in_flight=in_flight))


def stepped(episode: Episode, seen: PoolView, timeout: float = TIMEOUT) -> Episode | None:
    return next_step(seen, episode, timeout, NOW)


# --- the first step


def test_a_quick_probe_begins_a_ramp_that_goes_on_by_itself() -> None:
    ramp = first_step(view(), DOWN, 0.2, TIMEOUT, NOW)
    assert ramp.phase == RAMP
    assert ramp.share_at(NOW) < 0.5
    assert ramp.share_at(NOW + 2) == 1.0


def test_relapses_make_it_slower() -> None:
    ramp = first_step(view(), DOWN._replace(relapses=2), 0.2, TIMEOUT, NOW)
    assert ramp.share_at(NOW + 2) < 1.0


@pytest.mark.parametrize("seconds", [0.41, 1.2])
def test_a_slow_probe_begins_one_that_waits_for_results(seconds: float) -> None:
    ramp = first_step(view(), DOWN, seconds, TIMEOUT, NOW)
    assert ramp.share_at(NOW) == ramp.share_at(NOW + 60) == 0.1


# --- further steps


def test_nothing_is_due_without_a_ramp_or_too_soon() -> None:
    assert stepped(DOWN, view()) is None
    assert stepped(ramping(DOWN, NOW - 0.4, 0.1), view()) is None


def test_calls_as_quick_as_usual_let_the_share_grow_by_itself() -> None:
    step = stepped(ramping(DOWN, NOW - 1, 0.1), view(ended=4))
    assert step is not None
    assert (step.share, step.doubling > 0) == (0.1, True)
    assert stepped(step._replace(since=NOW - 0.5), view(ended=4)) is None


def test_otherwise_it_grows_with_what_was_answered() -> None:
    step = stepped(ramping(DOWN, NOW - 1, 0.1), view(ended=4, seconds=0.45))
    assert step is not None
    assert step.share == pytest.approx(0.1 * 2, abs=0.05)
    assert step.doubling == 0
    assert stepped(ramping(DOWN, NOW - 1, 0.5), view(ended=4, seconds=0.45)) is None


def test_rare_calls_are_waited_for_only_so_long() -> None:
    silent = PoolView("fleet", totals=Totals(usual_milli=8000))
    assert stepped(ramping(DOWN, NOW - 3, 0.1), silent) is not None


def test_slow_calls_in_most_members_hold_it_to_what_is_served() -> None:
    slow = view(ended=16, seconds=1.0, in_flight=30, slow_members=25)
    step = stepped(ramping(DOWN, NOW - 1, 0.8), slow)
    assert step is not None
    assert step.share == pytest.approx(0.4, abs=0.1)


def test_slow_calls_of_some_members_do_not() -> None:
    some = view(ended=16, seconds=1.0, in_flight=30, slow_members=10)
    step = stepped(ramping(DOWN, NOW - 1, 0.8), some)
    assert step is None or step.share >= 0.8


def test_without_a_stated_time_out_no_call_is_slow() -> None:
    slow = view(ended=40, seconds=9.0, in_flight=300, slow_members=25)
    step = stepped(ramping(DOWN, NOW - 1, 0.8), slow, timeout=float("inf"))
    assert step is None or step.share >= 0.8


def test_failures_of_nearly_all_open_it_again() -> None:
    step = stepped(ramping(DOWN, NOW - 1, 0.5), view(failures=39, ended=40))
    assert step is not None
    assert (step.phase, step.relapses) == (OPEN, 1)


def test_failures_of_most_make_it_smaller() -> None:
    step = stepped(ramping(DOWN, NOW - 1, 0.5), view(failures=24, ended=40))
    assert step is not None
    assert (step.phase, step.share < 0.5) == (RAMP, True)


def test_it_ends_once_all_calls_have_passed_for_a_second() -> None:
    assert stepped(ramping(DOWN, NOW - 0.9, 1.0), view()) is None
    step = stepped(ramping(DOWN, NOW - 1, 1.0), view())
    assert step is not None
    assert not step.in_force


def test_after_an_overload_it_is_watched_for_longer() -> None:
    assert stepped(ramping(OVERLOADED, NOW - 9, 1.0), view()) is None
    assert stepped(ramping(OVERLOADED, NOW - 10, 1.0), view()) is not None


def test_what_queued_before_an_overload_was_seen_may_fail_for_a_while() -> None:
    failing = view(failures=39, ended=40)
    step = stepped(OVERLOADED._replace(opened=NOW - 4, since=NOW - 1), failing)
    assert step is None or step.phase == RAMP
    step = stepped(OVERLOADED._replace(opened=NOW - 9, since=NOW - 1), failing)
    assert step is not None
    assert step.phase == OPEN


def test_an_overload_without_any_success_is_an_outage() -> None:
    dead = view(failures=40, ended=40)
    step = stepped(OVERLOADED._replace(opened=NOW - 6, since=NOW - 1), dead)
    assert step is not None
    assert step.phase == OPEN


# --- overload


def test_a_queue_in_most_members_begins_an_episode_with_a_share() -> None:
    queue = view(ended=20, seconds=1.2, in_flight=60, slow_members=28)
    episode = find_overload(queue, NONE, TIMEOUT, NOW)
    assert episode is not None
    assert (episode.phase, episode.reason) == (RAMP, OVERLOAD)
    assert 0.1 < episode.share < 0.6


@pytest.mark.parametrize(
    "changed",
    [
        {"slow_members": 13},
        {"in_flight": 16},
        {"seconds": 0.3, "in_flight": 17, "ended": 40},
        {"usual_milli": 0},
        {"members": 1, "slow_members": 1},
    ],
)
def test_anything_less_does_not(changed: dict[str, float]) -> None:
    figures = {"ended": 20, "seconds": 1.2, "in_flight": 60, "slow_members": 28} | changed
    assert find_overload(view(**figures), NONE, TIMEOUT, NOW) is None  # type: ignore[arg-type] # mixed
