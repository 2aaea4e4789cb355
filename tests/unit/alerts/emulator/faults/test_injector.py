from __future__ import annotations

import math

import pytest

from breakerd.alerts.emulator import Fault, FaultError, FaultKind
from breakerd.alerts.emulator.api.messages import Request, Response
from breakerd.alerts.emulator.faults.injector import (
    MAX_FAULTS,
    FaultInjector,
    Injection,
    RateLimitState,
    altered_response,
    injected_response,
)

T = 1_800_000_000.0
CREATE = Request("POST", "/v2/alerts")
CLOSE = Request("POST", "/v2/alerts/a/close")


def hits(faults: FaultInjector, request: Request = CREATE, now: float = T) -> bool:
    return faults.match(request, now) is not None


def test_a_fault_without_end_hits_every_request() -> None:
    faults = FaultInjector()
    faults.add(Fault(FaultKind.DOWN), T)
    struck = faults.match(CREATE, T + 1e6)
    assert struck is not None
    assert struck.fault.kind is FaultKind.DOWN
    assert math.isinf(struck.left)


def test_a_fault_is_over_after_its_times() -> None:
    faults = FaultInjector()
    faults.add(Fault(FaultKind.ERROR, times=2), T)
    assert [hits(faults) for _ in range(3)] == [True, True, False]
    assert faults.as_json(T) == []


def test_a_fault_is_over_after_its_seconds() -> None:
    faults = FaultInjector()
    faults.add(Fault(FaultKind.DOWN, lasting=5), T)
    struck = faults.match(CREATE, T + 3)
    assert struck is not None
    assert struck.left == 2
    assert not hits(faults, now=T + 5)


def test_a_fault_may_be_about_one_kind_of_request() -> None:
    faults = FaultInjector()
    faults.add(Fault(FaultKind.DROP, path="/close", times=1), T)
    assert not hits(faults, CREATE)
    assert hits(faults, CLOSE)


def test_a_share_hits_about_that_many_and_the_same_ones_each_time() -> None:
    def struck() -> list[bool]:
        faults = FaultInjector(seed=7)
        faults.add(Fault(FaultKind.ERROR, share=0.3), T)
        return [hits(faults) for _ in range(1_000)]

    assert struck() == struck()
    assert 250 < sum(struck()) < 350


def test_the_first_fault_that_hits_is_the_only_one() -> None:
    faults = FaultInjector()
    faults.add(Fault(FaultKind.DOWN, times=1), T)
    faults.add(Fault(FaultKind.ERROR, times=1), T)
    kinds = [
        struck.fault.kind for struck in (faults.match(CREATE, T), faults.match(CREATE, T)) if struck
    ]
    assert kinds == [FaultKind.DOWN, FaultKind.ERROR]


def test_faults_can_be_taken_away() -> None:
    faults = FaultInjector()
    faults.add(Fault(FaultKind.DOWN), T)
    faults.clear()
    assert not hits(faults)


def test_the_number_of_faults_is_bounded() -> None:
    faults = FaultInjector()
    for _ in range(MAX_FAULTS):
        faults.add(Fault(FaultKind.DOWN, lasting=1), T)
    with pytest.raises(FaultError, match="1000 of at most 1000 faults"):
        faults.add(Fault(FaultKind.DOWN), T)
    faults.add(Fault(FaultKind.DOWN), T + 1)


@pytest.mark.parametrize(
    ("fault", "left", "status"),
    [
        (Fault(FaultKind.ERROR), math.inf, 503),
        (Fault(FaultKind.ERROR, status=500), math.inf, 500),
        (Fault(FaultKind.HTML), math.inf, 502),
        (Fault(FaultKind.HTML, status=200), math.inf, 200),
        (Fault(FaultKind.UNAUTHORIZED), math.inf, 401),
        (Fault(FaultKind.RATE_LIMIT), math.inf, 429),
    ],
)
def test_what_is_answered_instead(fault: Fault, left: float, status: int) -> None:
    answer = injected_response(Injection(fault, left))
    assert answer is not None
    assert answer.status == status
    assert answer.content_type.startswith(
        "text/html" if fault.kind is FaultKind.HTML else "application/json"
    )


@pytest.mark.parametrize(
    "kind", ["down", "refuse", "drop", "slow", "delayed", "unapplied", "truncated", "empty"]
)
def test_some_faults_have_no_answer_of_their_own(kind: str) -> None:
    assert injected_response(Injection(Fault(FaultKind(kind)), math.inf)) is None


