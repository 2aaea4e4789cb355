"""Random histories of one incident and a receiver that does as it likes: what on-call can rely on.

The receiver takes requests at once, later, twice, or not at all, and its answers get lost. A crash
takes up the incident as it was written down, and the delivery as it was before the last answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.delivery_plan import is_settled, next_step
from breakerd.alerts.model.escalation import StageTexts, advance
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.model.step import Step, StepKind
from tests.support.thoroughness import examples

T = 1_800_000_000.0
STAGES = (Stage(0, "P3"), Stage(60, "P2"), Stage(120, "P1"))
WHO = "receiver"


@dataclass
class Receiver:
    """At most one open alert has the alias; creating it again changes nothing but its count."""

    priorities: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    opened: int = 0
    closed: int = 0
    is_open: bool = False

    def carry_out(self, step: Step) -> None:
        if step.kind is StepKind.CREATE and not self.is_open:
            self.opened, self.is_open = self.opened + 1, True
            self.priorities.append(step.priority)
        elif step.kind is StepKind.PRIORITY and self.is_open:
            self.priorities.append(step.priority)
        elif step.kind is StepKind.NOTE and self.is_open:
            self.notes.append(step.note)
        elif step.kind is StepKind.CLOSE and self.is_open:
            self.closed, self.is_open = self.closed + 1, False


class IncidentHistory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = T
        self.receiver = Receiver()
        self.incident = Incident(
            id="1",
            alias="a",
            breaker="pay",
            kind="open",
            opened_at=T,
            notify_at=T + 10,
            stages=STAGES,
            content=AlertContent("pay open", "", "pay", "breakerd"),
        )

    @property
    def delivery(self) -> DeliveryState:
        return self.incident.delivery_to(WHO)

    # --- what happens to the incident

    @rule(seconds=st.sampled_from([0.1, 5, 30, 61, 500]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        advance(self.incident, self.now, StageTexts(stage=str, reminder=str))

    @precondition(lambda self: self.incident.phase is Phase.ACTIVE)
    @rule()
    def the_breaker_closes(self) -> None:
        self.incident.resolve(self.now)

    @precondition(lambda self: self.incident.phase is Phase.RESOLVING)
    @rule()
    def the_breaker_opens_again(self) -> None:
        self.incident.reopen(self.now)

    @precondition(lambda self: self.incident.phase is Phase.RESOLVING)
    @rule()
    def it_is_over(self) -> None:
        self.incident.close(self.now)

    # --- what the receiver does

    @rule(fate=st.sampled_from(["done", "lost", "taken", "done and lost", "crash"]))
    def a_step_is_sent(self, fate: str) -> None:
        step = (
            None
            if self.delivery.accepted_step
            else next_step(self.incident, self.now, self.delivery)
        )
        if step is None:
            return
        assert step.kind is not StepKind.CREATE or self.now >= self.incident.notify_at
        if step.kind is StepKind.CREATE and not self.delivery.attempted_priority:
            self.delivery.attempted_priority = step.priority
        written = json.dumps(self.incident.as_dict())
        if fate in {"done", "done and lost", "crash"}:
            self.receiver.carry_out(step)
        if fate == "done":
            self.delivery.confirm(self.now, step)
        elif fate == "taken":
            self.delivery.request_id, self.delivery.accepted_step = "r", step
        elif fate == "crash":
            self.incident = Incident.from_dict(json.loads(written))
            self.incident.clamp_times(self.now)

    @precondition(lambda self: self.delivery.accepted_step)
    @rule(carried_out=st.booleans())
    def what_was_taken_is_looked_at(self, *, carried_out: bool) -> None:
        step = self.delivery.accepted_step
        assert step is not None
        if carried_out:
            self.receiver.carry_out(step)
            self.delivery.confirm(self.now, step)
        else:
            self.delivery.clear_pending()

    @precondition(lambda self: not self.incident.deliveries.get(WHO, DeliveryState()).closed)
    @rule(backwards=st.sampled_from([0, 100, 100_000]))
    def it_is_restarted(self, backwards: float) -> None:
        since = self.now - self.incident.opened_at
        self.now -= backwards
        self.incident = Incident.from_dict(json.loads(json.dumps(self.incident.as_dict())))
        self.incident.clamp_times(self.now)
        assert self.now - self.incident.opened_at >= 0
        assert self.now - self.incident.opened_at <= since

    # --- what holds whatever happens

    @invariant()
    def one_alert(self) -> None:
        assert self.receiver.opened <= 1
        assert self.receiver.closed <= self.receiver.opened

    @invariant()
    def never_closed_before_it_is_over(self) -> None:
        assert not self.receiver.closed or self.incident.phase is Phase.CLOSED

    @invariant()
    def priorities_follow_the_stages_once_each(self) -> None:
        wanted = [stage.priority for stage in STAGES]
        seen = list(dict.fromkeys(self.receiver.priorities))
        assert seen == [p for p in wanted if p in seen]
        assert self.receiver.priorities == sorted(self.receiver.priorities, reverse=True)

    @invariant()
    def nothing_is_confirmed_that_is_not_so(self) -> None:
        if self.delivery.created and not self.receiver.closed:
            assert self.receiver.is_open
            # What may have arrived counts until the next priority: nothing less is known.
            assumed = self.delivery.attempted_priority
            assert self.delivery.priority in {*self.receiver.priorities, assumed}
        assert set(self.receiver.notes) <= {note.text for note in self.incident.notes}

    def teardown(self) -> None:
        """Once the receiver does as asked, it knows all it should, in a few steps."""
        if self.delivery.accepted_step:
            self.what_was_taken_is_looked_at(carried_out=True)
        if self.incident.phase is not Phase.CLOSED:
            self.incident.close(self.now)
        for _ in range(2 * len(self.incident.notes) + 5):
            step = next_step(self.incident, self.now, self.delivery)
            if step is None:
                break
            self.receiver.carry_out(step)
            self.delivery.confirm(self.now, step)
        assert is_settled(self.incident)
        assert not self.receiver.is_open
        if self.delivery.created and self.delivery.created_at < self.incident.closed_at:
            # The last one is the note of the closing.
            assert {note.text for note in self.incident.notes[:-1]} == set(self.receiver.notes)


IncidentHistory.TestCase.settings = settings(
    max_examples=examples(150),
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.filter_too_much],
)
TestIncidentHistory = IncidentHistory.TestCase
