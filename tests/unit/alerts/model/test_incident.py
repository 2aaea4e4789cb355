from __future__ import annotations

import json

import pytest

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.delivery_plan import is_behind, is_settled, next_step
from breakerd.alerts.model.escalation import StageTexts, advance
from breakerd.alerts.model.figures import CallCounts
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.incident_parts.rules import Rules
from breakerd.alerts.model.note import Note
from breakerd.alerts.model.receiver import ReceiverPolicy
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.model.text import ordinal

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
    assert not advance(made, T + 100, QUIET)
    told(made)
    assert advance(made, T + 100, StageTexts(stage=lambda: "Still open.", reminder=str))
    assert (made.priority, made.stage_note, made.notes) == ("P1", "Still open.", [])
    assert not advance(made, T + 200, QUIET), "only once"
    assert made.escalates_at is None


def test_a_stage_is_one_message() -> None:
    made = incident()
    delivery = told(made)
    advance(made, T + 60, StageTexts(stage=lambda: "Still open.", reminder=str))
    made.composed_revision = made.revision
    first = next_step(made, T + 60, delivery)
    assert first == Step(
        StepKind.PRIORITY, priority="P1", note="Still open.", number=1, revision=made.revision
    )
    delivery.confirm(T + 60, first)
    assert next_step(made, T + 60, delivery) is None


def test_what_was_over_before_it_was_told_is_not_told() -> None:
    made = incident()
    made.resolve(T + 1, "")
    made.close(T + 1)
    assert next_step(made, T + 2, DeliveryState()) is None
    assert is_settled(made)


@pytest.mark.parametrize("closes", [True, False])
def test_what_may_have_arrived_is_closed_if_alerts_are(*, closes: bool) -> None:
    made = incident(closes=closes)
    made.delivery_to("x").attempted_priority = "P3"
    made.resolve(T + 1, "")
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
    assert made.escalates_at == T + 65
    made.resolve(T + 10, "State CLOSED.")
    assert made.escalates_at is None


def test_the_first_episodes_have_notes_and_then_fewer_and_fewer() -> None:
    made = incident()
    noted = []
    for episode in range(1, 34):
        before = len(made.notes)
        made.resolve(T + 90, "Well again.")
        if len(made.notes) > before:
            noted.append(episode)
        made.reopen(T + 91, lambda: "Open again.")
    assert noted == [1, 2, 3, 4, 5, 8, 16, 32]
    assert made.notes[:2] == [Note(T + 90, "Well again."), Note(T + 91, "Open again.")]
    assert (made.phase, made.closed_at) == (Phase.ACTIVE, 0)


def test_who_joins_is_announced_only_where_somebody_may_know_the_alert() -> None:
    made = incident()
    made.join(T + 1, "cart", "open")
    assert (made.unannounced, made.joined_at) == ([], T + 1)
    told(made)
    made.join(T + 2, "search", "memory")
    made.join(T + 3, "users", "open")
    assert (made.unannounced, made.unannounced_since) == (["search", "users"], T + 2)
    made.announce_joined(T + 4, lambda names, count: f"{names} of {count}")
    assert (made.unannounced, made.notes) == ([], [Note(T + 4, "['search', 'users'] of 4")])
    assert made.members["search"] == Member("memory", T + 2)


def test_a_more_severe_kind_is_told_no_later() -> None:
    made = incident(not_before=T + 50)
    made.upgrade(T, "open", T + 80, "worse")
    assert made.notify_at == T + 50
    made.upgrade(T, "open", T + 20, "worse")
    assert made.notify_at == T + 20
    told(made)
    made.upgrade(T, "open", T + 10, "worse")
    assert made.notify_at == T + 20, "it was told already"
    made.upgrade(T, "memory", T + 30, "full", (Stage(0, "P1"),))
    assert (made.kind, made.priority, made.stage, made.notify_at) == ("memory", "P1", 0, T + 30)
    assert made.notes[-1] == Note(T, "full")


def test_rejected_calls_add_up_over_processes() -> None:
    counts = CallCounts()
    for rejected in (100, 140, 10, 15):
        counts.add("1/pay", {"success": 0, "error": 0, "abandoned": 0, "rejected": rejected})
    assert counts.rejected == 55, "40 after the first look, and 15 in the next process"


def test_a_clock_that_is_behind_while_it_resolves() -> None:
    made = incident()
    told(made)
    made.resolve(T + 100, "State CLOSED.")
    made.first_due_at = made.joined_at = made.ack_poll_since = T + 90
    made.members["pay"].since = T + 90
    made.clamp_times(T + 40)
    assert (made.opened_at, made.notify_at, made.resolving_since) == (T - 60, T - 60, T + 40)
    assert (made.first_due_at, made.joined_at, made.members["pay"].since) == (T + 40,) * 3
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
