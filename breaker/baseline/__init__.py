"""What is normal here: moments and percentiles of the calls, on several time scales.

Pure and in fixed memory; see `docs/baseline.md`.
"""

from breaker.baseline.baseline import Baseline
from breaker.baseline.batch import Batch, Feed, Totals
from breaker.baseline.normal import Departure
from breaker.baseline.series import Quantity, Scale, Series, Statistics

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
