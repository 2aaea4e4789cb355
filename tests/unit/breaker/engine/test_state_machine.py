"""The state machine by itself: each transition, at its limit, and what an override leaves of it."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import pytest

from breakerd import Breaker, Reason, RecoverySettings, Settings, State, Transition
from breakerd.breaker.engine.recovering.phases import RecoveryOutcome, RecoveryPhase
from breakerd.breaker.engine.state_machine import Change, StateMachine
from breakerd.breaker.states import RECOVERING, REJECTING, WATCHING
from breakerd.breaker.testing import EventLog, ManualClock

SETTINGS = Settings(
    latency_threshold=300, wait_time=10, recovery=RecoverySettings(probes=2, ramp=(0.5,))
)


@pytest.fixture
def machine() -> StateMachine:
    return StateMachine(SETTINGS)


def tripped(machine: StateMachine, at: float = 100.0) -> StateMachine:
    machine.trip(at, Reason.LATENCY)
    return machine


def probing(machine: StateMachine) -> StateMachine:
    tripped(machine).start_half_open(110.0)
    return machine


def test_it_begins_closed(machine: StateMachine) -> None:
    assert machine.state is machine.decided is State.CLOSED
    assert (machine.generation, machine.generation_started_at) == (0, -inf)
    assert (machine.override, machine.reason) == (None, Reason.RESET)
    assert machine.decides
    assert machine.deadline == inf
    assert machine.wait_left(0.0) == 0.0
    assert not machine.rejects_until_deadline(0.0)
    assert machine.admit(0.0)


def test_warming_up_ends_at_its_time(machine: StateMachine) -> None:
    machine.warm_up(30.0)
    assert machine.state is State.WARMING_UP
    assert machine.deadline == 30.0
    assert machine.admit(0.0)
    assert machine.end_warm_up(29.999) is None
    assert machine.end_warm_up(30.0) == Change(State.WARMING_UP, State.CLOSED, Reason.WARMUP_ENDED)
    assert machine.generation == 1
    assert machine.generation_started_at == -inf, "its calls go on counting"
    assert machine.end_warm_up(31.0) is None


def test_warming_up_ends_once_enough_is_known(machine: StateMachine) -> None:
    assert machine.end_warm_up(1.0, enough=True) is None
    machine.warm_up(30.0)
    assert machine.end_warm_up(1.0, enough=True) is not None


def test_a_trip(machine: StateMachine) -> None:
    change = machine.trip(100.0, Reason.ERRORS)
    assert change == Change(State.CLOSED, State.OPEN, Reason.ERRORS)
    assert (machine.state, machine.reason) == (State.OPEN, Reason.ERRORS)
    assert (machine.generation, machine.generation_started_at) == (1, 100.0)
    assert machine.deadline == 110.0
    assert machine.wait_left(104.0) == 6.0
    assert machine.wait_left(111.0) == 0.0
    assert machine.rejects_until_deadline(109.999)
    assert not machine.rejects_until_deadline(110.0)
    assert not machine.admit(100.0)


def test_only_a_manual_trip_starts_the_wait_anew(machine: StateMachine) -> None:
    tripped(machine)
    assert machine.trip(105.0, Reason.ERRORS) is None
    assert machine.deadline == 110.0
    assert machine.trip(105.0, Reason.MANUAL) is None
    assert machine.deadline == 115.0
    assert (machine.generation, machine.reason) == (1, Reason.LATENCY)


def test_probes_go_when_the_wait_is_over(machine: StateMachine) -> None:
    assert machine.start_half_open(200.0) is None, "it is not open"
    tripped(machine)
    assert machine.start_half_open(109.999) is None
    change = machine.start_half_open(110.0)
    assert change == Change(State.OPEN, State.HALF_OPEN, Reason.WAIT_ELAPSED)
    assert machine.wait_left(110.0) == 0.0
    assert not machine.rejects_until_deadline(110.0)
    assert [machine.admit(110.0) for _ in range(3)] == [True, True, False]


def test_memory_is_watched_in_place_of_probes(machine: StateMachine) -> None:
    assert machine.watch_memory(100.0) is None, "it is not open"
    change = tripped(machine).watch_memory(101.0)
    assert change == Change(State.OPEN, State.HALF_OPEN, Reason.MEMORY_RECOVERED)
    assert machine.recovery.phase is RecoveryPhase.MEMORY
    assert machine.admit(101.0)
    assert machine.deadline == inf


def test_a_failed_probe_and_a_failed_ramp_have_their_reasons(machine: StateMachine) -> None:
    probing(machine)
    change = machine.settle(111.0, RecoveryOutcome.FAILED)
    assert change == Change(State.HALF_OPEN, State.OPEN, Reason.PROBE_FAILED)
    assert machine.generation_started_at == 111.0
    other = probing(StateMachine(SETTINGS))
    other.recovery.phase = RecoveryPhase.RAMP
    change = other.settle(111.0, RecoveryOutcome.FAILED)
    assert change == Change(State.HALF_OPEN, State.OPEN, Reason.RAMP_FAILED)


def test_a_recovery_closes(machine: StateMachine) -> None:
    probing(machine)
    change = machine.settle(112.0, RecoveryOutcome.RECOVERED)
    assert change == Change(State.HALF_OPEN, State.CLOSED, Reason.RECOVERED)
    assert machine.deadline == inf
    assert machine.generation == 3


def test_a_step_back_makes_earlier_calls_count_for_nothing(machine: StateMachine) -> None:
    probing(machine)
    assert machine.settle(112.0, RecoveryOutcome.UNCHANGED) is None
    assert machine.generation_started_at == 110.0
    assert machine.settle(113.0, RecoveryOutcome.STEP_BACK) is None
    assert machine.generation_started_at == 113.0
    assert machine.generation == 2


def test_closing_what_is_closed_changes_nothing(machine: StateMachine) -> None:
    probing(machine).recovery.fail()
    assert machine.recovery.failures == 1
    machine.decided = State.CLOSED
    machine.generation = 0
    assert machine.close(100.0, Reason.RESET) is None
    assert machine.recovery.failures == 0
    assert machine.generation == 0
    assert tripped(machine).close(101.0, Reason.RESET) == Change(
        State.OPEN, State.CLOSED, Reason.RESET
    )


@pytest.mark.parametrize(
    ("override", "decides", "deadline"),
    [
        (State.FORCED_OPEN, False, inf),
        (State.DISABLED, False, inf),
        (State.OBSERVE, True, 110.0),
        (None, True, 110.0),
    ],
)
def test_what_an_override_leaves_to_the_signals(
    machine: StateMachine, override: State | None, decides: bool, deadline: float
) -> None:
    machine.set_override(50.0, override, Reason.OPERATOR)
    assert machine.decides is decides
    tripped(machine)
    assert machine.state is (override or State.OPEN)
    assert machine.deadline == deadline


def test_an_override_holds_a_warm_up() -> None:
    machine = StateMachine(SETTINGS)
    machine.warm_up(30.0)
    machine.override = State.DISABLED
    assert machine.deadline == inf
    machine.override = State.OBSERVE
    assert machine.deadline == 30.0


def test_an_override_is_one_change(machine: StateMachine) -> None:
    probing(machine).recovery.fail()
    machine.trip(104.0, Reason.PROBE_FAILED)
    change = machine.set_override(105.0, State.FORCED_OPEN, Reason.OPERATOR)
    assert change == Change(State.OPEN, State.FORCED_OPEN, Reason.OPERATOR)
    assert machine.set_override(106.0, State.FORCED_OPEN, Reason.OPERATOR) is None
    assert (machine.generation, machine.generation_started_at) == (4, 105.0)
    assert machine.decided is State.CLOSED
    assert machine.recovery.failures == 0
    change = machine.set_override(107.0, None, Reason.RESET)
    assert change == Change(State.FORCED_OPEN, State.CLOSED, Reason.RESET)
    assert machine.reason is Reason.RESET


def test_in_the_shadow_only_the_decision_changes(machine: StateMachine) -> None:
    change = machine.set_override(50.0, State.OBSERVE, Reason.OPERATOR)
    assert change == Change(State.CLOSED, State.OBSERVE, Reason.OPERATOR)
    change = machine.trip(100.0, Reason.LATENCY)
    assert change == Change(State.CLOSED, State.OPEN, Reason.LATENCY, shadow=True)
    assert machine.state is State.OBSERVE
    change = machine.start_half_open(110.0)
    assert change == Change(State.OPEN, State.HALF_OPEN, Reason.WAIT_ELAPSED, shadow=True)


def test_between_adaptive_probes_every_call_is_rejected(machine: StateMachine) -> None:
    probing(machine)
    machine.recovery.adaptive, machine.recovery.until = True, 111.0
    assert not any(machine.admit(110.5) for _ in range(5))
    assert machine.rejects_until_deadline(110.999)
    assert not machine.rejects_until_deadline(111.0)
    machine.recovery.adaptive = False
    assert not machine.rejects_until_deadline(110.5), "the end of a probe may let others go"
    machine.recovery.adaptive = True
    machine.close(110.6, Reason.RESET)
    assert not machine.rejects_until_deadline(110.7)


def test_a_restart_resumes_what_was(
    make: Callable[..., Breaker], clock: ManualClock, log: EventLog
) -> None:
    old, new = make(latency_threshold=300, wait_time=10), make(latency_threshold=300, wait_time=10)
    new.restore(old.snapshot())
    assert (new.state, log.of(Transition)) == (State.CLOSED, [])
    old.trip(reason="test")
    clock.advance(4)
    log.clear()
    new.restore(old.snapshot())
    (change,) = log.of(Transition)
    assert (change.from_state, change.to_state) == (State.CLOSED, State.OPEN)
    assert change.reason is Reason.RESTORED
    assert change.retry_in is not None
    assert 0 < change.retry_in <= 6
    assert not new.allow()
    clock.advance(6)
    assert old.allow(), "the first probe"
    assert old.state is State.HALF_OPEN
    other = make(latency_threshold=300, wait_time=10)
    other.restore(old.snapshot())
    assert other.state is State.OPEN, "its probe was lost with the process"
    assert other.allow()
    log.clear()
    old.reset()
    new.restore(old.snapshot())
    (change,) = log.of(Transition)[-1:]
    assert (change.to_state, new.state) == (State.CLOSED, State.CLOSED)


def test_the_kinds_of_states() -> None:
    assert {State.OPEN, State.HALF_OPEN, State.FORCED_OPEN} == REJECTING
    assert {State.CLOSED, State.WARMING_UP} == WATCHING
    assert {State.OPEN, State.HALF_OPEN} == RECOVERING
