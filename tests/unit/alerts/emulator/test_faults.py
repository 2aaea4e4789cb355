from __future__ import annotations

import math

import pytest

from alerts.emulator import Fault, FaultError, FaultKind
from alerts.emulator.exchange import Request
from alerts.emulator.faults import MOST, Faults, answer_of

T = 1_800_000_000.0
CREATE = Request("POST", "/v2/alerts")
CLOSE = Request("POST", "/v2/alerts/a/close")


def hits(faults: Faults, request: Request = CREATE, now: float = T) -> bool:
    return faults.strike(request, now) is not None


def test_a_fault_without_end_hits_every_request() -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.DOWN), T)
    struck = faults.strike(CREATE, T + 1e6)
    assert struck is not None
    assert struck[0].kind is FaultKind.DOWN
    assert math.isinf(struck[1])


def test_a_fault_is_over_after_its_times() -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.ERROR, times=2), T)
    assert [hits(faults) for _ in range(3)] == [True, True, False]
    assert faults.as_json(T) == []


def test_a_fault_is_over_after_its_seconds() -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.DOWN, lasting=5), T)
    struck = faults.strike(CREATE, T + 3)
    assert struck is not None
    assert struck[1] == 2
    assert not hits(faults, now=T + 5)


def test_a_fault_may_be_about_one_kind_of_request() -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.DROP, path="/close", times=1), T)
    assert not hits(faults, CREATE)
    assert hits(faults, CLOSE)


def test_a_share_hits_about_that_many_and_the_same_ones_each_time() -> None:
    def struck() -> list[bool]:
        faults = Faults(seed=7)
        faults.add(Fault(FaultKind.ERROR, share=0.3), T)
        return [hits(faults) for _ in range(1_000)]

    assert struck() == struck()
    assert 250 < sum(struck()) < 350


def test_the_first_fault_that_hits_is_the_only_one() -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.DOWN, times=1), T)
    faults.add(Fault(FaultKind.ERROR, times=1), T)
    kinds = [
        struck[0].kind for struck in (faults.strike(CREATE, T), faults.strike(CREATE, T)) if struck
    ]
    assert kinds == [FaultKind.DOWN, FaultKind.ERROR]


def test_faults_can_be_taken_away() -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.DOWN), T)
    faults.clear()
    assert not hits(faults)


def test_the_number_of_faults_is_bounded() -> None:
    faults = Faults()
    for _ in range(MOST):
        faults.add(Fault(FaultKind.DOWN, lasting=1), T)
    with pytest.raises(FaultError, match="100 faults already"):
        faults.add(Fault(FaultKind.DOWN), T)
    faults.add(Fault(FaultKind.DOWN), T + 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"kind": "flood"}, "kind: found 'flood', allowed is one of down, drop"),
        ({"kind": "down", "share": 1.1}, "share: found 1.1"),
        ({"kind": "down", "share": "all"}, "share: found 'all'"),
        ({"kind": "down", "share": True}, "share: found True"),
        ({"kind": "down", "times": 0}, "times: found 0"),
        ({"kind": "down", "times": 1.5}, "times: found 1.5"),
        ({"kind": "down", "lasting": 0}, "lasting: found 0"),
        ({"kind": "slow", "delay": -1}, "delay: found -1"),
        ({"kind": "slow", "delay": math.inf}, "delay: found inf"),
        ({"kind": "error", "status": 404}, "status: found 404, allowed is 500 to 599 for error"),
        ({"kind": "html", "status": 600}, "status: found 600, allowed is 200 to 599 for html"),
        ({"kind": "down", "path": 1}, "path: found 1"),
        ({"kind": "down", "colour": "red"}, "colour: unknown; allowed are kind, share"),
        ({"share": 1}, "is not a JSON object with a kind"),
        (["down"], "is not a JSON object with a kind"),
    ],
)
def test_a_fault_that_makes_no_sense_is_not_made(data: object, reason: str) -> None:
    with pytest.raises(FaultError, match=reason):
        Fault.from_json(data)


def test_a_fault_is_made_from_json() -> None:
    fault = Fault.from_json({"kind": "error", "share": 0.5, "times": 3, "status": 500})
    assert fault == Fault(FaultKind.ERROR, share=0.5, times=3, status=500)


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
    answer = answer_of(fault, left)
    assert answer is not None
    assert answer.status == status
    assert answer.content_type.startswith(
        "text/html" if fault.kind is FaultKind.HTML else "application/json"
    )


@pytest.mark.parametrize("kind", ["down", "drop", "slow", "unapplied"])
def test_some_faults_have_no_answer_of_their_own(kind: str) -> None:
    assert answer_of(Fault(FaultKind(kind)), math.inf) is None


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
    answer = answer_of(Fault(FaultKind.RATE_LIMIT, delay=delay), left)
    assert answer is not None
    assert answer.headers["X-RateLimit-State"] == "THROTTLED"
    assert answer.headers["X-RateLimit-Period-In-Sec"] == period
    assert answer.headers.get("Retry-After") == retry_after
