from __future__ import annotations

import gc
from dataclasses import dataclass, field

import pytest

from benchmarks.harness.comparison import (
    Candidate,
    Comparison,
    NoCheck,
    Row,
    gc_disabled,
    measure,
)
from benchmarks.harness.figures import Effort
from benchmarks.harness.timed_loop import Loop

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

    def candidate(self, name: str) -> Candidate:
        return Candidate(name, Loop(self.run, 10, no_time), NoCheck())


def test_a_ratio_is_the_median_of_those_of_each_round() -> None:
    # The first of each is the warm-up, which is long enough at these times.
    base = Scripted([10_000, 10_000, 20_000, 40_000])
    one = Scripted([10_000, 20_000, 60_000, 280_000])
    comparison = Comparison(EFFORT, [base.candidate("base"), one.candidate("one")]).run()
    (figure,) = comparison.figures([Row("x", "one", "base", "<= 1.3", "why")])
    assert figure.ratio == pytest.approx(3.0)  # of 2, 3 and 7
    assert figure.value == pytest.approx(60_000)
    assert figure.details["ratio_of_minima"] == pytest.approx(2.0)
    assert (figure.reach, figure.note, figure.unit) == ("<= 1.3", "why", "ns")


def test_a_rate_is_compared_the_other_way_round() -> None:
    base, one = Scripted([10_000]), Scripted([20_000])
    comparison = Comparison(EFFORT, [base.candidate("base"), one.candidate("one")]).run()
    (figure,) = comparison.figures([Row("x", "one", "base", rate=True)])
    assert figure.ratio == pytest.approx(0.5)
    assert figure.value == pytest.approx(50_000)
    assert figure.unit == "calls/s"


def test_what_is_slow_makes_fewer_calls() -> None:
    quick, slow = Scripted([100]), Scripted([10_000])
    comparison = Comparison(EFFORT, [quick.candidate("quick"), slow.candidate("slow")]).run()
    assert comparison.calls["quick"] == 100
    assert comparison.calls["slow"] == 10  # the least that one turn of the loop makes
    assert quick.turns[-3:] == [10] * 3


def test_no_contestant_always_goes_first() -> None:
    order: list[str] = []

    def candidate(name: str) -> Candidate:
        def run(turns: int) -> tuple[int, int]:
            order.append(name)
            return 0, 10**9 * turns

        return Candidate(name, Loop(run, 1, no_time), NoCheck())

    Comparison(EFFORT, [candidate("a"), candidate("b"), candidate("c")]).run()
    assert "".join(order[3:]) == "abc" + "bca" + "cab"


def test_each_round_has_code_of_its_own_that_is_warm() -> None:
    made: list[str] = []

    def run(turns: int) -> tuple[int, int]:
        made.append(f"{turns} turns")
        return 0, 1_000 * turns

    loop = Loop(run, 1, no_time, renew=lambda: made.append("anew"))
    Comparison(EFFORT, [Candidate("one", loop, NoCheck())]).run()
    assert made[-9:] == ["anew", "5 turns", "100 turns"] * 3


def test_what_a_breaker_puts_off_is_part_of_its_time() -> None:
    clock = iter(range(0, 10**9, 1000))

    class Settling(NoCheck):
        def flush(self) -> None:
            next(clock)

    one = Candidate("one", Loop(lambda turns: (0, 100 * turns), 1, clock.__next__), Settling())
    assert measure(one, 3) == 300 + 2000


def test_the_collector_is_off_and_comes_back() -> None:
    with gc_disabled():
        assert not gc.isenabled()
        assert gc.get_freeze_count()
    assert gc.isenabled()
    assert not gc.get_freeze_count()


def test_rounds_of_another_comparison_can_be_appended() -> None:
    quick, slow = Scripted([10_000]), Scripted([30_000])
    comparison = Comparison(EFFORT, [quick.candidate("one")]).run()
    other = Comparison(EFFORT, [slow.candidate("one")]).run()
    assert comparison.extend([other]).times["one"] == [10_000] * 3 + [30_000] * 3
