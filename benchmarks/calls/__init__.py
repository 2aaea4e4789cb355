"""The cost of a call, beside that of an empty pair and of other breakers.

Each module here is one contest, with an empty pair of its own, and measures in rounds.
"""

from typing import Final

from benchmarks.calls import (
    async_forms,
    collecting,
    durations,
    features,
    forms,
    many_tasks,
    many_threads,
    matrix,
    observation,
    over_threshold,
    peers,
    rejection,
    windows,
)
from benchmarks.calls.contest import PART
from benchmarks.figures import Effort, Figure

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
    collecting,
    many_threads,
    many_tasks,
    peers,
)


def measure(effort: Effort) -> list[Figure]:
    """Measures every contestant, one contest after the other."""
    return [figure for contest in CONTESTS for figure in contest.measure(effort)]
