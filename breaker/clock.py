"""The real clock, also where freezegun has replaced it.

freezegun replaces `time.monotonic` in every module, for as long as a test lasts. Durations and
deadlines of that time would be years off before and after it, so nothing here reads the clock that
way. time-machine leaves it alone.
"""

import sys
import time
from collections.abc import Callable
from typing import Final


class RealClock:
    """Seconds of `time.monotonic`; an instance, since freezegun replaces attributes of modules."""

    __slots__ = ("monotonic",)

    def __init__(self) -> None:
        # Where this is imported under freezegun, it alone knows the real one.
        freezegun = sys.modules.get("freezegun.api")
        self.monotonic: Callable[[], float] = getattr(freezegun, "real_monotonic", time.monotonic)
        """Return seconds as a float, never going back."""

    def stands_for(self, clock: Callable[[], float]) -> bool:
        """Return True if `clock` is this one, or what has been put in its place."""
        return clock is self.monotonic or clock is time.monotonic


CLOCK: Final = RealClock()
