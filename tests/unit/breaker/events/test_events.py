"""Evidence as a sentence: figures, limits in force, singular and plural."""

from __future__ import annotations

import pytest

from breakerd import Evidence, Signal


def evidence(
    signal: Signal, value: float, threshold: float, unit: str, samples: int = 0, **detail: object
) -> Evidence:
    return Evidence(
        signal=signal,
        value=value,
        threshold=threshold,
        unit=unit,
        samples=samples,
        detail=detail,  # type: ignore[arg-type]
    )


LATENCY, ERRORS, MEMORY, SLO = Signal.LATENCY, Signal.ERRORS, Signal.MEMORY, Signal.SLO
P95 = {"percentile_name": "p95"}


def hang(in_flight: int, hung: int, last_return: float) -> Evidence:
    return evidence(
        LATENCY,
        2000,
        1500,
        "ms",
        hung_calls=hung,
        in_flight=in_flight,
        oldest_at_least_s=2.0,
        last_return_s=last_return,
    )


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (evidence(LATENCY, 912, 600, "ms", 64, **P95), "p95 912 ms (limit 600 ms)"),
        (evidence(LATENCY, 12345.6, 1500, "ms", 64, **P95), "p95 12,346 ms (limit 1,500 ms)"),
        (evidence(LATENCY, 1500.2, 1500, "ms", 64, **P95), "p95 1,500.2 ms (limit 1,500 ms)"),
        (
            evidence(LATENCY, 2310, 1500, "ms", 1, percentile_name="probe"),
            "a probe took 2,310 ms (limit 1,500 ms)",
        ),
        (
            hang(2142, 2100, 120.4),
            "2,142 calls in flight, none has returned for 2 min (limit 1.5 s)",
        ),
        (hang(1, 1, 42.0), "1 call in flight, not returned for 42 s (limit 1.5 s)"),
        (hang(80, 37, 0.2), "37 calls in flight for more than 1.5 s (limit 1.5 s)"),
        (evidence(ERRORS, 0.45, 0.05, "fraction", 64), "45% of calls fail (limit 5%)"),
        (evidence(ERRORS, 0.502, 0.5, "fraction", 640), "50.2% of calls fail (limit 50%)"),
        (evidence(ERRORS, 1.0, 0.0, "fraction", 1, probe=True), "a probe failed"),
        (
            evidence(ERRORS, 1.0, 0.5, "fraction", 5, in_a_row=True),
            "the last 5 calls failed",
        ),
        (evidence(LATENCY, 0, 600, "ms", 0, **P95), "no calls in the window"),
        (evidence(ERRORS, 0, 0.5, "fraction", 0), "no calls in the window"),
        (evidence(MEMORY, 91, 80, "%", known=True), "91% of memory in use (limit 80%)"),
        (evidence(MEMORY, 0, 80, "%", known=False), "memory use is unknown"),
        (
            evidence(SLO, 0.45, 0.01, "fraction", 200, burn_rate_5min=2.0),
            "45% of calls fail or time out (1% allowed, burning 45×)",  # noqa: RUF001 - the sign
        ),
        (
            evidence(SLO, 0.0203, 0.01, "fraction", 200, burn_rate_5min=2.03),
            "2% of calls fail or time out (1% allowed, burning 2.03×)",  # noqa: RUF001
        ),
        (
            evidence(SLO, 1.0, 0.01, "fraction", 12, timeout_s=0.8),
            "12 calls in a row fail or hang (time-out 0.8 s)",
        ),
        (
            evidence(SLO, 1.0, 0.01, "fraction", 1, timeout_s=2.0),
            "1 call fails or hangs (time-out 2 s)",
        ),
        (
            evidence(Signal.OVERLOAD, 18, 18.2, "calls", shed_share=0.36, wanted=33.4),
            "limiter turns away 36% of calls (limit 18, 33 wanted)",
        ),
        (
            evidence(Signal.OVERLOAD, 1, 18, "calls", shed_share=0.0, wanted=1.0),
            "1 call in flight (limit 18 calls)",
        ),
        (
            evidence(Signal.LOAD, 60, 40, "%", what="CPU pressure"),
            "CPU pressure 60% (limit 40%)",
        ),
        (
            evidence(Signal.ANOMALY, 912, 120, "ms", 80, what="calls are slow and pile up"),
            "calls are slow and pile up: 912 ms (normally 120 ms)",
        ),
    ],
)
def test_an_evidence_is_a_short_sentence(found: Evidence, sentence: str) -> None:
    assert found.sentence() == sentence
    assert len(sentence) < 90
