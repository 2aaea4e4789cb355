"""Choose how much of each slot is replayed, so that a replay takes a bounded number of calls."""

from typing import Final, NamedTuple


class Portion(NamedTuple):
    """Part of a slot's calls.

    Attributes:
        stride: one of so many calls is replayed; 0 for none.
        weight: number of calls that each of them stands for.
    """

    stride: int = 1
    weight: int = 1


FULL: Final = Portion()
"""All calls."""
