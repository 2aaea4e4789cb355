"""Events of a breaker, as frozen values.

Every event has the breaker's name, the time and, if any, the evidence. `at` is wall-clock time
(seconds since the epoch) for people and receivers; `monotonic` is the breaker's own clock, for
measuring.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from breakerd.breaker.states import Reason, State


class Signal(StrEnum):
    """Signal that a breaker evaluates."""

    LATENCY = "latency"
    ERRORS = "errors"
    MEMORY = "memory"
    SLO = "slo"
    ANOMALY = "anomaly"
    OVERLOAD = "overload"
    LOAD = "load"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Evidence of one signal at its verdict.

    `value` and `threshold` are in `unit` ("ms", "%", "fraction", "calls"); for an anomaly,
    `threshold` is the normal value. `detail` holds further facts as text or plain numbers: the
    percentile, the trend's kind and slope, the slowest call.
    """

    signal: Signal
    value: float
    threshold: float
    unit: str
    samples: int = 0
    detail: dict[str, str | float | int | bool] = field(default_factory=dict)

    def sentence(self) -> str:
        """Return the evidence as one short sentence, for logs and alerts."""
        words = {
            Signal.LATENCY: f"{self.detail.get('percentile_name', 'percentile')} latency",
            Signal.ERRORS: "error rate",
            Signal.MEMORY: "memory use",
            Signal.SLO: "failed or timed-out calls",
            Signal.OVERLOAD: "in flight",
            Signal.LOAD: str(self.detail.get("what", "load")),
            Signal.ANOMALY: f"{self.detail.get('what', 'not as usual')}:",
        }
        value, limit = (
            _format_value(self.value, self.unit),
            _format_value(self.threshold, self.unit),
        )
        bound = "normally" if self.signal is Signal.ANOMALY else "limit"
        text = f"{words[self.signal]} {value} ({bound} {limit}"
        if self.samples:
            text += f", {self.samples} call{'s' if self.samples > 1 else ''}"
        if trend := self.detail.get("trend"):
            text += f", {trend}"
        return text + ")"


def _format_value(value: float, unit: str) -> str:
    if unit == "fraction":
        value, unit = value * 100, "%"
    number = f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    return f"{number}%" if unit == "%" else f"{number} {unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events: breaker, time, and whether it is a drill."""

    breaker: str
    at: float
    monotonic: float
    drill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange(Event):
    """Change of state with its reason and evidence; `retry_in` is the seconds until the probes."""

    from_state: State
    to_state: State
    reason: Reason
    evidence: tuple[Evidence, ...] = ()
    note: str = ""
    retry_in: float | None = None
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition(StateChange):
    """The breaker changed its state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowTransition(StateChange):
    """Change of state that `OBSERVE` suppressed; no call was affected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdBreached(Event):
    """A signal crossed its threshold; this may or may not trip the breaker."""

    signal: Signal
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdCleared(Event):
    """A breached signal is within its threshold again."""

    signal: Signal
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryStep(Event):
    """A half-open breaker now admits `share` of the calls; a step back has evidence."""

    share: float
    forward: bool
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChanged(Event):
    """Settings took effect; `changed` maps each name to (before, after)."""

    changed: dict[str, tuple[object, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsMissed(Event):
    """An async reader was too slow: `count` events before this one were dropped for it."""

    count: int


NO_EVIDENCE: Final[tuple[Evidence, ...]] = ()
