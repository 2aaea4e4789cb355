from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from breakerd import (
    Breaker,
    BreakerStateError,
    Event,
    RecoveryStep,
    Settings,
    SettingsChanged,
    Slo,
    ThresholdBreached,
    Transition,
)
from breakerd.breaker.testing import BreakerHandle, Breakers, take_over


@pytest.fixture
def taken() -> Iterator[Breakers]:
    with take_over() as breakers:
        yield breakers


@pytest.fixture
def payments(taken: Breakers) -> BreakerHandle:
    settings = Settings(latency_threshold=600, error_threshold=0.5, wait_time=10)
    breaker = Breaker(settings, name="payments")
    return taken[breaker]


# --- states


def test_open_half_open_and_close(payments: BreakerHandle) -> None:
    payments.open()
    assert (payments.state, payments.succeed(3)) == ("OPEN", 0)
    payments.half_open()
    assert payments.state == "HALF_OPEN"
    assert payments.succeed() == 1
    payments.close()
    assert payments.state == "CLOSED"
    payments.assert_transitions("CLOSED", "OPEN", "HALF_OPEN", "CLOSED")


@pytest.mark.parametrize("reason", ["manual", "latency", "errors", "failure_streak"])
def test_it_opens_for_a_reason(payments: BreakerHandle, reason: str) -> None:
    payments.open(reason)
    payments.assert_opened(reason)
    assert payments.breaker.rejection().reason == reason
    events = len(payments.events)
    payments.open("manual")
    assert len(payments.events) == events


@pytest.mark.parametrize("reason", ["memory", "load", "reset", "slow"])
def test_it_does_not_open_for_what_would_end_at_once(payments: BreakerHandle, reason: str) -> None:
    with pytest.raises(ValueError, match=rf"'{reason}'; allowed: manual, latency, errors"):
        payments.open(reason)


def test_the_reason_decides_how_it_recovers(taken: Breakers) -> None:
    tuned = taken[Breaker(Settings(slo=Slo(success_rate=0.99, timeout=1)), name="tuned")]
    tuned.open("failure_streak")
    assert tuned.breaker.retry_after == 0.25
    tuned.close()
    tuned.open()
    assert tuned.breaker.retry_after == 10


def test_probes_may_go_at_once_when_half_open(taken: Breakers) -> None:
    tuned = taken[Breaker(Settings(slo=Slo(success_rate=0.99, timeout=1)), name="tuned")]
    tuned.open("failure_streak")
    tuned.half_open()
    assert tuned.succeed() == 1
    tuned.half_open()
    tuned.assert_transitions("CLOSED", "OPEN", "HALF_OPEN")


@pytest.mark.parametrize("bring", [BreakerHandle.open, BreakerHandle.half_open])
def test_an_override_stays_until_close(
    payments: BreakerHandle, bring: Callable[[BreakerHandle], None]
) -> None:
    payments.breaker.disable()
    with pytest.raises(BreakerStateError):
        bring(payments)
    payments.close()
    bring(payments)
    payments.assert_opened()


# --- calls


def test_calls_count_as_those_of_an_application(payments: BreakerHandle, taken: Breakers) -> None:
    assert (payments.succeed(3), payments.fail(2), payments.slow(1, 0.5)) == (3, 2, 1)
    payments.assert_calls(success=4, error=2, abandoned=0, rejected=0, in_flight=0)
    assert taken.now == 1000.5
    assert payments.breaker.latencies_above(400) == [500]


def test_errors_trip(payments: BreakerHandle) -> None:
    assert payments.fail(30) < 30
    payments.assert_opened("errors")
    payments.assert_rejected()


def test_slow_calls_trip(payments: BreakerHandle) -> None:
    payments.slow(10, 2)
    payments.assert_opened("latency")
    payments.assert_events(ThresholdBreached, Transition)


def test_a_call_in_flight_is_seen(payments: BreakerHandle) -> None:
    assert payments.breaker.allow()
    payments.assert_calls(in_flight=1)


# --- assertions


def path_of(states: str) -> Callable[[BreakerHandle], None]:
    return lambda handle: handle.assert_transitions(*states.split())


