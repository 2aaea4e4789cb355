"""Which step brings a receiver up to date, and what is recorded of it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.delivery_plan import is_behind, is_settled, next_step
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.note import Note
from breakerd.alerts.model.receiver import ReceiverPolicy
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.model.step import Step, StepKind

T = 1_800_000_000.0
OLD = AlertContent("pay open", "p95 900 ms", "pay", "breakerd", tags=["a"], details={"k": "v"})
NEW = AlertContent("pay open 60 s", "p95 950 ms", "pay", "breakerd", tags=["a"], details={"k": "v"})
UPDATES = ReceiverPolicy("r", updates=True)
PLAIN = ReceiverPolicy("r")
WHOLE = ReceiverPolicy("r", updates=True, whole=True)
STAGES = (
    Stage(0, "P3", ("team:a",)),
    Stage(60, "P2", ("team:b", "team:a")),
    Stage(300, "P1", ("team:c",)),
)


def make_incident(content: AlertContent = OLD, revision: int = 0) -> Incident:
    made = Incident(
        id="1",
        alias="a",
        breaker="pay",
        kind="open",
        opened_at=T,
        notify_at=T,
        stages=STAGES,
        content=content,
        revision=revision,
    )
    made.composed_revision = revision
    return made


def told(incident: Incident, policy: ReceiverPolicy = UPDATES) -> DeliveryState:
    """Create its alert; return the state of delivery."""
    delivery = incident.delivery_to("r")
    step = next_step(incident, T, delivery, policy)
    assert step is not None
    assert step.kind is StepKind.CREATE
    _do(incident, step, policy)
    return delivery


def renew(incident: Incident, content: AlertContent) -> None:
    incident.revision += 1
    incident.content, incident.composed_revision = content, incident.revision


def _do(incident: Incident, step: Step, policy: ReceiverPolicy = UPDATES) -> None:
    delivery = incident.delivery_to("r")
    delivery.begin(step, incident.content, len(incident.notes), whole=policy.whole)
    delivery.confirm(T, step)


def steps(incident: Incident, policy: ReceiverPolicy = UPDATES) -> list[Step]:
    """Execute all steps that are due; return them."""
    done: list[Step] = []
    while (step := next_step(incident, T, incident.delivery_to("r"), policy)) and len(done) < 20:
        _do(incident, step, policy)
        done.append(step)
    return done


# --- updates


def test_a_new_text_goes_before_the_new_priority() -> None:
    incident = make_incident()
    told(incident)
    renew(incident, NEW)
    incident.stage = 1
    update, priority = steps(incident)
    assert update == Step(StepKind.UPDATE, "P3", revision=1, parts=("message", "description"))
    assert (priority.kind, priority.priority) == (StepKind.PRIORITY, "P2")
    assert not is_behind(incident, UPDATES, T)


def test_a_receiver_without_updates_has_the_text_with_the_priority() -> None:
    incident = make_incident()
    delivery = told(incident, PLAIN)
    renew(incident, NEW)
    assert steps(incident, PLAIN) == []
    incident.stage = 1
    (priority,) = steps(incident, PLAIN)
    assert (priority.kind, priority.revision, delivery.revision) == (StepKind.PRIORITY, 1, 1)


def test_once_an_update_has_failed_the_priority_goes_first() -> None:
    incident = make_incident()
    delivery = told(incident)
    renew(incident, NEW)
    incident.stage, delivery.update_failures = 1, 1
    assert [step.kind for step in steps(incident)] == [StepKind.PRIORITY, StepKind.UPDATE]


def test_a_failed_update_is_repeated_with_its_texts_alone() -> None:
    incident = make_incident()
    delivery = told(incident)
    renew(incident, replace(NEW, tags=["b"], details={}))
    delivery.update_failures = 1
    (update,) = steps(incident)
    assert update.parts == ("message", "description")
    renew(incident, replace(NEW, message="later", tags=["b"], details={}))
    (later,) = steps(incident)
    assert later.parts == ("message", "tags", "details")


def test_while_an_update_waits_for_its_retry_nothing_is_behind() -> None:
    incident = make_incident()
    delivery = told(incident)
    renew(incident, NEW)
    delivery.update_retry_at = T + 5
    assert not is_behind(incident, UPDATES, T)
    assert is_behind(incident, UPDATES, T + 5)


def test_the_same_text_is_no_update() -> None:
    incident = make_incident()
    told(incident)
    renew(incident, replace(OLD))
    assert steps(incident) == []


def test_a_text_that_is_yet_to_be_composed_is_no_update() -> None:
    incident = make_incident()
    told(incident)
    incident.content, incident.revision = NEW, 1
    assert steps(incident) == []
    incident.composed_revision = 1
    assert [step.kind for step in steps(incident)] == [StepKind.UPDATE]


def test_neither_a_closed_incident_nor_a_reduced_alert_is_updated() -> None:
    incident = make_incident()
    delivery = told(incident)
    renew(incident, NEW)
    delivery.reduced = True
    assert steps(incident) == []
    delivery.reduced = False
    incident.close(T + 1, "over")
    assert [step.kind for step in steps(incident)] == [StepKind.CLOSE]
    assert is_settled(incident, (UPDATES,))


def test_of_two_forms_that_may_have_arrived_none_is_taken_for_the_one() -> None:
    incident = make_incident()
    delivery = incident.delivery_to("r")
    first = next_step(incident, T, delivery, UPDATES)
    assert first is not None
    delivery.begin(first, OLD, 0)  # its answer is lost
    renew(incident, NEW)
    second = next_step(incident, T, delivery, UPDATES)
    assert second is not None
    delivery.begin(second, NEW, 0)
    delivery.confirm(T, second)
    (update,) = steps(incident)
    assert update.parts == ("message", "description", "tags", "details")


def test_parts_of_an_update_without_an_answer_are_sent_again() -> None:
    incident = make_incident()
    delivery = told(incident)
    renew(incident, NEW)
    update = next_step(incident, T, delivery, UPDATES)
    assert update is not None
    delivery.begin(update, NEW, 0)
    renew(incident, OLD)
    (again,) = steps(incident)
    assert again.parts == ("message", "description")


def test_tags_that_the_alert_may_have_are_remembered() -> None:
    incident = make_incident()
    delivery = told(incident)
    renew(incident, replace(OLD, tags=["b", "a"]))
    (update,) = steps(incident)
    assert update.parts == ("tags",)
    assert delivery.tags == ["a", "b"]


# --- receivers whose requests carry the whole alert


def test_the_stage_of_a_whole_alert_is_one_request() -> None:
    incident = make_incident()
    delivery = told(incident, WHOLE)
    renew(incident, NEW)
    incident.stage = 1
    (stage,) = steps(incident, WHOLE)
    assert (stage.kind, stage.priority, stage.revision) == (StepKind.PRIORITY, "P2", 1)
    assert (delivery.revision, delivery.content) == (1, NEW.digests())
    renew(incident, OLD)
    (update,) = steps(incident, WHOLE)
    assert update.parts == ("message", "description")


def test_a_stage_of_a_whole_alert_without_an_answer_may_have_brought_its_text() -> None:
    incident = make_incident()
    delivery = told(incident, WHOLE)
    renew(incident, NEW)
    incident.stage = 1
    stage = next_step(incident, T, delivery, WHOLE)
    assert stage is not None
    delivery.begin(stage, NEW, 0, whole=True)
    incident.stage = 0
    (update,) = steps(incident, WHOLE)
    assert update.parts == ("message", "description", "tags", "details")


@pytest.mark.parametrize(("policy", "then"), [(WHOLE, []), (UPDATES, ["P2"])])
def test_an_opening_that_is_sent_again_whole_has_the_priority_that_is_due(
    policy: ReceiverPolicy, then: list[str]
) -> None:
    incident = make_incident()
    delivery = incident.delivery_to("r")
    first = next_step(incident, T, delivery, policy)
    assert first is not None
    delivery.begin(first, OLD, 0, whole=policy.whole)  # its answer is lost
    incident.stage = 1
    creation, *others = steps(incident, policy)
    assert (creation.kind, creation.priority) == (StepKind.CREATE, "P2")
    assert [step.priority for step in others] == then


# --- notes, late alerts, and what is told


def test_a_receiver_that_takes_no_notes_is_planned_none() -> None:
    incident = make_incident()
    silent = replace(PLAIN, notes=False)
    told(incident, silent)
    incident.notes.append(Note(T, "Also open: b"))
    assert steps(incident, silent) == []
    assert not is_behind(incident, silent, T)
    assert [step.kind for step in steps(incident, PLAIN)] == [StepKind.NOTE]
    incident.close(T + 1, "over")
    assert [step.kind for step in steps(incident, silent)] == [StepKind.CLOSE]
    assert is_settled(incident, (silent,))


def test_a_late_alert_opens_at_the_stage_that_is_due() -> None:
    incident = make_incident()
    incident.delivery_to("other").created = True
    incident.notes += [Note(T, "Well again"), Note(T, "Open again")]
    incident.stage = 2
    delivery = incident.delivery_to("r")
    step = next_step(incident, T, delivery, UPDATES)
    assert step is not None
    assert (step.kind, step.priority) == (StepKind.CREATE, "P1")
    assert step.responders == ("team:a", "team:b", "team:c")
    _do(incident, step)
    assert steps(incident) == [], "no note that was written before"
    incident.notes.append(Note(T, "Still open"))
    assert [each.note for each in steps(incident)] == ["Still open"]


def test_an_alert_that_is_made_anew_gets_none_of_the_old_notes() -> None:
    incident = make_incident()
    delivery = told(incident)
    incident.notes.append(Note(T, "Also open: b"))
    assert [step.kind for step in steps(incident)] == [StepKind.NOTE]
    delivery.mark_missing()
    assert [step.kind for step in steps(incident)] == [StepKind.CREATE]


def test_what_was_told_is_kept_with_its_time() -> None:
    incident = make_incident()
    delivery = told(incident)
    incident.stage = 1
    steps(incident)
    incident.close(T + 70, "over")
    steps(incident)
    assert delivery.told == [(T, "P3"), (T, "P2")]
    assert (delivery.created_at, delivery.closed_at) == (T, T)
    assert DeliveryState.from_dict(json.loads(json.dumps(asdict(delivery)))) == delivery


def test_a_closing_reaches_what_was_raised_before_the_alert_was_made_anew() -> None:
    incident = make_incident()
    delivery = told(incident)
    incident.stage = 1
    steps(incident)
    delivery.mark_missing()
    assert [step.kind for step in steps(incident)] == [StepKind.CREATE]
    incident.close(T + 70, "over")
    (closing,) = steps(incident)
    assert closing.number == 1


@pytest.mark.parametrize("kind", [StepKind.CREATE, StepKind.UPDATE, StepKind.CLOSE])
def test_a_step_is_read_as_it_was_written(kind: StepKind) -> None:
    step = Step(kind, "P1", "note", 2, ("team:a",), 3, ("message",))
    assert Step.from_dict(json.loads(json.dumps(asdict(step)))) == step
