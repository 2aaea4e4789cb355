from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from breakerd import Breaker
from breakerd.alerts.model.content import AlertContent, AlertContext, Spread
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.delivery_plan import is_behind, is_settled, next_step
from breakerd.alerts.model.escalation import StageTexts, advance, flap_note_due
from breakerd.alerts.model.figures import CallCounts
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.incident_parts.rules import Rules
from breakerd.alerts.model.note import Note
from breakerd.alerts.model.receiver import ReceiverPolicy
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.model.text import ordinal

if TYPE_CHECKING:
    from breakerd.breaker.runtime.status_types import Status

T = 1_800_000_000.0
QUIET = StageTexts(stage=str, reminder=str)


def incident(*, not_before: float = T, closes: bool = True) -> Incident:
    return Incident(
        id="1",
        alias="a",
        breaker="pay",
        kind="open",
        opened_at=T,
        notify_at=not_before,
        stages=(Stage(0, "P3"), Stage(60, "P1")),
        content=AlertContent("pay open", "", "pay", "breakerd"),
        rules=Rules(auto_close=closes),
    )


def told(made: Incident) -> DeliveryState:
    delivery = made.delivery_to("x")
    delivery.confirm(T, Step(StepKind.CREATE, priority="P3"))
    delivery.polled_at, delivery.polled = T + 1000, True
    return delivery


def test_is_told_from_its_time_on() -> None:
    made = incident(not_before=T + 10)
    assert next_step(made, T + 9, DeliveryState()) is None
    assert not is_behind(made, ReceiverPolicy("x"), T + 9)
    assert next_step(made, T + 10, DeliveryState()) == Step(StepKind.CREATE, priority="P3")
    assert is_behind(made, ReceiverPolicy("x"), T + 10)
    assert made.deliveries == {}, "asking changes nothing"


def test_is_not_escalated_before_it_is_told() -> None:
    made = incident()
    assert not advance(made, T + 10, QUIET)
    told(made)
    assert not advance(made, T + 59, QUIET)
    assert advance(made, T + 100, StageTexts(stage=lambda: "Still open.", reminder=str))
    assert (made.priority, made.stage_note, made.notes) == ("P1", "Still open.", [])
    assert not advance(made, T + 200, QUIET), "only once"
    assert made.escalates_at is None


def test_a_stage_is_one_message() -> None:
    made = incident()
    delivery = told(made)
    advance(made, T + 60, StageTexts(stage=lambda: "Still open.", reminder=str))
    first = next_step(made, T + 60, delivery)
    assert first == Step(StepKind.PRIORITY, priority="P1", note="Still open.", number=1)
    delivery.confirm(T + 60, first)
    assert next_step(made, T + 60, delivery) is None


def test_what_was_over_before_it_was_told_is_not_told() -> None:
    made = incident()
    made.resolve(T + 1)
    made.close(T + 1)
    assert next_step(made, T + 2, DeliveryState()) is None
    assert is_settled(made)


@pytest.mark.parametrize("closes", [True, False])
def test_what_may_have_arrived_is_closed_if_alerts_are(*, closes: bool) -> None:
    made = incident(closes=closes)
    made.delivery_to("x").attempted_priority = "P3"
    made.resolve(T + 1)
    assert next_step(made, T + 1, made.delivery_to("x")) is None, "it may come back"
    made.close(T + 9)
    step = next_step(made, T + 9, made.delivery_to("x"))
    assert (step is not None and step.kind is StepKind.CLOSE) == closes
    assert is_settled(made) != closes


def test_what_is_left_to_people_ends_with_a_note() -> None:
    made = incident(closes=False)
    delivery = told(made)
    made.close(T + 5)
    step = next_step(made, T + 5, delivery)
    assert step is not None
    assert step.kind is StepKind.NOTE
    delivery.confirm(T + 5, step)
    assert is_settled(made)


def test_what_was_given_up_is_closed_all_the_same() -> None:
    made = incident()
    delivery = told(made)
    delivery.dead_letter_reason = "422"
    advance(made, T + 60, QUIET)
    assert next_step(made, T + 60, delivery) is None
    made.close(T + 61)
    step = next_step(made, T + 61, delivery)
    assert step is not None
    assert step.kind is StepKind.CLOSE
    delivery.confirm(T + 61, step)
    assert is_settled(made)


def test_an_alert_that_was_lost_is_opened_again_with_all_notes() -> None:
    made = incident()
    delivery = told(made)
    made.notes.append(Note(T, "one"))
    delivery.confirm(T, Step(StepKind.NOTE, note="one", number=0))
    delivery.mark_missing()
    assert next_step(made, T, delivery) == Step(StepKind.CREATE, priority="P3")
    delivery.confirm(T, Step(StepKind.CREATE, priority="P3"))
    assert next_step(made, T, delivery) == Step(StepKind.NOTE, note="one", number=0)


