"""One slot of time of one breaker: what its calls did, and what was in force.

A slot is a value: it can be written as JSON, read back, and added to others.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from itertools import groupby
from math import floor
from typing import Any, Final, Self

from breakerd.breaker.history.sketch import DurationSketch
from breakerd.breaker.states import State

SEVERITY: Final = (
    State.CLOSED,
    State.WARMING_UP,
    State.OBSERVE,
    State.DISABLED,
    State.HALF_OPEN,
    State.OPEN,
    State.FORCED_OPEN,
)
"""States from the best to the worst; a slot tells the worst one in it."""


@dataclass(frozen=True, slots=True)
class HistorySlot:
    """What happened in one slot of time.

    A call counts in the slot in which the breaker took it in: when it was reported if it was slow
    or failed, else up to half a second later (`memory_check_interval`).

    Attributes:
        start: Unix time in seconds, a multiple of `width`.
        width: Length in seconds.
        calls: Calls that ended, the following among them.
        failures: Calls reported as failed.
        slow: Calls that took longer than `latency_threshold`, or than the stated time-out if that
            is lower; abandoned ones too, once they had.
        timed_out: Calls without an error, or abandoned, after the stated time-out.
        abandoned: Calls that their caller gave up.
        rejected: Calls rejected, by reason, as in `BreakerOpenError.reason`.
        rejected_by_priority: Those of them that the concurrency limit rejected (`overloaded`), by
            priority in lower case. A breaker that is open does not ask for it.
        durations: Durations of the calls that ended, without those that were abandoned before they
            were slow.
        in_flight: Highest number of calls in flight that was seen when calls were taken in.
        limit: Concurrency limit at the end of the slot; None where there is none.
        state: Worst state in the slot, in the order of `SEVERITY`.
        memory: Used share of the memory limit at the last reading, from 0; None if unknown.
        load: Worst figure of the machine's load as a share of its threshold; None where none is
            watched.
        threshold: Latency threshold in seconds; None where latency is not watched.
        normal: Learnt normal value of the watched percentile in seconds; None where nothing is
            learnt.
        members: Number of processes in it.
    """

    start: float
    width: float
    calls: int = 0
    failures: int = 0
    slow: int = 0
    timed_out: int = 0
    abandoned: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    rejected_by_priority: Mapping[str, int] = field(default_factory=dict)
    durations: DurationSketch = field(default_factory=DurationSketch)
    in_flight: int = 0
    limit: float | None = None
    state: State = State.CLOSED
    memory: float | None = None
    load: float | None = None
    threshold: float | None = None
    normal: float | None = None
    members: int = 1

    @property
    def end(self) -> float:
        """Unix time in seconds at which it ends."""
        return self.start + self.width

    @property
    def rate(self) -> float:
        """Calls that ended per second."""
        return self.calls / self.width

    @property
    def error_rate(self) -> float | None:
        """Share of the calls that failed or were late; None without calls."""
        return (self.failures + self.timed_out) / self.calls if self.calls else None

    @property
    def rejections(self) -> int:
        """Number of calls rejected, for any reason."""
        return sum(self.rejected.values())

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON-able data: times in ms where a key says so, else in seconds."""
        return {
            "start": self.start,
            "width": self.width,
            "calls": self.calls,
            "rate": _rounded(self.rate),
            "failures": self.failures,
            "error_rate": _rounded(self.error_rate),
            "slow": self.slow,
            "timed_out": self.timed_out,
            "abandoned": self.abandoned,
            "rejected": dict(self.rejected),
            "rejected_by_priority": dict(self.rejected_by_priority),
            "p50_ms": _milliseconds(self.durations.percentile(0.5)),
            "p95_ms": _milliseconds(self.durations.percentile(0.95)),
            "p99_ms": _milliseconds(self.durations.percentile(0.99)),
            "durations": [[i, n] for i, n in enumerate(self.durations.counts()) if n],
            "in_flight": self.in_flight,
            "limit": _rounded(self.limit),
            "state": self.state.value,
            "memory": _rounded(self.memory),
            "load": _rounded(self.load),
            "threshold_ms": _milliseconds(self.threshold),
            "normal_ms": _milliseconds(self.normal),
            "members": self.members,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the slot that `to_dict` wrote; what it derives is derived anew.

        Raises:
            ValueError: a member is missing, or not what `to_dict` writes.
        """
        try:
            return cls(
                start=float(data["start"]),
                width=float(data["width"]),
                calls=int(data["calls"]),
                failures=int(data["failures"]),
                slow=int(data["slow"]),
                timed_out=int(data["timed_out"]),
                abandoned=int(data["abandoned"]),
                rejected={str(key): int(n) for key, n in data["rejected"].items()},
                rejected_by_priority={
                    str(key): int(n) for key, n in data["rejected_by_priority"].items()
                },
                durations=_sketch(data["durations"]),
                in_flight=int(data["in_flight"]),
                limit=_number(data["limit"]),
                state=State(data["state"]),
                memory=_number(data["memory"]),
                load=_number(data["load"]),
                threshold=_seconds(data["threshold_ms"]),
                normal=_seconds(data["normal_ms"]),
                members=int(data["members"]),
            )
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            raise ValueError(f"not a slot of a history: {error!r} in {data!r:.200}") from error


def merge_slots(slots: Iterable[HistorySlot], *, width: float) -> list[HistorySlot]:
    """Return the slots summed to slots of `width` seconds, in the order of time.

    Slots of the same time are taken as those of different members: calls in flight, limits and
    members are added. Over time, the highest number in flight, the latest limit, threshold and
    normal value, and the worst state are kept. A slot wider than `width` stays as wide as it is.

    Raises:
        ValueError: `width` is not above 0.
    """
    if not width > 0:
        raise ValueError(f"merge_slots() got a width of {width} s; allowed: above 0")
    ordered = sorted(slots, key=_time)
    moments = [reduce(_add_member, same) for _, same in groupby(ordered, key=_time)]

    def merged_time(slot: HistorySlot) -> tuple[float, float]:
        wide = max(width, slot.width)
        return floor(slot.start / wide) * wide, wide

    moments.sort(key=merged_time)  # stable: slots of one key stay in the order of time
    return [
        join_over_time(list(group), start=start, width=wide)
        for (start, wide), group in groupby(moments, key=merged_time)
    ]


def join_over_time(slots: list[HistorySlot], *, start: float, width: float) -> HistorySlot:
    """Return one or more slots of the same members, oldest first, as one of `width` seconds."""
    last = slots[-1]
    return HistorySlot(
        start=start,
        width=width,
        **_sums(slots),
        in_flight=max(slot.in_flight for slot in slots),
        limit=last.limit,
        threshold=last.threshold,
        normal=next((slot.normal for slot in reversed(slots) if slot.normal is not None), None),
        members=max(slot.members for slot in slots),
    )


def _add_member(one: HistorySlot, other: HistorySlot) -> HistorySlot:
    """Return two slots of the same time, of different members, as one."""
    both = [one, other]
    no_limit = one.limit is None or other.limit is None
    return HistorySlot(
        start=one.start,
        width=one.width,
        **_sums(both),
        in_flight=one.in_flight + other.in_flight,
        limit=None if no_limit else (one.limit or 0.0) + (other.limit or 0.0),
        threshold=_highest(one.threshold, other.threshold),
        normal=_mean_normal(both),
        members=one.members + other.members,
    )


def _sums(slots: list[HistorySlot]) -> dict[str, Any]:  # arguments of `HistorySlot`
    """Return the fields that are summed alike over time and over members."""
    durations = DurationSketch()
    for slot in slots:
        durations.merge(slot.durations)
    return {
        "calls": sum(slot.calls for slot in slots),
        "failures": sum(slot.failures for slot in slots),
        "slow": sum(slot.slow for slot in slots),
        "timed_out": sum(slot.timed_out for slot in slots),
        "abandoned": sum(slot.abandoned for slot in slots),
        "rejected": _added(slot.rejected for slot in slots),
        "rejected_by_priority": _added(slot.rejected_by_priority for slot in slots),
        "durations": durations,
        "state": max((slot.state for slot in slots), key=SEVERITY.index),
        "memory": _highest(*(slot.memory for slot in slots)),
        "load": _highest(*(slot.load for slot in slots)),
    }


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def _highest(*values: float | None) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _mean_normal(slots: list[HistorySlot]) -> float | None:
    """Return the mean of the normal values, by the calls of the members that learnt one."""
    known = [(slot.normal, max(1, slot.calls)) for slot in slots if slot.normal is not None]
    weight = sum(calls for _, calls in known)
    return sum(normal * calls for normal, calls in known) / weight if known else None


def _time(slot: HistorySlot) -> tuple[float, float]:
    return slot.start, slot.width


def _sketch(buckets: Iterable[tuple[int, int]]) -> DurationSketch:
    counts = list(DurationSketch().counts())
    for index, count in buckets:
        counts[index] += int(count)
    return DurationSketch(counts)


def _rounded(value: float | None) -> float | None:
    """Return a number to six significant digits."""
    return None if value is None else float(f"{value:.6g}")


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else _rounded(seconds * 1000)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _seconds(milliseconds: Any) -> float | None:
    return None if milliseconds is None else float(milliseconds) / 1000
