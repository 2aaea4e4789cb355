"""Refuse durations that cannot be meant, before they are replayed.

A duration read in a wrong unit is a thousand times wrong, and nothing after it can tell.
"""

from collections.abc import Sequence
from statistics import median
from typing import Final

from breakerd.breaker.replay.trace.record import CallRecord
from breakerd.breaker.replay.trace.units import UnitSource

MAX_DURATION: Final = 86_400.0
"""Maximum duration of a call in seconds, as of any threshold; a longer one is a broken line."""
MAX_ASSUMED_MEDIAN: Final = 10.0
"""Maximum median in seconds of durations whose unit is only assumed."""
MAX_NAMED_MEDIAN: Final = 3600.0
"""Maximum median in seconds of durations whose unit a name or a format gives."""

_SHOWN: Final = 3
_UNITS: Final = {1.0: "seconds", 1e-3: "milliseconds", 1e-6: "microseconds", 1e-9: "nanoseconds"}


def check_durations(
    calls: Sequence[CallRecord], name: str, unit: float, source: UnitSource
) -> str | None:
    """Return a note if the unit is assumed; None if nothing is to be said.

    Args:
        calls: the first calls of the trace.
        name: where the durations come from.
        unit: their unit in seconds.
        source: where the unit comes from.

    Raises:
        ValueError: durations so long in that unit are not plausible.
    """
    if not calls or source is UnitSource.STATED:
        return None
    middle = median(call.duration for call in calls)
    values = ", ".join(f"{call.duration / unit:.10g}" for call in calls[:_SHOWN])
    read_as = _UNITS.get(unit, f"units of {unit:g} s")
    assumed = source is UnitSource.ASSUMED
    if middle >= (MAX_ASSUMED_MEDIAN if assumed else MAX_NAMED_MEDIAN):
        why = "names no unit" if assumed else f"is read as {read_as}"
        raise ValueError(
            f"{name} {why}, and holds {values} …: as {read_as}, half of the first "
            f"{len(calls)} calls would take {_long(middle)} or more, which is not plausible. "
            "State the unit: --unit s|ms|us|ns, or another column: --columns duration=NAME:ms"
        )
    if not assumed or unit != 1.0:
        return None
    return (
        f"{name} names no unit: taken as seconds, so that half of the first {len(calls)} "
        f"calls take {_long(middle)} or less; --unit ms|us|ns, if that is not so"
    )


def _long(seconds: float) -> str:
    if seconds >= 172_800:
        return f"{seconds / 86_400:.3g} days"
    return f"{seconds / 3600:.3g} hours" if seconds >= 7200 else f"{seconds:.3g} s"
