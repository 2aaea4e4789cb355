"""The last hour of one breaker in memory: slots of a second for 15 minutes, of ten for an hour."""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

from breakerd.breaker.baseline.series import Quantity, Scale
from breakerd.breaker.context import Priority
from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.history.packing import SIZE, pack, unpack
from breakerd.breaker.history.ring import SlotRing
from breakerd.breaker.history.slot import HistorySlot, join_over_time
from breakerd.breaker.history.tally import Tally
from breakerd.breaker.history.wall import WallClock
from breakerd.breaker.states import State

SECONDS: Final = 900
"""Slots of one second."""
TENS: Final = 360
"""Slots of ten seconds."""
TEN: Final = 10
"""Seconds of the longer slots."""
_ROUNDING: Final = 1e-6
"""Seconds by which a sum of times may miss the end of a slot."""


class PackedHistory(NamedTuple):
    """A copy of a history, to be read without its lock."""

    now: float
    """Unix time in seconds at which it was taken."""
    seconds: bytes
    tens: bytes


class History:
    """Slots of one breaker. Its lock must be held.

    A slot is begun by what happens in it, so that a breaker at rest has none. Calls count in the
    slot in which they are taken in.

    Where the host's clock was set back, slots come with times that others had before; both are
    kept, and read as one.

    Attributes:
        state: The last state noted.
    """

    __slots__ = (
        "_engine",
        "_second",
        "_second_ends",
        "_seconds",
        "_ten",
        "_ten_ends",
        "_tens",
        "_wall",
        "state",
    )

    def __init__(self, engine: Engine, clock: Callable[[], float], now: float) -> None:
        self._engine = engine
        self._wall = WallClock(clock, now)
        self.clear()

    def clear(self) -> None:
        """Forget everything: what a forked child has of its parent's calls is the parent's."""
        self.state = self._engine.machine.state
        self._seconds, self._tens = SlotRing(SECONDS), SlotRing(TENS)
        self._second: Tally | None = None
        self._ten: Tally | None = None
        self._second_ends = self._ten_ends = -math.inf

    # --- what happens

    def slot(self, now: float) -> Tally:
        """Return the slot of the present second, to be filled."""
        if now < self._second_ends and self._second is not None:
            return self._second
        return self._begin(now)

    def note_state(self, now: float, state: State) -> None:
        """Note a change of state."""
        self.state = state
        self.slot(now).meet(state)

    def reject(self, now: float, reason: str, calls: int) -> None:
        """Count calls that the state rejected."""
        self.slot(now).reject(reason, calls)

    def shed(self, now: float, priority: Priority) -> None:
        """Count a call that the concurrency limit rejected."""
        self.slot(now).shed[priority] += 1

    def observe(self, now: float, in_flight: int) -> None:
        """Note the number of calls in flight, and the last readings."""
        slot = self.slot(now)
        slot.in_flight = max(slot.in_flight, in_flight)
        self._read_gauges(slot)

    # --- what happened

    def take(self, now: float) -> PackedHistory:
        """Return a copy of everything, the present second included."""
        self._end_past(now)
        present = b"" if self._second is None else pack(self._second)
        unfinished = b"" if self._ten is None else pack(self._ten)
        return PackedHistory(
            self._wall.unix(now), self._seconds.since() + present, self._tens.since() + unfinished
        )

    def finished_since(self, number: int, now: float) -> tuple[bytes, int]:
        """Return the packed slots of ten seconds from that number on, and the number of the next.

        A slot is finished once its time has passed. A number that was never reached is of another
        life of the breaker, and counts as 0.
        """
        self._end_past(now)
        first = number if number <= self._tens.written else 0
        return self._tens.since(first), self._tens.written

    # --- slots

    def _begin(self, now: float) -> Tally:
        self._end_second()
        unix = self._wall.unix(now) + _ROUNDING
        second = math.floor(unix)
        ten = second - second % TEN
        if self._ten is not None and self._ten.start != ten:
            self._end_ten()
        if self._ten is None:
            self._ten = Tally(ten)
            self._ten.normal = self._normal()
        self._second = begun = Tally(second)
        self._second_ends, self._ten_ends = now + second + 1 - unix, now + ten + TEN - unix
        begun.meet(self.state)
        begun.normal = self._ten.normal
        self._read_gauges(begun)
        return begun

    def _end_past(self, now: float) -> None:
        """End the slots whose time has passed."""
        if now >= self._second_ends:
            self._end_second()
        if now >= self._ten_ends:
            self._end_ten()

    def _end_second(self) -> None:
        if self._second is not None and self._ten is not None:
            self._seconds.append(pack(self._second))
            self._ten.add(self._second)
            self._second = None

    def _end_ten(self) -> None:
        if self._ten is not None:
            self._tens.append(pack(self._ten))
            self._ten = None

    def _read_gauges(self, slot: Tally) -> None:
        engine = self._engine
        settings, limit = engine.settings, engine.shedder.limit
        slot.limit = limit if limit < math.inf else None
        slot.memory = engine.memory.utilization
        slot.load = engine.load.severity if engine.load.enabled else None
        slot.threshold = settings.latency_threshold / 1000 if settings.watches_latency else None

    def _normal(self) -> float | None:
        """Return the learnt normal value of the watched percentile in seconds, if there is one."""
        series = self._engine.baseline.series(Quantity.DURATION, Scale.DAY)
        if not series.moments.weight:
            return None
        return series.sketch.weighted_percentiles(self._engine.settings.percentile)[0]


def read(taken: PackedHistory, since: float | None, until: float | None) -> list[HistorySlot]:
    """Return the slots of a copy that touch the time from `since` to `until`, oldest first.

    Slots of ten seconds up to 15 minutes ago, of one second from then on. What has a time that is
    still to come, since the host's clock was set back, is left out.
    """
    oldest = taken.now - SECONDS
    border = math.ceil(oldest / TEN) * TEN
    tens = _slots(taken.tens, TEN, taken.now - TENS * TEN, border)
    seconds = _slots(taken.seconds, 1, border, taken.now + 1)
    low = -math.inf if since is None else since
    high = math.inf if until is None else until
    return [slot for slot in tens + seconds if slot.end > low and slot.start < high]


def unpack_all(packed: bytes, width: float = TEN) -> list[HistorySlot]:
    """Return packed slots of `width` seconds, in their order."""
    return [unpack(packed[at : at + SIZE], float(width)) for at in range(0, len(packed), SIZE)]


def _slots(packed: bytes, width: int, since: float, until: float) -> list[HistorySlot]:
    """Return the slots that begin from `since` on and before `until`; one for each time."""
    by_start: dict[float, list[HistorySlot]] = {}
    for slot in unpack_all(packed, width):
        if since <= slot.start < until:
            by_start.setdefault(slot.start, []).append(slot)
    return [
        join_over_time(same, start=start, width=float(width)) if len(same) > 1 else same[0]
        for start, same in sorted(by_start.items())
    ]
