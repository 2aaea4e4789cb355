"""Last words of an incident: what was wrong, how long, how bad, what ended it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from breakerd.alerts.content.closing import closing_note, closing_reason, resolved_line
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.figures import CallCounts, PeakFigures
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.breaker.events.events import Transition
from breakerd.breaker.states import Reason, State
from tests.support.alert_facts import NOW, OPENED, composed, facts, incident

COUNTS = CallCounts(success=3777, error=4120, rejected=12_403)
WORST = PeakFigures(2140.4, 0.95, 600, 0.342, 91.2, 2142)
BY_ITSELF = "probes and the calls after them succeeded"


def over(topic: str = "", cause: str = "", **values: Any) -> Incident:
    content = AlertContent("", "", "", "breakerd", topic=topic, cause=cause)
    return incident(content=content, **values)


def test_the_last_note_says_what_was_wrong_how_long_how_bad_and_what_ended_it() -> None:
    about = over("open-by-latency", "p95 latency 912 ms", peak=WORST, episodes=3, counts=COUNTS)
    assert closing_note(about, BY_ITSELF, OPENED + 724) == (
        "Over: it lasted 12 min 4 s and came back 2 times. What was wrong: p95 latency up to "
        "2,140 ms (limit 600 ms). 12,403 of 20,300 calls rejected (61%), 4,120 failed (20%). "
        f"Ended by: {BY_ITSELF}."
    )


@pytest.mark.parametrize(
    ("topic", "worst"),
    [
        (
            "open-by-hang",
            "What was wrong: calls did not return in time. Worst: 2,142 calls in flight.",
        ),
        ("open-by-errors", "What was wrong: calls failed. Worst: 34% of calls failed."),
        ("opened-by-operator", ""),
        ("open-since-restart", "What was wrong: p95 latency up to 2,140 ms (limit 600 ms)."),
        ("", "Worst: p95 2,140 ms, 34% of calls failed, memory 91%, 2,142 calls in flight."),
    ],
)
def test_the_worst_figure_is_that_of_what_was_wrong(topic: str, worst: str) -> None:
    found = closing_note(over(topic, peak=WORST), "", OPENED + 5)
    assert found == f"Over: it lasted 5 s. {worst}".rstrip()


def test_what_is_no_more_than_usual_is_not_the_worst() -> None:
    peak = replace(WORST, in_flight=1)
    for topic in ("open-by-hang", "anomaly", "open-by-load", "machine-load"):
        assert "in flight" not in closing_note(over(topic, peak=peak), "", OPENED + 5)


def test_the_same_figure_is_not_told_twice() -> None:
    about = over("open-by-memory", "service memory 91% used (limit 80%)", peak=WORST)
    assert closing_note(about, "", OPENED + 5) == (
        "Over: it lasted 5 s. What was wrong: service memory 91% used (limit 80%). "
        "Ended by: memory fell below its limit."
    )


@pytest.mark.parametrize(
    ("topic", "reason", "ended"),
    [
        ("open-by-latency", BY_ITSELF, BY_ITSELF),
        ("open-by-memory", BY_ITSELF, "memory fell below its limit"),
        ("open-by-load", BY_ITSELF, "the load fell below its limit"),
        ("overload", "", "the limiter turns nobody away any more"),
        ("service-level", "", "the service level is met again"),
        ("service-level", "reset by ada", "reset by ada"),
        ("open-by-memory", "reset by ada", "reset by ada"),
    ],
)
def test_what_ended_it_is_the_end_of_the_cause_or_a_person(
    topic: str, reason: str, ended: str
) -> None:
    assert closing_note(over(topic), reason, OPENED + 5).endswith(f"Ended by: {ended}.")


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (CallCounts(rejected=2314), "All 2,314 calls rejected."),
        (CallCounts(rejected=1), "The one call was rejected."),
        (CallCounts(success=3, rejected=1), "1 of 4 calls rejected (25%)."),
        (CallCounts(success=55, error=45), "45 of 100 calls failed (45%); none was rejected."),
        (CallCounts(success=55), "None of 55 calls failed or was rejected."),
        (
            CallCounts(success=55, error=45, would_reject=90),
            "No call was rejected (OBSERVE); 90 of 100 calls would have been, 45 failed (45%).",
        ),
    ],
)
def test_calls_are_counted(counts: CallCounts, words: str) -> None:
    assert closing_note(over(counts=counts), "", OPENED + 5) == f"Over: it lasted 5 s. {words}"


def test_what_was_unusual_is_past() -> None:
    about = over("anomaly", "calls are slow and pile up: 256 ms (normally 99 ms)")
    assert "What was wrong: calls were slow and piled up: 256 ms (normally 99 ms)." in (
        closing_note(about, "", OPENED + 5)
    )


def test_a_group_is_named() -> None:
    about = over("open-by-errors")
    about.members |= {name: Member("open", OPENED) for name in ("cart", "checkout")}
    assert closing_note(about, "", OPENED + 5).startswith(
        "Over for payments, cart, checkout: it lasted 5 s."
    )


def test_a_drill_says_what_it_pretended_and_no_measurement() -> None:
    about = over("open-by-latency", "p95 latency 1,200 ms (limit 600 ms)", peak=WORST, drill=True)
    assert closing_note(about, "reset by ada", OPENED + 5) == (
        "Drill over: it lasted 5 s. Pretended: p95 latency 1,200 ms (limit 600 ms). "
        "Ended by: reset by ada."
    )


def test_an_operator_is_named_at_the_end() -> None:
    given = facts("opened-by-operator")
    about = incident(counts=CallCounts(rejected=2314))
    about.content = composed(about, given)
    assert closing_note(about, "reset by bob", OPENED + 120) == (
        "Over: it lasted 2 min. What was wrong: opened by ada: deploying. All 2,314 calls "
        "rejected. Ended by: reset by bob."
    )


def test_the_end_of_a_warm_up_ends_no_trouble() -> None:
    ended = Transition(
        breaker="payments",
        at=NOW,
        monotonic=0.0,
        from_state=State.WARMING_UP,
        to_state=State.CLOSED,
        reason=Reason.WARMUP_ENDED,
    )
    assert closing_reason(ended) == ""
    reset = replace(ended, reason=Reason.RESET)
    assert closing_reason(reset) == "somebody reset it"
    assert closing_reason(replace(reset, actor="ada", note="done")) == "reset by ada (done)"


@pytest.mark.parametrize("peak", [None, PeakFigures()])
def test_what_is_not_known_is_not_said(peak: PeakFigures | None) -> None:
    assert closing_note(over(peak=peak), "", OPENED + 5) == "Over: it lasted 5 s."


def test_a_message_that_it_is_over_says_how_long_and_how_urgent() -> None:
    about = over(stage=2, resolving_since=OPENED + 42, phase=Phase.RESOLVING)
    assert resolved_line(about) == "Resolved after 42 s (was P1)"


def test_the_worst_of_two_is_each_by_itself() -> None:
    one, other = PeakFigures(100, 0.9, 300, 0.5, 10, 5), PeakFigures(50, 0.95, 200, 0.6, 20, 9)
    assert one.merged(other) == PeakFigures(100, 0.95, 200, 0.6, 20, 9)


def test_the_last_note_says_of_which_processes_its_counts_are() -> None:
    counts = replace(COUNTS, totals={"1/payments": [0, 0, 0, 0]}, processes=4)
    note = closing_note(over("open-by-errors", counts=counts), BY_ITSELF, NOW)
    assert "rejected (61%), 4,120 failed (20%) in 1 of 4 processes." in note


def test_who_was_told_of_it_is_told_where_its_report_is() -> None:
    about = over(deliveries={"opsgenie": DeliveryState(created=True)})
    assert closing_note(about, "", OPENED + 5).endswith(f" Report: breakerd incident {about.id}")
    linked = closing_note(about, "", OPENED + 5, "https://ops.example/b")
    assert linked.endswith(f" Report: https://ops.example/b/#alert={about.id}")
    assert "Report" not in closing_note(over(), "", OPENED + 5, "https://ops.example/b")