FAILING: dict[str, tuple[Callable[[BreakerHandle], object], str]] = {
    "state": (lambda h: h.assert_state("CLOSED"), "is HALF_OPEN, not CLOSED"),
    "not opened": (lambda h: h.assert_not_opened(), "opened for manual"),
    "reason": (lambda h: h.assert_opened("errors"), "did not open for 'errors', but for manual"),
    "transitions": (
        path_of("CLOSED OPEN"),
        "went CLOSED -> OPEN -> HALF_OPEN, not CLOSED -> OPEN",
    ),
    "first state": (path_of("OPEN HALF_OPEN"), "not OPEN -> HALF_OPEN"),
    "calls": (
        lambda h: h.assert_calls(success=1, rejected=2, error=3),
        "had calls: 2 success, not 1; 0 error, not 3",
    ),
    "rejected": (lambda h: h.assert_rejected(3), "had calls: 2 rejected, not 3"),
    "events": (
        lambda h: h.assert_events(RecoveryStep, Transition),
        "had no events RecoveryStep, Transition in this order; missing is RecoveryStep",
    ),
    "order": (
        lambda h: h.assert_events(SettingsChanged, Transition),
        "missing is Transition",
    ),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_failed_assertion_tells_what_happened(payments: BreakerHandle, name: str) -> None:
    assertion, message = FAILING[name]
    payments.open()
    payments.succeed(2)
    payments.half_open()
    payments.succeed(2)
    payments.breaker.apply(Settings(latency_threshold=700, error_threshold=0.8, wait_time=10))
    with pytest.raises(AssertionError) as failed:
        assertion(payments)
    told, _, _ = str(failed.value).partition("\nnote: ")  # of breakers that other tests hold
    first, state, calls, *events = told.splitlines()
    assert first.startswith("breaker 'payments' ")
    assert first.endswith(message)
    assert state == "state:  HALF_OPEN at +0 s"
    assert calls == "calls:  2 success, 0 error, 0 abandoned, 2 rejected, 0 in flight"
    assert events == [
        "events:",
        "  +0 s  Transition CLOSED -> OPEN (manual)",
        "  +0 s  Transition OPEN -> HALF_OPEN (wait_elapsed)",
        "  +0 s  SettingsChanged latency_threshold, error_threshold",
    ]


def test_an_assertion_that_holds_is_silent(payments: BreakerHandle) -> None:
    payments.assert_not_opened()
    payments.assert_transitions("CLOSED")
    payments.assert_events()
    payments.open()
    payments.succeed()
    payments.assert_state("OPEN")
    payments.assert_opened()
    payments.assert_opened("manual")
    payments.assert_rejected()
    payments.assert_rejected(1)
    payments.assert_events(Transition)
    payments.assert_events(Event)


def test_nothing_happened_is_told_too(payments: BreakerHandle) -> None:
    with pytest.raises(AssertionError, match=r"did not open\n(.*\n)+events: none"):
        payments.assert_opened()
    with pytest.raises(AssertionError, match="rejected no call"):
        payments.assert_rejected()


@pytest.mark.parametrize(
    "misspelt",
    [
        lambda handle: handle.assert_state("open"),
        lambda handle: handle.assert_transitions("CLOSED", "OPENED"),
        lambda handle: handle.assert_opened("error"),
    ],
    ids=["state", "transitions", "reason"],
)
def test_a_misspelt_name_is_no_failure_of_the_breaker(
    payments: BreakerHandle, misspelt: Callable[[BreakerHandle], None]
) -> None:
    payments.open()
    with pytest.raises(ValueError, match="is not a valid"):
        misspelt(payments)


def test_evidence_notes_and_steps_are_told(payments: BreakerHandle, taken: Breakers) -> None:
    payments.slow(10, 2)
    payments.close()
    payments.breaker.force_open("deploy")
    payments.close()
    payments.half_open()
    payments.succeed(5)
    taken.memory = 0.99
    with pytest.raises(AssertionError) as failed:
        payments.assert_state("CLOSED")
    message = str(failed.value)
    assert "CLOSED -> OPEN (latency); p95 2,000 ms (limit 600 ms)" in message
    assert "-> FORCED_OPEN (operator) 'deploy'" in message
    assert "RecoveryStep admits 10% of the calls" in message
    assert "ThresholdBreached 99% of memory in use" in message


def test_events_are_those_of_one_breaker(payments: BreakerHandle, taken: Breakers) -> None:
    other = taken[Breaker(name="other")]
    other.open()
    payments.open()
    assert [event.breaker for event in taken.events] == ["other", "payments"]
    assert [event.breaker for event in payments.events] == ["payments"]
    assert repr(payments) == "<BreakerHandle of <Breaker 'payments' OPEN>>"
