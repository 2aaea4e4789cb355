"""Sketch of the durations in a trace, in seconds."""

from typing import Final

from breakerd.breaker.baseline.ddsketch import BucketLayout, DDSketch

ACCURACY: Final = 0.01
"""Largest relative error of a percentile."""
MIN_VALUE: Final = 1e-6
"""Smaller values count as this one."""

_LAYOUT: Final = BucketLayout(MIN_VALUE, accuracy=ACCURACY, origin=1.0, zero_bucket=False)


class Sketch(DDSketch):
    """DDSketch with an accuracy of 1 %. Not thread-safe.

    It takes about 1,000 buckets of 8 bytes for durations up to 1,000 s.
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(_LAYOUT)

    def add(self, value: float, count: int = 1) -> None:
        """Add a value of 0 or more so many times."""
        self.add_weight(self._layout.index(value), count)
