"""Record of the events of a breaker, kept by the observer."""

from __future__ import annotations

import pytest

from breakerd import AlertingSettings, Evidence, Registry, Signal, State
from breakerd.alerts.incidents.observer import BreakerObserver
from breakerd.breaker.events.events import Event, ThresholdBreached, Transition
from breakerd.breaker.states import Reason

EVIDENCE = Evidence(signal=Signal.LATENCY, value=900, threshold=600, unit="ms")


def transition(to_state: State, reason: Reason) -> Transition:
    return Transition(
        breaker="pay",
        at=0.0,
        monotonic=0.0,
        from_state=State.CLOSED,
        to_state=to_state,
        reason=reason,
    )


@pytest.mark.parametrize(
    "trouble",
    [
        ThresholdBreached(
            breaker="pay", at=0.0, monotonic=0.0, signal=Signal.LATENCY, evidence=EVIDENCE
        ),
        transition(State.OPEN, Reason.LATENCY),
    ],
)
def test_what_ended_earlier_trouble_does_not_end_the_next(trouble: Event) -> None:
    observer = BreakerObserver(Registry(), AlertingSettings(), lambda: 0.0)
    observer.on_event(transition(State.OBSERVE, Reason.OPERATOR))
    assert observer.closing_reason("pay") == "it is switched to OBSERVE"
    observer.on_event(trouble)
    assert observer.closing_reason("pay") == ""
    observer.on_event(transition(State.CLOSED, Reason.RESET))
    assert observer.closing_reason("pay") == "somebody reset it"
