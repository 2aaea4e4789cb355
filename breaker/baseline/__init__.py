"""Baseline of a breaker's calls: moments and percentiles on several time scales.

Pure, and of fixed memory; see `docs/baseline.md`.
"""

from breakerd.breaker.baseline.baseline import Baseline
from breakerd.breaker.baseline.outlier import Deviation
from breakerd.breaker.baseline.series import Quantity, Scale, Series, Statistics

__all__ = [
    "Baseline",
    "Deviation",
    "Quantity",
    "Scale",
    "Series",
    "Statistics",
]
