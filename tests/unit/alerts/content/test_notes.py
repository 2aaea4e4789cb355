"""Notes of an incident."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from breakerd.alerts.content.notes import (
    closing_note,
    closing_reason,
    flap_note,
    joined_note,
    recovered_note,
    reminder,
    reopened_note,
    resolved_line,
    stage_note,
    upgraded_note,
)
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.figures import CallCounts, PeakFigures
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.breaker.events.events import Transition
from breakerd.breaker.states import Reason, State
from breakerd.breaker.testing import simulate_call
from tests.support.alert_facts import NOW, OPENED, composed, facts, incident
from tests.unit.alerts.conftest import World

COUNTS = CallCounts(success=3777, error=4120, rejected=12_403)
WORST = PeakFigures(2140.4, 0.95, 600, 0.342, 91.2, 2142)


def over(topic: str = "", cause: str = "", **values: Any) -> Incident:
    content = AlertContent("", "", "", "breakerd", topic=topic, cause=cause)
    return incident(content=content, **values)


def test_the_last_note_says_what_was_wrong_how_long_how_bad_and_what_ended_it() -> None:
    about = over(
        "open-by-latency",
        "p95 latency 912 ms (limit 600 ms)",
        peak=WORST,
        episodes=3,
        counts=COUNTS,
    )
    assert closing_note(about, "its probes and the ramp went well", OPENED + 724) == (
        "Over: it lasted 12 min 4 s, 3 times. What was wrong: p95 latency 912 ms (limit 600 ms). "
        "Worst: p95 2,140 ms, 2,142 calls in flight. 12,403 of 20,300 calls rejected (61%). "
        "Ended by: its probes and the ramp went well."
    )


@pytest.mark.parametrize(
    ("topic", "worst"),
    [
        ("open-by-hang", "What was wrong: calls did not return. Worst: 2,142 calls in flight."),
        ("open-by-errors", "Worst: 34% errors."),
        ("open-by-memory", "Worst: memory 91%."),
        ("opened-by-operator", ""),
        ("", "Worst: p95 2,140 ms, 34% errors, memory 91%, 2,142 calls in flight."),
    ],
)
def test_the_worst_figure_is_that_of_what_was_wrong(topic: str, worst: str) -> None:
    found = closing_note(over(topic, peak=WORST), "", OPENED + 5)
    assert found == f"Over: it lasted 5 s. {worst}".rstrip()


def test_an_operator_is_named_at_the_end() -> None:
    given = facts("opened-by-operator")
    about = incident(counts=CallCounts(rejected=2314))
    about.content = composed(about, given)
    assert closing_note(about, "somebody reset it", OPENED + 120) == (
        "Over: it lasted 2 min. What was wrong: opened by ada: deploying. All 2,314 calls "
        "rejected. Ended by: somebody reset it."
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
    assert closing_reason(replace(ended, reason=Reason.RESET, note="ada")) == (
        "somebody reset it (ada)"
    )


@pytest.mark.parametrize("peak", [None, PeakFigures()])
def test_what_is_not_known_is_not_said(peak: PeakFigures | None) -> None:
    assert closing_note(over(peak=peak), "", OPENED + 5) == "Over: it lasted 5 s."


def test_a_message_that_it_is_over_says_how_long_and_how_urgent() -> None:
    about = over(stage=2, resolving_since=OPENED + 42, phase=Phase.RESOLVING)
    assert resolved_line(about) == "Resolved after 42 s (was P1)"


def test_the_worst_of_two_is_each_by_itself() -> None:
    one, other = PeakFigures(100, 0.9, 300, 0.5, 10, 5), PeakFigures(50, 0.95, 200, 0.6, 20, 9)
    assert one.merged(other) == PeakFigures(100, 0.95, 200, 0.6, 20, 9)


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("open", {}, "Still open after 21 s, now P2. 45% of calls fail (limit 5%). "),
        (
            "open",
            {"state": "HALF_OPEN", "recovery": {"phase": "ramp", "share": 0.25}},
            "Recovering (HALF OPEN), not closed after 21 s, now P2.",
        ),
        ("latency", {}, "Still slow after 21 s, now P2. p95 latency 912 ms (limit 600 ms). "),
        ("memory", {}, "Memory still high after 21 s, now P2. Memory 91% used (limit 80%). "),
        (
            "overload",
            {},
            "Still overloaded after 21 s, now P2. Limiter turns calls away (limit 18, 33 wanted).",
        ),
        ("service-level", {}, "Service level still missed after 21 s, now P2. 45% fail or "),
        ("machine-load", {}, "Machine still overloaded after 21 s, now P2."),
        (
            "open",
            {"state": "OBSERVE", "would_be_state": "OPEN"},
            "Would still be OPEN after 21 s, now P2.",
        ),
    ],
)
def test_what_goes_on_is_true_to_the_state(kind: str, status: dict[str, Any], words: str) -> None:
    given = facts(kind, **status)
    assert stage_note(incident(given.kind, stage=1), [given], NOW).startswith(words)
    assert reminder(incident(given.kind), [given], NOW).startswith(words.partition(",")[0])


def test_a_stage_says_what_it_means_for_calls() -> None:
    assert stage_note(incident(stage=1, counts=COUNTS), [facts()], NOW).endswith(
        "12,403 of 20,300 calls rejected (61%), 4,120 failed (20%) since it began; all calls "
        "rejected at present."
    )


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("open", {}, "Open again, for the 2nd time. 45% of calls fail (limit 5%)."),
        ("latency", {}, "Slow again, for the 2nd time. p95 latency 912 ms (limit 600 ms)."),
        ("memory", {}, "Memory high again, for the 2nd time. Memory 91% used (limit 80%)."),
        (
            "open",
            {"state": "OBSERVE", "would_be_state": "OPEN"},
            "Would be OPEN again, for the 2nd time. 45% of calls fail (limit 5%).",
        ),
    ],
)
def test_what_is_back_is_true_to_the_state(kind: str, status: dict[str, Any], words: str) -> None:
    given = facts(kind, **{"error_rate": 0.45, **status})
    assert reopened_note(incident(given.kind, episodes=2), [given]) == words


def test_what_is_well_again_says_its_state() -> None:
    well = facts("latency", state="CLOSED", current_percentile_exact_ms=97.0, in_flight=0)
    about = incident("open")
    assert recovered_note(about, [well], NOW) == (
        "Well again after 21 s. CLOSED, p95 97 ms (limit 600 ms), memory 52%."
    )
    assert recovered_note(about, [facts(state="DISABLED")], NOW).startswith("Disabled after 21 s")
    assert recovered_note(about, [facts(state="OPEN")], NOW).startswith("No reason for an alert")
    assert "no longer configured" in recovered_note(about, [], NOW)


def test_flaps_make_one_note() -> None:
    def event(at: float, state: State) -> Transition:
        return Transition(
            breaker="payments",
            at=at,
            monotonic=0.0,
            from_state=State.CLOSED,
            to_state=state,
            reason=Reason.ERRORS,
        )

    events = [event(NOW - back, State.OPEN) for back in (200, 90, 60, 30)]
    events += [event(NOW - 5, State.CLOSED)]
    given = replace(facts(state="CLOSED", window_calls=0, in_flight=0), transitions=tuple(events))
    assert flap_note(incident(episodes=9), [given], NOW - 120, NOW) == (
        "Opened and closed 3 times in the last 2 min; closed now. CLOSED, memory 52%."
    )
    assert flap_note(incident(), [given], NOW - 120, NOW, 7).startswith(
        "Opened and closed 7 times in the last 2 min; closed now."
    )
    slow = facts("latency")
    assert flap_note(incident("latency"), [slow], NOW - 60, NOW, 1).startswith(
        "Trouble came and went once in the last 1 min; present now."
    )
    assert flap_note(incident(), [], NOW - 60, NOW, 2).startswith("Opened and closed 2 times")


def test_a_more_severe_kind_says_what_it_is() -> None:
    assert upgraded_note("open", [facts("latency"), facts()]) == (
        "Now open: 45% of calls fail (limit 5%)."
    )
    assert upgraded_note("memory", [facts("memory")]) == (
        "Now memory high: memory 91% used (limit 80%)."
    )
    assert upgraded_note("open", []) == "Now open."


def test_those_that_joined_are_named_as_far_as_there_is_room() -> None:
    assert joined_note(["b0", "b1"], 3) == "Also affected: b0, b1 (3 in all)."
    many = joined_note([f"service-{index}" for index in range(100)], 101)
    assert many.startswith("Also affected: service-0, service-1, ")
    assert many.endswith(" more (101 in all).")
    assert len(many) < 350


def test_rejected_calls_are_counted_over_the_incident_and_over_restarts(world: World) -> None:
    world.start()
    breaker = world.slow()
    world.after()
    for _ in range(7):
        assert not breaker.allow()
    world.after(11)
    world.restart()
    breaker = world.slow()
    world.after()
    for _ in range(3):
        assert not breaker.allow()
    world.after(6)
    for _ in range(5):
        assert not breaker.allow()
    world.after(6)
    breaker.reset()
    simulate_call(breaker, world.clock, 10)
    world.after(1)
    world.after(61)
    assert "15 of 26 calls rejected (58%)" in world.notes()[-1]