def test_survives_being_written_down() -> None:
    made = incident()
    delivery = told(made)
    advance(made, T + 60, QUIET)
    delivery.accepted_step = next_step(made, T + 60, delivery)
    delivery.request_id = "r"
    again = Incident.from_dict(json.loads(json.dumps(made.as_dict())))
    assert again == made
    assert again.phase is Phase.ACTIVE


def test_a_clock_that_is_behind_keeps_what_has_passed() -> None:
    made = incident(not_before=T + 5)
    delivery = told(made)
    delivery.accepted_at = delivery.retry_at = T + 40
    made.clamp_times(T - 1000)
    assert (made.opened_at, made.notify_at) == (T - 1000, T - 995)
    assert (delivery.accepted_at, delivery.created_at, delivery.retry_at) == (
        T - 1000,
        T - 1000,
        0,
    )


def test_a_clock_that_is_ahead_changes_no_times() -> None:
    made = incident(not_before=T + 5)
    made.clamp_times(T + 1000)
    assert (made.opened_at, made.notify_at) == (T, T + 5)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (10, "10th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (14, "14th"),
        (20, "20th"),
        (21, "21st"),
        (112, "112th"),
    ],
)
def test_ordinals(number: int, words: str) -> None:
    assert ordinal(number) == words


def test_begins_with_its_own_breaker_and_nothing_else() -> None:
    made = incident()
    assert made.members == {"pay": Member("open", T)}
    assert made.joined_at == T
    assert (made.closed_at, made.ack_poll_since, made.resolving_since) == (0, 0, 0)
    assert (made.first_due_at, made.peak_recorded_at, made.unannounced_since) == (0, 0, 0)
    assert (made.stage, made.episodes, made.reminders, made.counts.all) == (0, 1, 0, 0)
    assert not made.drill


def test_by_default_alerts_are_closed_and_missed_ones_told_and_nobody_is_reminded() -> None:
    assert Rules() == Rules(
        auto_close=True, notify_missed=True, reopen_after=None, remind_after=0.0
    )


def test_a_later_stage_is_due_after_its_time_while_the_incident_lasts() -> None:
    made = incident(not_before=T + 5)
    assert made.escalates_at == T + 60, "counted from its beginning"
    made.resolve(T + 10)
    assert made.escalates_at is None


def test_recoveries_and_relapses_are_noted_ever_more_rarely() -> None:
    made = incident()
    told(made)
    noted = []
    for second in range(0, 2000, 10):
        now = T + second
        if second % 20:
            made.resolve(now)
        elif second:
            made.reopen(now)
        if flap_note_due(made, now):
            made.add_note(now, "flaps")
            made.flap_notes += 1
            noted.append(second)
    assert noted == [60, 360, 960], "60, 300, 600 s after the last message"


def test_a_recovery_is_not_noted_right_before_the_closing() -> None:
    made = incident()
    told(made)
    made.resolve(T + 300)
    assert not flap_note_due(made, T + 359)
    assert flap_note_due(made, T + 360), "it may stay open for long: `resolve_after`"


def test_a_stage_tells_of_recoveries_too() -> None:
    made = incident()
    told(made)
    made.resolve(T + 30)
    made.reopen(T + 31)
    assert made.flapped_at == T + 30
    assert advance(made, T + 60, QUIET)
    assert made.flapped_at == 0
    assert not flap_note_due(made, T + 1000)


def test_nobody_is_told_of_recoveries_before_the_alert() -> None:
    made = incident()
    made.resolve(T + 1)
    made.reopen(T + 2)
    assert made.flapped_at == 0


def test_who_joins_is_announced_only_where_somebody_may_know_the_alert() -> None:
    made = incident()
    made.join(T + 1, "cart", Member("open", T + 1))
    assert (made.unannounced, made.joined_at) == ([], T + 1)
    told(made)
    made.join(T + 2, "search", Member("memory", T + 2))
    made.join(T + 3, "users", Member("open", T + 3))
    assert (made.unannounced, made.unannounced_since) == (["search", "users"], T + 2)
    made.announce_joined(T + 4, lambda names, count: f"{names} of {count}")
    assert (made.unannounced, made.notes) == ([], [Note(T + 4, "['search', 'users'] of 4")])
    assert made.members["search"] == Member("memory", T + 2)


def with_plans(*members: Member) -> Incident:
    made = incident()
    made.plans = {"page": made.stages, "low": (Stage(0, "P4"),)}
    made.members = {f"b{number}": member for number, member in enumerate(members)}
    return made


def test_the_highest_stage_of_all_breakers_is_due() -> None:
    made = with_plans(Member("open", T), Member("open", T + 50))
    told(made)
    made.members["b0"].recovered = True
    assert not advance(made, T + 60, QUIET), "the one that is left has its own beginning"
    assert made.escalates_at == T + 110
    assert advance(made, T + 110, QUIET)
    assert made.priority == "P1"


def test_what_is_held_back_does_not_raise_the_alert() -> None:
    made = with_plans(Member("open", T), Member("open", T + 50))
    told(made)
    made.members["b0"].held_by = "silenced"
    assert not advance(made, T + 60, QUIET)
    made.members["b0"].held_by = ""
    assert advance(made, T + 70, QUIET)


