from __future__ import annotations

import gc
from dataclasses import dataclass, field
from inspect import currentframe
from typing import TYPE_CHECKING

import pytest

from benchmarks.calls.breaker_under_test import Subject
from benchmarks.calls.comparison import (
    Contest,
    Contestant,
    Row,
    Unwatched,
    WrongStateError,
    collector,
    measured,
)
from benchmarks.calls.timed_loop import Loop, plain, threads
from benchmarks.harness.figures import Effort
from breakerd import Breaker, State

if TYPE_CHECKING:
    from types import CodeType

EFFORT = Effort(rounds=3, calls=100, seconds=1)


def no_time() -> int:
    return 0


@dataclass
class Scripted:
    """A loop of ten calls a turn, each of which takes as long as it is told."""

    nanoseconds: list[int]
    runs: int = 0
    turns: list[int] = field(default_factory=list)

    def run(self, turns: int) -> tuple[int, int]:
        self.turns.append(turns)
        cost = self.nanoseconds[min(self.runs, len(self.nanoseconds) - 1)]
        self.runs += 1
        return 0, cost * 10 * turns

    def contestant(self, name: str) -> Contestant:
        return Contestant(name, Loop(self.run, 10, no_time), Unwatched())


def test_a_ratio_is_the_median_of_those_of_each_round() -> None:
    # The first of each is the warm-up, which is long enough at these times.
    base = Scripted([10_000, 10_000, 20_000, 40_000])
    one = Scripted([10_000, 20_000, 60_000, 280_000])
    contest = Contest(EFFORT, [base.contestant("base"), one.contestant("one")]).run()
    (figure,) = contest.figures([Row("x", "one", "base", "<= 1.3", "why")])
    assert figure.ratio == pytest.approx(3.0)  # of 2, 3 and 7
    assert figure.value == pytest.approx(60_000)
    assert figure.details["ratio_of_minima"] == pytest.approx(2.0)
    assert (figure.reach, figure.note, figure.unit) == ("<= 1.3", "why", "ns")


def test_a_rate_is_compared_the_other_way_round() -> None:
    base, one = Scripted([10_000]), Scripted([20_000])
    contest = Contest(EFFORT, [base.contestant("base"), one.contestant("one")]).run()
    (figure,) = contest.figures([Row("x", "one", "base", rate=True)])
    assert figure.ratio == pytest.approx(0.5)
    assert figure.value == pytest.approx(50_000)
    assert figure.unit == "calls/s"


def test_what_is_slow_makes_fewer_calls() -> None:
    quick, slow = Scripted([100]), Scripted([10_000])
    contest = Contest(EFFORT, [quick.contestant("quick"), slow.contestant("slow")]).run()
    assert contest.calls["quick"] == 100
    assert contest.calls["slow"] == 10  # the least that one turn of the loop makes
    assert quick.turns[-3:] == [10] * 3


def test_no_contestant_always_goes_first() -> None:
    order: list[str] = []

    def contestant(name: str) -> Contestant:
        def run(turns: int) -> tuple[int, int]:
            order.append(name)
            return 0, 10**9 * turns

        return Contestant(name, Loop(run, 1, no_time), Unwatched())

    Contest(EFFORT, [contestant("a"), contestant("b"), contestant("c")]).run()
    assert "".join(order[3:]) == "abc" + "bca" + "cab"


def test_a_loop_makes_the_calls_it_is_told() -> None:
    calls: list[int] = []
    loop = plain("f(1)", f=calls.append)
    begin, end = loop.run(3)
    assert len(calls) == 3 * loop.calls
    assert begin < end
    loop = threads(4, "f(1)", f=calls.append)
    calls.clear()
    loop.run(2)
    assert len(calls) == 2 * loop.calls == 2 * 4 * 10


def test_each_round_has_code_of_its_own_that_is_warm() -> None:
    made: list[str] = []

    def run(turns: int) -> tuple[int, int]:
        made.append(f"{turns} turns")
        return 0, 1_000 * turns

    loop = Loop(run, 1, no_time, renew=lambda: made.append("anew"))
    Contest(EFFORT, [Contestant("one", loop, Unwatched())]).run()
    assert made[-9:] == ["anew", "5 turns", "100 turns"] * 3


def test_a_renewed_loop_does_the_same_with_other_code() -> None:
    code: list[CodeType] = []

    def note() -> None:
        if frame := currentframe():
            assert frame.f_back
            code.append(frame.f_back.f_code)

    loop = plain("f()", f=note)
    loop.run(2)
    assert loop.renew
    loop.renew()
    loop.run(2)
    assert len(code) == 4 * loop.calls
    assert len(set(map(id, code))) == 2


def test_a_breaker_that_is_not_in_its_state_is_not_measured() -> None:
    with Subject(state=State.CLOSED) as one:
        one.breaker.trip()
        with pytest.raises(WrongStateError, match="OPEN"):
            one.begin()


def test_a_breaker_that_counted_other_calls_is_not_measured() -> None:
    with Subject() as one:
        contestant = one.contestant("half", "if b.allow(): b.done(clock(), clock())")
        one.begin()
        contestant.loop.run(1)
        one.end(contestant.loop.calls)
        one.begin()
        contestant.loop.run(1)
        with pytest.raises(WrongStateError, match=r"\(10, 0, 0\), not \(20, 0, 0\)"):
            one.end(20)


def test_what_a_breaker_puts_off_is_part_of_its_time() -> None:
    clock = iter(range(0, 10**9, 1000))

    class Settling(Unwatched):
        def settle(self) -> None:
            next(clock)

    one = Contestant("one", Loop(lambda turns: (0, 100 * turns), 1, clock.__next__), Settling())
    assert measured(one, 3) == 300 + 2000


def test_rejections_are_counted_too() -> None:
    with Subject(state=State.FORCED_OPEN, prepare=Breaker.force_open) as one:
        one.begin()
        one.contestant("open", "b.allow()").loop.run(2)
        one.end(20)


def test_the_collector_is_off_and_comes_back() -> None:
    with collector(on=False):
        assert not gc.isenabled()
        assert gc.get_freeze_count()
    assert gc.isenabled()
    assert not gc.get_freeze_count()
    with collector(on=True):
        assert gc.isenabled()
