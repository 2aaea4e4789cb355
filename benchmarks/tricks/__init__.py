"""What each trick of the hot path bought, and where each nanosecond of a call goes.

One trick at a time is taken back from the real breaker, and the pair is built up step by step from
the empty one. `docs/performance.md` has the reasons and the sources.
"""

from typing import Final

from benchmarks.figures import Effort, Figure, UnavailableError
from benchmarks.tricks import (
    admitting,
    batches,
    careful,
    forms,
    guarding,
    layout,
    reporting,
    steps,
    tallying,
    windowing,
)
from benchmarks.tricks.difference import PART
from breaker import hot_path

NAME: Final = PART
CONTESTS: Final = (
    steps,
    admitting,
    reporting,
    tallying,
    windowing,
    forms,
    guarding,
    layout,
    batches,
    careful,
)


def measure(effort: Effort) -> list[Figure]:
    """Takes back each trick, one contest after the other.

    Raises:
        UnavailableError: the hot path is compiled in place, of which no trick can be taken back.
    """
    if not hot_path.__file__.endswith(".py"):
        raise UnavailableError(f"{hot_path.__file__} is compiled; take it away to measure tricks")
    return [figure for contest in CONTESTS for figure in contest.measure(effort)]
