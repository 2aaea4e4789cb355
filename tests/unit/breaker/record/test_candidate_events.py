"""What a candidate would have done is recorded apart: it is no change of state."""

from __future__ import annotations

from breakerd import Breaker, CandidateSettings, Settings
from breakerd.breaker.events.events import CandidateSettled, CandidateTransition
from breakerd.breaker.record.event_source import record_event
from breakerd.breaker.testing import EventLog, ManualClock, simulate_call


def test_a_candidate_is_a_kind_of_its_own() -> None:
    clock, log = ManualClock(), EventLog()
    tried = CandidateSettings(latency_threshold=200)
    breaker = Breaker(Settings(minimum_calls=4, candidate=tried), clock=clock, memory=lambda: 0.1)
    breaker.subscribe(log)
    for _ in range(5):
        simulate_call(breaker, clock, 400)
    (event,) = log.of(CandidateTransition)
    found = record_event(event)
    assert found is not None
    assert found.kind == "candidate"
    assert found.text.startswith("candidate: CLOSED → OPEN, latency")
    settled = CandidateSettled(breaker="pay", at=1.0, monotonic=1.0, outcome="void", text="late")
    found = record_event(settled)
    assert found is not None
    assert (found.kind, found.text) == ("candidate", "promised promotion is void: late")
