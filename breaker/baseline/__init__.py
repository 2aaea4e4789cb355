"""What is normal here: moments and percentiles of the calls, on several time scales.

Pure and in fixed memory; see `docs/baseline.md`.
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
