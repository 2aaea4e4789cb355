"""What is normal here: moments and percentiles of the calls, on several time scales.

Pure and in fixed memory; see `docs/baseline.md`.
"""

from breakerd.breaker.baseline.baseline import Baseline
from breakerd.breaker.baseline.outlier import Departure
from breakerd.breaker.baseline.series import Quantity, Scale, Series, Statistics
from breakerd.breaker.calls.totals import Batch, Feed, Totals

__all__ = [
    "Baseline",
    "Batch",
    "Departure",
    "Feed",
    "Quantity",
    "Scale",
    "Series",
    "Statistics",
    "Totals",
]
