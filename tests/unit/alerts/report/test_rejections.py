"""Rejected calls, and what they would have met."""

from __future__ import annotations

from breakerd.alerts.report.rejections import rejected_calls
from breakerd.alerts.report.report import RejectedCalls
from breakerd.alerts.report.words import rejections
from breakerd.breaker.states import State
from tests.support.incident_reports import OPENED, slot


def test_none() -> None:
    assert rejected_calls([slot(0), slot(10)]) == RejectedCalls()
    assert rejections(RejectedCalls()) == ["No call was rejected."]


def test_calls_that_tripped_it_were_not_let_through() -> None:
    found = rejected_calls(
        [
            slot(0, failures=90, rejected={"open": 10}),
            slot(10, 2000.0, 4, failures=4, rejected={"open": 100}),
            slot(20, 2000.0, 0, rejected={"open": 100, "memory": 5}),
            slot(30, 100.0, 4, failures=1, rejected={"open": 40}),
            slot(40),
        ]
    )
    assert found.calls == 255
    assert found.by_reason == {"open": 250, "memory": 5}
    assert (found.let_through, found.let_through_bad) == (8, 5)
    # All of the first 215 as the four before, a quarter of the last 40.
    assert found.would_have_been_bad == 225
    assert found.let_through_median_ms is not None


def test_calls_after_the_recovery_were_not_let_through_meanwhile() -> None:
    known = [slot(0, rejected={"open": 9}), slot(10, rejected={"open": 1})]
    assert rejected_calls(known, OPENED + 15).let_through == 0
    assert rejected_calls(known, OPENED + 20).let_through == 100


def test_a_second_time_begins_anew() -> None:
    found = rejected_calls(
        [slot(0, rejected={"open": 1}), slot(10), slot(20, failures=9, rejected={"open": 1})]
    )
    assert (found.let_through, found.would_have_been_bad) == (0, None)


def test_probes_count_also_where_nobody_was_rejected_in_their_slot() -> None:
    found = rejected_calls(
        [
            slot(0, rejected={"open": 100}, state=State.OPEN),
            slot(10, 900.0, 2, slow=2, state=State.HALF_OPEN),
            slot(20, 80.0, 0, rejected={"open": 10}, state=State.OPEN),
        ]
    )
    assert (found.let_through, found.let_through_bad, found.would_have_been_bad) == (2, 2, 110)


def test_no_more_calls_fail_than_there_are() -> None:
    late = slot(10, 900.0, 4, failures=3, timed_out=3, rejected={"open": 4})
    found = rejected_calls([slot(0, rejected={"open": 1}), late])
    assert found.let_through_bad == 4


def test_they_are_told_in_sentences() -> None:
    told = rejections(
        RejectedCalls(1200, {"open": 200, "overloaded": 1000}, {"low": 900}, 40, 34, 2100.0, 1020)
    )
    assert told == [
        "1,200 calls rejected: overloaded 1,000, open 200.",
        "By priority, of those above the limit: low 900.",
        (
            "40 calls let through meanwhile, as probes and in the ramp: 34 failed, were slow or "
            "were late (85%); median 2,100 ms."
        ),
        (
            "Had the rejected calls been made, about 1,020 (85%) would have been so. This is an "
            "estimate: at each time, as the calls last let through."
        ),
    ]
    assert rejections(RejectedCalls(1, {"open": 1}))[-1] == (
        "No call was let through meanwhile: what they would have met is unknown."
    )
