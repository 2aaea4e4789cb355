"""Each trick is taken back from a breaker that still counts right; no time is tested."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from unittest.mock import Mock

import pytest

from benchmarks import tricks
from benchmarks.bench import PARTS
from benchmarks.calls.contest import Contest, Contestant, Unwatched, WrongStateError
from benchmarks.calls.empty_pair import EMPTY
from benchmarks.calls.loop import Loop
from benchmarks.calls.subject import BODY, Subject
from benchmarks.figures import Effort, Figure
from benchmarks.tricks import (
    admitting,
    batches,
    careful,
    guarding,
    layout,
    reporting,
    steps,
    tallying,
    windowing,
)
from benchmarks.tricks.difference import Change, figures
from benchmarks.tricks.undone import Same, Undone
from breaker import Breaker, Counters, Settings
from breaker.guard import Guard
from breaker.hot_path import HotPath

TINY = Effort(rounds=2, calls=40, seconds=0.1)
KINDS: dict[str, Callable[[], Breaker]] = {
    **admitting.UNDONE,
    **reporting.UNDONE,
    **tallying.UNDONE,
    "append": windowing.Appending,
    "sort": windowing.Sorting,
    "regress": windowing.Regressing,
    "sums": windowing.Summing,
    "small batches": batches.of_size(16),
    "dictionary": layout.without_slots(path=False, rest=False),
    "hot dictionary": layout.without_slots(path=False, rest=True),
}
del KINDS["memory read in allow"]  # a quarter of a millisecond a call


@pytest.fixture(scope="module")
def measured() -> list[Figure]:
    return tricks.measure(TINY)


def test_it_is_a_part_of_the_benchmark(measured: list[Figure]) -> None:
    assert tricks.NAME in PARTS
    assert {figure.part for figure in measured} == {tricks.NAME}


def test_every_row_has_a_figure_of_its_own(measured: list[Figure]) -> None:
    names = [figure.name for figure in measured]
    assert len(set(names)) == len(names)
    for figure in measured:
        assert figure.value is not None
        assert math.isfinite(figure.value)
        assert figure.ratio is not None
        assert figure.ratio > 0
        assert figure.against
        assert figure.details["rounds"] == TINY.rounds


@pytest.mark.parametrize("name", KINDS)
def test_without_a_trick_all_calls_are_counted(name: str) -> None:
    breaker = KINDS[name]()
    with Subject(breaker, fill=0) as one:
        contestant = one.contestant(name, BODY)
        one.begin()
        contestant.loop.run(500)
        one.end(500 * contestant.loop.calls)
        start = breaker.clock()
        assert breaker.allow()
        breaker.done(start, breaker.clock(), error=True)
        assert breaker.counters().error == 1
        breaker.trip()
        assert not breaker.allow()
        assert breaker.counters().rejected == 1
    assert counted(breaker.counters()) == 500 * 10 + 1


def counted(counters: Counters) -> int:
    assert counters.in_flight == 0
    return counters.success + counters.error


@pytest.mark.parametrize("name", reporting.IN_INTEGERS)
def test_nanoseconds_are_taken_for_seconds(name: str) -> None:
    breaker = reporting.IN_INTEGERS[name](Settings(latency_threshold=50))
    with Subject(breaker, fill=0):
        now = time.perf_counter_ns()
        assert breaker.allow()
        breaker.done(now - 60_000_000, now)
        assert breaker.counters().duration_sum == pytest.approx(0.06)


@pytest.mark.parametrize("name", KINDS)
def test_each_runs_other_code_than_the_real_one(name: str) -> None:
    breaker = KINDS[name]()
    breaker.close()
    for method in ("allow", "done"):
        code = getattr(type(breaker), method).__code__
        assert code is not getattr(HotPath, method).__code__


def test_each_step_has_code_of_its_own() -> None:
    # By identity: code of the same text is equal.
    for method in ("allow", "done"):
        codes = {id(getattr(kind, method).__code__) for _, kind, _ in steps.STEPS}
        assert len(codes) == len(steps.STEPS)


def test_the_control_runs_the_same_code_again() -> None:
    assert Same.allow is not HotPath.allow
    assert Same.allow.__code__.co_code == HotPath.allow.__code__.co_code
    assert not vars(Undone).keys() & {"allow", "done"}


def test_a_batch_has_its_size() -> None:
    breaker = batches.of_size(16)()
    with Subject(breaker, fill=40):
        assert breaker._prepared == 15  # and the one that had them made
    with Subject(fill=4 * batches.USUAL) as real:
        assert real.breaker._prepared == batches.USUAL - 1


def test_a_guard_is_what_its_row_says() -> None:
    with Subject(guarding.calling()) as one:
        for _ in range(3):
            assert type(one.breaker.guard()) is Guard


def test_attributes_are_where_the_row_says() -> None:
    names = set(layout.attributes(Breaker))
    path = set(layout.attributes(HotPath))
    assert len(names) > 30
    for kind, expected in (
        (Breaker, set()),
        (layout.without_slots(path=False, rest=False), names),
        (layout.without_slots(path=False, rest=True), path),
        (layout.without_slots(path=True, rest=True), set()),
    ):
        breaker = kind()
        breaker.close()
        assert vars(breaker).keys() == expected


@pytest.mark.parametrize("kind", [windowing.Sorting, windowing.Regressing, windowing.Summing])
def test_the_window_is_sorted_and_the_line_fitted(
    kind: type[Undone], monkeypatch: pytest.MonkeyPatch
) -> None:
    judging = kind(Settings(latency_window_size=16, latency_threshold=50))
    judging.close()
    looked_at = Mock()
    monkeypatch.setattr(judging, "_done_carefully", looked_at)
    judging._quick = math.inf
    judging.done(0.0, 0.01)
    assert not looked_at.called
    for n in range(16):
        judging.done(0.0, n * 0.1)
    assert looked_at.called


def test_a_probe_that_is_not_rejected_is_not_measured() -> None:
    with careful.probing() as one:
        one.begin()
        assert not one.breaker.allow()
        one.end(1)
        one.begin()
        with pytest.raises(WrongStateError, match="0 of 1 were rejected"):
            one.end(1)


def test_a_difference_is_the_median_of_those_of_each_round() -> None:
    field = [contestant(EMPTY, 100), contestant("a", 200), contestant("b", 230)]
    contest = Contest(TINY, field).run()
    one, odd = figures(
        contest,
        [Change("one", "b", "a", "why"), Change("odd", "b", "a", one_in=100, micro=True)],
    )
    assert one.value == pytest.approx(30)
    assert (one.unit, one.ratio, one.against) == ("ns more", pytest.approx(1.15), "a")
    assert one.note == "why; +30.0% of the empty pair"
    assert (odd.value, odd.unit, odd.note) == (pytest.approx(3.0), "µs", "")


def contestant(name: str, nanoseconds: int) -> Contestant:
    return Contestant(name, Loop(lambda turns: (0, nanoseconds * turns), 1, lambda: 0), Unwatched())
