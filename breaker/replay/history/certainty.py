"""Tell how certain a replay of slots is: how coarse they are, and what they do not tell.

The shares of `MEASURED` come from `benchmarks/studies/replay_from_record.py`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.replay.report import Outcome, Report
from breakerd.breaker.states import REJECTING

MIN_RESOLUTION: Final = 5.0
"""Seconds within which two trips count as the same, where slots are not wider."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well replays of slots agree with replays of the calls that the slots were made of.

    Attributes:
        found: share of the trips of the calls that the slots show as well, 0 to 1.
        real: share of the trips of the slots that the calls show as well, 0 to 1.
        outages_found: the same as `found`, where trips within a minute of the end of another one
            are one outage.
        outages_real: the same as `real`, likewise.
    """

    found: float
    real: float
    outages_found: float
    outages_real: float


MEASURED: Final = {
    1: Agreement(0.92, 0.90, 0.95, 0.92),
    10: Agreement(0.74, 0.84, 0.90, 0.92),
    60: Agreement(0.50, 0.51, 0.83, 0.94),
}
"""Agreement by width of the slots in seconds, on simulated days with a trouble each 12 minutes."""


@dataclass(slots=True)
class Certainty:
    """What a replay of slots cannot know. Filled while the slots pass.

    Attributes:
        seconds: time that slots cover, by their width in seconds.
        calls: number of calls in them.
        rejected: calls that were rejected when they were recorded.
        rejecting: (begin, end) of the times in which calls were rejected, in order.
    """

    seconds: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    calls: int = 0
    rejected: int = 0
    rejecting: list[tuple[float, float]] = field(default_factory=list)

    def watch(self, slots: Iterable[HistorySlot]) -> Iterator[HistorySlot]:
        """Yield the slots, and take down what they do not tell."""
        for slot in slots:
            self.seconds[round(slot.width)] += slot.width
            self.calls += slot.calls
            self.rejected += slot.rejections
            if slot.rejections or slot.state in REJECTING:
                self._add_rejecting(slot)
            yield slot

    @property
    def rejected_share(self) -> float:
        """Return the share of the calls that were rejected, 0 to 1."""
        return self.rejected / max(1, self.rejected + self.calls)

    @property
    def rejecting_share(self) -> float:
        """Return the share of the recorded time in which calls were rejected, 0 to 1."""
        every = sum(self.seconds.values())
        return sum(end - begin for begin, end in self.rejecting) / every if every else 0.0

    def is_uncertain(self, moment: float) -> bool:
        """Return True if calls were rejected then: what they would have met is not known."""
        return any(begin <= moment < end for begin, end in self.rejecting)

    def notes(self, reports: Sequence[Report] = ()) -> list[str]:
        """Return sentences for people, with the trips of reports that are uncertain."""
        return [*map(self._on_width, sorted(self.seconds)), *self._on_rejected(reports)]

    def as_data(self, reports: Sequence[Report] = ()) -> dict[str, object]:
        """Return the same as JSON data."""
        return {
            "slots": [
                {
                    "width_seconds": width,
                    "seconds": seconds,
                    "resolution_seconds": _resolution(width),
                    "trips_found": _agreement(width).found,
                    "trips_real": _agreement(width).real,
                    "outages_found": _agreement(width).outages_found,
                    "outages_real": _agreement(width).outages_real,
                }
                for width, seconds in sorted(self.seconds.items())
            ],
            "rejected_when_recorded": self.rejected,
            "rejected_share": self.rejected_share,
            "rejecting_time_share": self.rejecting_share,
            "uncertain_trips": [
                {"name": outcome.label, "at": self._uncertain_trips(outcome)}
                for report in reports
                for outcome in report.outcomes
            ],
        }

    def _add_rejecting(self, slot: HistorySlot) -> None:
        if self.rejecting and slot.start <= self.rejecting[-1][1]:
            begin, end = self.rejecting[-1]
            self.rejecting[-1] = (begin, max(end, slot.end))
        else:
            self.rejecting.append((slot.start, slot.end))

    def _on_width(self, width: int) -> str:
        agreement = _agreement(width)
        return (
            f"slots of {width} s for {self.seconds[width] / 3600:.3g} h: times are known to "
            f"{_resolution(width):g} s; on simulated days {agreement.outages_found:.0%} of the "
            f"outages that the calls themselves give were found so, and "
            f"{agreement.outages_real:.0%} of those found were real (of the trips, "
            f"{agreement.found:.0%} and {agreement.real:.0%})"
        )

    def _on_rejected(self, reports: Sequence[Report]) -> list[str]:
        if not self.rejecting:
            return []
        counts = [
            f"{len(self._uncertain_trips(outcome))} of {len(outcome.trips)} trips of "
            f"{outcome.label}"
            for report in reports
            for outcome in report.outcomes
        ]
        lie = f"; {' and '.join(counts)} lie there, and are uncertain" if counts else ""
        note = (
            f"{self.rejected} calls ({self.rejected_share:.2%}) were rejected when they were "
            f"recorded, in {self.rejecting_share:.2%} of the time: what they would have met is not "
            f"known{lie}"
        )
        return [note]

    def _uncertain_trips(self, outcome: Outcome) -> list[float]:
        return [trip.at for trip in outcome.trips if self.is_uncertain(trip.at)]


def _agreement(width: int) -> Agreement:
    """Return what was measured at that width, or at the next greater one."""
    wider = [each for each in MEASURED if each >= width]
    return MEASURED[min(wider, default=max(MEASURED))]


def _resolution(width: int) -> float:
    return max(MIN_RESOLUTION, width)