def test_a_late_alert_begins_at_the_stage_that_is_due() -> None:
    made = incident(not_before=T + 100)
    assert advance(made, T + 100, QUIET)
    step = next_step(made, T + 100, DeliveryState())
    assert step is not None
    assert (step.kind, step.priority, step.note) == (StepKind.CREATE, "P1", "")
    assert made.stage_times == [(T + 60, "P1")]


def test_a_severity_that_rises_begins_its_stages_then() -> None:
    made = with_plans(Member("degraded", T, severity="low"))
    made.stages = made.plans["low"]
    delivery = told(made)
    delivery.acknowledged = True
    assert not advance(made, T + 400, QUIET)
    made.members["b0"].change_severity(T + 400, "page")
    assert advance(made, T + 400, QUIET), "though somebody has acknowledged the lesser"
    assert made.priority == "P3"
    delivery.acknowledged = False
    assert advance(made, T + 460, QUIET)
    assert made.priority == "P1"


def test_the_priority_never_falls() -> None:
    made = with_plans(Member("open", T))
    told(made)
    assert advance(made, T + 60, QUIET)
    made.members["b0"].change_severity(T + 61, "low")
    assert not advance(made, T + 62, QUIET)
    assert made.priority == "P1"
    made.members["b0"].change_severity(T + 63, "page")
    assert not advance(made, T + 64, QUIET)
    assert made.priority == "P1"


def test_an_alert_that_is_opened_again_has_the_stage_that_is_due() -> None:
    made = incident()
    made.rules = Rules(reopen_after=1800)
    delivery = told(made)
    delivery.closed_manually_at = T + 30
    assert not advance(made, T + 1829, QUIET), "whoever closed it is left alone so long"
    assert advance(made, T + 1830, QUIET)
    step = next_step(made, T + 1830, delivery)
    assert step is not None
    assert (step.kind, step.priority, step.number) == (StepKind.CREATE, "P1", 1)


def facts(process: str, rejected: int, *before: int) -> AlertContext:
    calls = {"success": 10, "error": 5, "abandoned": 0, "rejected": rejected}
    status = {**Breaker(name="pay").status(), "calls": calls, "would_reject": rejected}
    return AlertContext(
        "open", False, "latency", "", (), cast("Status", status),
        process=process, totals_before=before,
    )  # fmt: skip


def test_rejected_calls_add_up_over_processes() -> None:
    counts = CallCounts()
    for rejected in (100, 140, 10, 15):
        counts.add(facts("1", rejected))
    assert counts.rejected == 55, "40 after the first look, and 15 in the next process"
    assert counts.would_reject == 55
    counts.add(facts("2", 30, 4, 5, 10, 10))
    assert counts.rejected == 75, "and 20 since the trouble began in another one"
    assert counts.success == 10 + 6


def test_counts_say_of_which_processes_they_are() -> None:
    counts = CallCounts()
    counts.add(replace(facts("1", 100), spread=Spread(2)))
    assert counts.where == " in 1 of 2 processes"
    counts.add(replace(facts("2", 100), spread=Spread(2)))
    assert counts.where == ""


def test_the_worst_number_of_calls_in_flight_is_that_of_all_processes() -> None:
    def waiting(process: str, in_flight: int) -> AlertContext:
        known = facts(process, 0)
        status = cast("Status", {**known.status, "in_flight": in_flight, "error_rate": 0.5})
        return replace(known, status=status)

    made = incident()
    made.record_figures([waiting("1", 16), waiting("2", 12)])
    assert made.peak is not None
    assert (made.peak.in_flight, made.peak.error_rate) == (28, 0.5)


def test_a_clock_that_is_behind_while_it_resolves() -> None:
    made = incident()
    told(made)
    made.resolve(T + 100)
    made.first_due_at = made.joined_at = made.ack_poll_since = T + 90
    made.members["pay"].since = T + 90
    made.clamp_times(T + 40)
    assert (made.opened_at, made.notify_at, made.resolving_since) == (T - 60, T - 60, T + 40)
    assert (made.first_due_at, made.joined_at, made.members["pay"].since) == (
        T + 40,
        T + 40,
        T + 30,
    )
    assert made.ack_poll_since == 0


def test_when_it_was_told_and_to_whom() -> None:
    made = incident()
    assert (made.notified_at, made.maybe_notified, made.handled) == (0, False, False)
    made.delivery_to("y").attempted_priority = "P3"
    assert (made.notified_at, made.maybe_notified) == (0, True)
    told(made)
    assert made.notified_at == T
    made.delivery_to("y").acknowledged = True
    assert made.handled
    made.delivery_to("z").dead_letter_reason = "422"
    assert list(made.dead_letters) == ["z"]


def test_one_that_was_missed_says_so() -> None:
    made = incident()
    made.mark_missed("Nobody could be told.")
    assert made.content.message == "[OVER] pay open"
    assert made.content.description == "Nobody could be told.\n\n"
