"""What a report has of an incident."""

from __future__ import annotations

import json
from dataclasses import replace

from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Phase
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.note import Note
from breakerd.alerts.report.gather import MAX_SECTIONS, gather
from breakerd.alerts.report.material import Material
from breakerd.alerts.report.timeline import MAX_MOMENTS
from tests.support.incident_reports import (
    CLOSED,
    NOW,
    OPENED,
    WELL,
    event,
    incident,
    material,
    report,
)


def test_an_incident_that_is_over() -> None:
    found = report()
    assert (found.id, found.phase, found.priority) == ("0123abcd4567", "closed", "P2")
    assert (found.opened_at, found.well_at, found.closed_at) == (OPENED, WELL, CLOSED)
    assert not found.in_progress
    assert found.closing == "Over: it lasted 5 min."
    assert found.service == {"Service": "shop", "Team": "payments"}
    assert found.missing == ()


def test_what_tripped_is_told_with_its_evidence() -> None:
    (section,) = report().breakers
    assert section.tripped == ("10:00:00 UTC: p95 latency 900 ms (limit 600 ms)",)
    assert section.well
    assert section.episodes == 1


def test_without_a_record_the_alert_tells_what_tripped() -> None:
    (section,) = gather(incident(), Material(), NOW).breakers
    assert section.tripped == ("p95 latency 900 ms (limit 600 ms)",)
    assert section.chart.points == ()


def test_a_transition_without_evidence_is_told_in_its_own_words() -> None:
    happened = [event(0, "transition", "CLOSED → OPEN, manual: deploying", to_state="FORCED_OPEN")]
    (section,) = gather(incident(), material(events=happened), NOW).breakers
    assert section.tripped == ("10:00:00 UTC: CLOSED → OPEN, manual: deploying",)


def test_the_curves_reach_from_15_minutes_before_to_15_after() -> None:
    chart = report().breakers[0].chart
    assert (chart.start, chart.end) == (OPENED - 900, CLOSED + 900)
    assert [mark.text for mark in chart.marks] == [
        "began 09:59:30",
        "noticed 10:00:00",
        "paged 10:00:20",
        "acknowledged 10:01:20",
        "well 10:05:00",
        "closed 10:06:00",
    ]
    assert report(now=CLOSED + 5).breakers[0].chart.end == CLOSED + 5


def test_curves_of_a_long_incident_have_wider_points() -> None:
    days = report(opened_at=OPENED - 3 * 86_400).breakers[0].chart
    assert days.width == 1800.0
    assert len(days.points) < 240
    years = report(opened_at=OPENED - 700 * 86_400).breakers[0].chart
    assert years.width == 86_400.0


def test_the_timeline_has_breakers_alerts_and_people_in_order() -> None:
    told = [(each.at - OPENED, each.kind, each.text) for each in report().timeline]
    assert told == [
        (-600, "settings", "settings in force: latency_threshold: 800 → 600"),
        (-1, "signal", "latency breached: p95 latency 900 ms (limit 600 ms)"),
        (0, "alert", "incident opened by payments"),
        (0, "hold", "held back for 15 s: silence of ada: deploying"),
        (0, "transition", "CLOSED → OPEN, latency: p95 latency 900 ms (limit 600 ms)"),
        (1, "alert", "log has the alert, P3"),
        (20, "alert", "opsgenie has the alert, P3"),
        (60, "alert", "stage P2 was due"),
        (60, "note", "Still open after 1 min, now P2."),
        (62, "alert", "opsgenie has it at P2"),
        (80, "acknowledgement", "opsgenie tells that somebody acknowledged it"),
        (100, "act", "reset by ada"),
        (240, "transition", "OPEN → HALF_OPEN, wait_over"),
        (300, "transition", "HALF_OPEN → CLOSED, recovered"),
        (360, "alert", "incident closed"),
        (360, "note", "Over: it lasted 5 min."),
        (361, "alert", "opsgenie has closed the alert"),
    ]


def test_people_and_dead_letters_are_in_the_timeline() -> None:
    state = DeliveryState(
        acknowledgements=[(OPENED + 5, True), (OPENED + 9, False)],
        closed_manually_at=OPENED + 50,
        dead_letter_reason="refused",
        last_problem_at=OPENED + 7,
    )
    found = report(deliveries={"jsm": state})
    assert [each.text for each in found.timeline if each.where == "jsm"] == [
        "jsm tells that somebody acknowledged it",
        "given up: refused",
        "jsm tells that somebody withdrew the acknowledgement",
        "jsm tells that somebody closed the alert",
    ]


def test_a_long_timeline_keeps_its_ends_and_says_so() -> None:
    notes = [Note(OPENED + number, f"note {number}") for number in range(MAX_MOMENTS + 100)]
    found = report(notes=notes)
    assert len(found.timeline) == MAX_MOMENTS
    assert "note 5" in [each.text for each in found.timeline]
    assert "entries in the middle of the timeline" in found.missing[0]


def test_receivers_and_what_became_of_the_alert() -> None:
    def outcome(**values: object) -> str:
        state = replace(DeliveryState(told=[(OPENED, "P3")]), **values)  # type: ignore[arg-type]
        return report(deliveries={"jsm": state}).receivers[0].outcome

    assert outcome() == "open"
    assert outcome(closed=True) == "closed"
    assert outcome(acknowledged=True, closed=True) == "closed, acknowledged"
    assert outcome(closed_manually_at=1.0) == "closed by somebody"
    assert outcome(dead_letter_reason="refused") == "given up: refused"
    assert outcome(told=[]) == "not told"


def test_of_many_breakers_the_first_have_a_section() -> None:
    members = {f"b{number}": Member("open", OPENED) for number in range(MAX_SECTIONS + 5)}
    found = report(members=members, breaker="b0")
    assert len(found.breakers) == MAX_SECTIONS
    assert found.others == tuple(f"b{number}" for number in range(MAX_SECTIONS, MAX_SECTIONS + 5))


def test_one_in_progress_says_so() -> None:
    found = report(
        phase=Phase.ACTIVE, closed_at=0.0, resolving_since=0.0,
        members={"payments": Member("open", OPENED)},
    )  # fmt: skip
    assert found.in_progress
    assert (found.well_at, found.closed_at, found.closing) == (None, None, "")
    assert not found.breakers[0].well
    assert found.breakers[0].chart.end == NOW


def test_it_is_json() -> None:
    data = json.loads(json.dumps(report().as_dict()))
    assert data["in_progress"] is False
    assert data["breakers"][0]["chart"]["points"][0][0] == OPENED - 900
    assert data["timings"][1]["name"] == "noticed"
