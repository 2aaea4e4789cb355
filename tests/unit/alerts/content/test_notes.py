"""Notes of an incident."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from breakerd.alerts.content.notes import (
    flap_note,
    joined_note,
    recovered_note,
    reminder,
    reopened_note,
    stage_note,
    upgraded_note,
)
from breakerd.alerts.model.figures import CallCounts
from breakerd.breaker.events.events import Transition
from breakerd.breaker.states import Reason, State
from breakerd.breaker.testing import simulate_call
from tests.support.alert_facts import NOW, facts, incident
from tests.unit.alerts.conftest import World

COUNTS = CallCounts(success=3777, error=4120, rejected=12_403)


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("open", {}, "Still open after 21 s, now P2. 45% of calls fail (limit 5%). "),
        (
            "open",
            {"state": "HALF_OPEN", "recovery": {"phase": "ramp", "share": 0.25}},
            "Recovering, not closed after 21 s, now P2.",
        ),
        ("latency", {}, "Still slow after 21 s, now P2. p95 latency 912 ms (limit 600 ms). "),
        (
            "memory",
            {},
            "Memory still high after 21 s, now P2. Service memory 91% used (limit 80%). ",
        ),
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
        "are rejected now."
    )


def test_a_stage_tells_that_trouble_has_become_an_open_breaker() -> None:
    note = stage_note(incident(stage=1, upgraded_to="open"), [facts()], NOW)
    assert note.startswith("Open after 21 s of trouble, now P2. 45% of calls fail (limit 5%). ")


def test_what_an_operator_opened_names_who_did() -> None:
    assert stage_note(incident(stage=1), [facts("opened-by-operator")], NOW).startswith(
        "Still open after 21 s, now P2. Opened by ada: deploying. "
    )


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("open", {}, "Open again, for the 2nd time. 45% of calls fail (limit 5%)."),
        ("latency", {}, "Slow again, for the 2nd time. p95 latency 912 ms (limit 600 ms)."),
        ("memory", {}, "Memory high again, for the 2nd time. Service memory 91% used (limit 80%)."),
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


def test_what_a_group_is_told_names_its_breakers() -> None:
    about = incident("latency", "cart", "checkout", episodes=2)
    well = [facts("latency", name, state="CLOSED") for name in about.members]
    assert recovered_note(about, well, NOW) == (
        "payments, cart, checkout are well again after 21 s."
    )
    assert flap_note(about, well, NOW - 60, NOW, 2) == (
        "Trouble came and went 2 times in the last 1 min; present now."
    )


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
        "Now memory high: service memory 91% used (limit 80%)."
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
