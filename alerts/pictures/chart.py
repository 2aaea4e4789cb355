"""Chart of one breaker over time: its data, as an alert keeps them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from breakerd.breaker.history.slot import HistorySlot, merge_slots

_MS = 1000.0


class ChartPoint(NamedTuple):
    """Calls of one slot. Latencies are in milliseconds, None where no call ended.

    Attributes:
        at: beginning of the slot in seconds since the epoch.
        calls: calls that ended.
        failures: those of them that failed or were late.
        rejected: calls that were rejected.
        median_ms: median of the latency.
        high_ms: watched percentile of the latency.
        threshold_ms: threshold of that percentile; None if none is in force.
        normal_ms: what that percentile usually is; None if nothing is learnt.
        state: name of the state.
    """

    at: float
    calls: int
    failures: int
    rejected: int
    median_ms: float | None
    high_ms: float | None
    threshold_ms: float | None
    normal_ms: float | None
    state: str


class ChartMark(NamedTuple):
    """Moment that a chart marks: `at` is in seconds since the epoch."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Data of a picture.

    Attributes:
        title: heading.
        start: beginning of its time axis in seconds since the epoch.
        end: end of its time axis.
        width: length of a slot in seconds.
        percentile: watched percentile, 0 to 1.
        points: slots in which something happened, oldest first.
        marks: moments to mark.
        members: number of processes whose calls these are.
    """

    title: str
    start: float
    end: float
    width: float
    percentile: float
    points: tuple[ChartPoint, ...]
    marks: tuple[ChartMark, ...] = ()
    members: int = 1

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self | None:
        """Build a chart from `dataclasses.asdict` data; None if an earlier version has made them.

        Raises:
            TypeError, KeyError: the data does not describe a chart.
        """
        if "points" not in data:
            return None
        points = tuple(ChartPoint(*each) for each in data["points"])
        marks = tuple(ChartMark(*each) for each in data["marks"])
        return cls(**{**data, "points": points, "marks": marks})


def chart_of(
    slots: Iterable[HistorySlot],
    title: str,
    span: tuple[float, float],
    width: float,
    percentile: float,
    marks: Sequence[ChartMark] = (),
) -> Chart:
    """Return the chart of these slots.

    Args:
        slots: slots of one breaker; of several processes they are added up.
        title: heading.
        span: beginning and end of the time axis in seconds since the epoch.
        width: length of a slot of the chart in seconds; finer slots are joined, and one that is
            wider makes all as wide.
        percentile: watched percentile, 0 to 1.
        marks: moments to mark.
    """
    start, end = span
    known = [slot for slot in slots if slot.end > start and slot.start < end]
    width = max([width, *(slot.width for slot in known)])
    found = merge_slots(known, width=width)
    members = max((slot.members for slot in found), default=1)
    points = tuple(_point(slot, percentile) for slot in found)
    shown = tuple(mark for mark in marks if start <= mark.at <= end)
    return Chart(title, start, end, width, percentile, points, shown, members)


def _point(slot: HistorySlot, percentile: float) -> ChartPoint:
    return ChartPoint(
        slot.start,
        slot.calls,
        slot.failures + slot.timed_out,
        slot.rejections,
        _milliseconds(slot.durations.percentile(0.5)),
        _milliseconds(slot.durations.percentile(percentile)),
        _milliseconds(slot.threshold),
        _milliseconds(slot.normal),
        slot.state.value,
    )


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * _MS, 1)
