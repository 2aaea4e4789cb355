"""Slots of history, made from calls or figures, without a breaker."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor

from breakerd.breaker.history.sketch import DurationSketch
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.replay import CallRecord

NOON = 1_800_014_400.0
"""A time that is a multiple of every width."""


def slot(
    durations: Iterable[float],
    *,
    number: int = 0,
    width: float = 10.0,
    failures: int = 0,
    threshold: float | None = 1.0,
    in_flight: int = 1000,
    **more: object,
) -> HistorySlot:
    """Return the slot that is so many after noon, with calls of those durations in seconds."""
    sketch = DurationSketch()
    every = list(durations)
    for seconds in every:
        sketch.add(seconds)
    values: dict[str, object] = {
        "calls": len(every),
        "failures": failures,
        "slow": sum(seconds > threshold for seconds in every) if threshold is not None else 0,
        "durations": sketch,
        "threshold": threshold,
        "in_flight": in_flight,
    }
    return HistorySlot(NOON + number * width, width, **(values | more))  # type: ignore[arg-type]


def slots_of(
    calls: Iterable[CallRecord], *, width: float = 10.0, threshold: float = 1.0
) -> list[HistorySlot]:
    """Return what a breaker would record of calls that it admitted."""
    parts: dict[float, list[CallRecord]] = {}
    for call in calls:
        parts.setdefault(floor((call.start + call.duration) / width) * width, []).append(call)
    return [
        slot(
            (call.duration for call in parts[start]),
            number=round((start - NOON) / width),
            width=width,
            failures=sum(call.error for call in parts[start]),
            threshold=threshold,
        )
        for start in sorted(parts)
    ]
