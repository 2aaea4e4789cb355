"""Words for what a test's breaker is and went through, for messages of failed assertions."""

from collections.abc import Sequence

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.events.events import (
    Event,
    RecoveryStep,
    SettingsChanged,
    StateChange,
    ThresholdBreached,
    ThresholdCleared,
)


def describe(breaker: Breaker, events: Sequence[Event], started_at: float) -> str:
    """Return state, calls and events of a breaker, one a line, with seconds since the start."""
    counters = breaker.counters()
    calls = ", ".join(
        f"{count} {outcome}"
        for outcome, count in (
            ("success", counters.success),
            ("error", counters.error),
            ("abandoned", counters.abandoned),
            ("rejected", counters.rejected),
            ("in flight", counters.in_flight),
        )
    )
    happened = [f"  +{event.monotonic - started_at:.6g} s  {sentence(event)}" for event in events]
    return "\n".join(
        (
            f"state:  {breaker.state} at +{breaker.clock() - started_at:.6g} s",
            f"calls:  {calls}",
            "events:" if happened else "events: none",
            *happened,
        )
    )


def sentence(event: Event) -> str:
    """Return what happened in a few words."""
    match event:
        case StateChange():
            why = "".join(f"; {each.sentence()}" for each in event.evidence)
            note = f" {event.note!r}" if event.note else ""
            change = f"{event.from_state} -> {event.to_state} ({event.reason}){note}{why}"
            return f"{type(event).__name__} {change}"
        case ThresholdBreached() | ThresholdCleared():
            return f"{type(event).__name__} {event.evidence.sentence()}"
        case RecoveryStep():
            return f"{type(event).__name__} admits {event.share:.0%} of the calls"
        case SettingsChanged():
            return f"{type(event).__name__} {', '.join(event.changed)}"
        case _:
            return type(event).__name__
