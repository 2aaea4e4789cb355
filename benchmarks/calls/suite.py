"""The part `calls`: cost of a call, beside the no-op pair and other breakers.

Each module of `COMPARISONS` measures in rounds, with a no-op pair of its own.
"""

from typing import Final

from benchmarks.calls import (
    concurrency,
    feature_matrix,
    forms,
    observers,
    peer_comparison,
    rejection,
    settings_cost,
    shadow_cost,
    slow_calls,
)
from benchmarks.harness.comparison import PART
from benchmarks.harness.figures import Effort, Figure

NAME: Final = PART
COMPARISONS: Final = (
    settings_cost,
    forms,
    rejection,
    feature_matrix,
    slow_calls,
    shadow_cost,
    observers,
    concurrency,
    peer_comparison,
)


def measure(effort: Effort) -> list[Figure]:
    """Run one comparison after the other, and return all figures."""
    return [figure for comparison in COMPARISONS for figure in comparison.measure(effort)]
