from __future__ import annotations

import json

import pytest

from breakerd import BreakerOpenError, DeadlineExceeded
from breakerd.breaker.integrations.problem import ProblemResponse


@pytest.mark.parametrize(("seconds", "told"), [(0, "1"), (0.2, "1"), (2, "2"), (2.001, "3")])
def test_a_rejection_says_when_to_come_again(seconds: float, told: str) -> None:
    error = BreakerOpenError("payments", reason="latency", retry_after=seconds)
    problem = ProblemResponse.of(error, "/a b/ü")
    assert problem.status == 503
    assert (problem.content("GET"), problem.content("HEAD")) == (problem.body, b"")
    assert dict(problem.headers) == {
        "content-type": "application/problem+json",
        "content-length": str(len(problem.body)),
        "cache-control": "no-store",
        "retry-after": told,
    }
    assert json.loads(problem.body) == {
        "type": "urn:breakerd:problem:rejected",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "breaker 'payments' is open (latency)"
        + (f": retry in {told} s" if seconds else ""),
        "instance": "/a%20b/%C3%BC",
        "breaker": "payments",
        "reason": "latency",
    }


def test_a_time_out() -> None:
    problem = ProblemResponse.of(DeadlineExceeded("too late"), "/")
    assert problem.status == 504
    assert "retry-after" not in dict(problem.headers)
    assert json.loads(problem.body) == {
        "type": "urn:breakerd:problem:timed-out",
        "title": "Gateway Timeout",
        "status": 504,
        "detail": "too late",
        "instance": "/",
    }
