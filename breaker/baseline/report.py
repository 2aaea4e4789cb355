"""Baseline as JSON-compatible data, for status and metrics."""

from typing import TypedDict

from breakerd.breaker.baseline.baseline import Baseline
from breakerd.breaker.baseline.series import Quantity, Scale, Statistics


class SeriesReport(TypedDict):
    """One quantity on one scale, in requests per second, fractions, seconds or calls."""

    mean: float
    deviation: float
    derivative: float
    p50: float
    p90: float
    p95: float
    p99: float


class BaselineReport(TypedDict):
    """Statistics by quantity ("duration"), then by scale ("10s"), and the confidence, 0 to 1."""

    confidence: float
    series: dict[str, dict[str, SeriesReport]]


def report(baseline: Baseline, now: float) -> BaselineReport:
    """Return `baseline` as data, rounded to six significant digits."""
    return BaselineReport(
        confidence=round(baseline.confidence(now), 4),
        series={
            quantity.value: {
                scale.label: _rounded(baseline.statistics(quantity, scale)) for scale in Scale
            }
            for quantity in Quantity
        },
    )


def _rounded(statistics: Statistics) -> SeriesReport:
    return SeriesReport(
        mean=_six(statistics.mean),
        deviation=_six(statistics.deviation),
        derivative=_six(statistics.derivative),
        p50=_six(statistics.p50),
        p90=_six(statistics.p90),
        p95=_six(statistics.p95),
        p99=_six(statistics.p99),
    )


def _six(value: float) -> float:
    return float(f"{value:.6g}")