@pytest.mark.parametrize(
    ("delay", "left", "period", "retry_after"),
    [
        (30, math.inf, "30", "30"),
        (30, 7.2, "8", "8"),
        (0.25, math.inf, "0.250", None),
    ],
)
def test_a_rate_limit_tells_how_long_it_lasts(
    delay: float, left: float, period: str, retry_after: str | None
) -> None:
    answer = injected_response(Injection(Fault(FaultKind.RATE_LIMIT, delay=delay), left))
    assert answer is not None
    assert answer.headers["X-RateLimit-State"] == "THROTTLED"
    assert answer.headers["X-RateLimit-Period-In-Sec"] == period
    assert answer.headers.get("Retry-After") == retry_after


def test_a_hanging_answer_never_goes_out() -> None:
    answer = injected_response(Injection(Fault(FaultKind.HANG), math.inf))
    assert answer is not None
    assert math.isinf(answer.late)


@pytest.mark.parametrize(
    ("kind", "status", "content"),
    [
        ("unapplied", 202, b'{"result": "done"}'),
        ("slow", 202, b'{"result": "done"}'),
        ("truncated", 202, b'{"result"'),
        ("empty", 200, b""),
    ],
)
def test_what_becomes_of_an_answer(kind: str, status: int, content: bytes) -> None:
    answer = altered_response(Response(202, {"result": "done"}), Fault(FaultKind(kind), delay=3))
    assert answer is not None
    assert (answer.status, answer.encoded()) == (status, content)
    assert answer.late == (3 if kind == "slow" else 0)


def test_a_dropped_answer_is_lost() -> None:
    assert altered_response(Response(202, {}), Fault(FaultKind.DROP)) is None


# --- schedules


def test_a_fault_begins_after_its_seconds_and_lasts_from_there() -> None:
    faults = FaultInjector()
    faults.add(Fault(FaultKind.DOWN, after=10, lasting=5), T)
    assert [hits(faults, now=T + at) for at in (0, 9.9, 10, 14.9, 15)] == [
        False, False, True, True, False,
    ]  # fmt: skip


def test_a_schedule_is_known_before_it_begins_and_gone_when_it_is_over() -> None:
    faults = FaultInjector()
    faults.add_all([Fault(FaultKind.DOWN, lasting=1), Fault(FaultKind.HTML, after=5)], T)
    assert [one["kind"] for one in faults.as_json(T)] == ["down", "html"]
    assert [one["kind"] for one in faults.as_json(T + 1)] == ["html"]


def test_of_a_schedule_that_is_too_long_nothing_is_taken() -> None:
    faults = FaultInjector()
    with pytest.raises(FaultError, match="0 of at most 1000 faults"):
        faults.add_all([Fault(FaultKind.DOWN)] * (MAX_FAULTS + 1), T)
    assert faults.as_json(T) == []


def test_a_fault_may_be_used_again() -> None:
    fault = Fault(FaultKind.DOWN, times=1)
    for _ in range(2):
        faults = FaultInjector()
        faults.add(fault, T)
        assert [hits(faults), hits(faults)] == [True, False]


def test_connections_are_refused_while_that_lasts() -> None:
    faults = FaultInjector()
    faults.add(Fault(FaultKind.REFUSE, after=1, lasting=2), T)
    assert [faults.refusing(T + at) for at in (0, 1, 2.9, 3)] == [False, True, True, False]


# --- windows


def test_a_request_in_a_window_is_throttled_and_warned_once_there_was_an_answer() -> None:
    faults = FaultInjector()
    faults.add(Fault(FaultKind.RATE_LIMIT, after=1, lasting=10), T)
    assert faults.rate_limit_state(CREATE, T) == RateLimitState()
    assert faults.rate_limit_state(CREATE, T + 1) == RateLimitState(throttled=True)
    assert hits(faults, now=T + 1)
    assert faults.rate_limit_state(CREATE, T + 10) == RateLimitState(throttled=True, warned=True)
    assert not hits(faults, now=T + 11)
    assert faults.rate_limit_state(CREATE, T + 11) == RateLimitState()


def test_a_pause_that_was_asked_for_outlasts_the_fault() -> None:
    faults = FaultInjector()
    faults.add(Fault(FaultKind.RATE_LIMIT, times=1, delay=30), T)
    assert hits(faults)
    assert not hits(faults, now=T + 1)
    assert faults.rate_limit_state(CREATE, T + 1) == RateLimitState(warned=True)
    assert faults.rate_limit_state(CREATE, T + 30) == RateLimitState()


def test_a_window_may_be_about_one_kind_of_request() -> None:
    faults = FaultInjector()
    faults.add(Fault(FaultKind.RATE_LIMIT, lasting=10, path="/close"), T)
    assert hits(faults, CLOSE)
    assert faults.rate_limit_state(CREATE, T + 1) == RateLimitState()
    assert faults.rate_limit_state(CLOSE, T + 1) == RateLimitState(throttled=True, warned=True)
