"""The cost of a call, beside that of an empty pair and of other breakers.

Each module here is one contest, with an empty pair of its own, and measures in rounds.
"""

from typing import Final

from benchmarks.calls import (
    async_forms,
    features,
    forms,
    many_tasks,
    many_threads,
    over_threshold,
    rejection,
    windows,
)
from benchmarks.calls import (
    feature_matrix as matrix,
)
from benchmarks.calls import (
    observers as observation,
)
from benchmarks.calls import (
    slow_calls as durations,
)
from benchmarks.calls.comparison import PART
from benchmarks.harness.figures import Effort, Figure
from benchmarks.peers import comparison as peers

NAME: Final = PART
CONTESTS: Final = (
    features,
    forms,
    async_forms,
    rejection,
    matrix,
    windows,
    durations,
    over_threshold,
    observation,
    many_threads,
    many_tasks,
    peers,
)


def measure(effort: Effort) -> list[Figure]:
    """Measures every contestant, one contest after the other."""
    return [figure for contest in CONTESTS for figure in contest.measure(effort)]
