from __future__ import annotations

import json

import pytest

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.delivery_plan import is_behind, is_settled, next_step
from breakerd.alerts.model.escalation import advance
from breakerd.alerts.model.incident import Incident, Phase, Rules, ordinal
from breakerd.alerts.model.receiver import ReceiverPolicy
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.model.step import Step, StepKind

T = 1_800_000_000.0


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
    assert not advance(made, T + 100, str)
    told(made)
    assert advance(made, T + 100, lambda: "State OPEN.")
    assert made.notes == ["Still open after 1 min 40 s, now P1. State OPEN."]
    assert not advance(made, T + 200, str), "only once"
    assert made.escalates_at is None


def test_the_priority_goes_before_the_note() -> None:
    made = incident()
    delivery = told(made)
    advance(made, T + 60, str)
    first = next_step(made, T + 60, delivery)
    assert first == Step(StepKind.PRIORITY, priority="P1", number=1)
    delivery.confirm(T + 60, first)
    second = next_step(made, T + 60, delivery)
    assert second is not None
    assert second.kind is StepKind.NOTE
    delivery.confirm(T + 60, second)
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
    advance(made, T + 60, str)
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
    made.notes.append("one")
    delivery.confirm(T, Step(StepKind.NOTE, note="one", number=0))
    delivery.mark_missing()
    assert next_step(made, T, delivery) == Step(StepKind.CREATE, priority="P3")
    delivery.confirm(T, Step(StepKind.CREATE, priority="P3"))
    assert next_step(made, T, delivery) == Step(StepKind.NOTE, note="one", number=0)


def test_survives_being_written_down() -> None:
    made = incident()
    delivery = told(made)
    advance(made, T + 60, str)
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
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (23, "23rd")],
)
def test_ordinals(number: int, words: str) -> None:
    assert ordinal(number) == words
