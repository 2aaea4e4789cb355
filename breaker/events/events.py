"""Events of a breaker, as frozen values.

Every event has the breaker's name, the time and, if any, the evidence. `at` is wall-clock time
(seconds since the epoch) for people and receivers; `monotonic` is the breaker's own clock, for
measuring.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from breakerd.breaker.events.wording import against, count, duration, number, share
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
        return _SENTENCES[self.signal](self)


def _latency(of: Evidence) -> str:
    if hung := of.detail.get("hung_calls"):
        return _hang(of, float(hung), float(of.detail["in_flight"]))
    if not (of.samples or of.value):
        return "no calls in the window"
    what = of.detail.get("percentile_name", "percentile")
    value, limit = against(of.value, of.threshold, of.unit)
    return f"{'a probe took' if what == 'probe' else what} {value}{limit}"


def _hang(of: Evidence, hung: float, in_flight: float) -> str:
    limit = duration(of.threshold / 1000)
    waiting = float(of.detail["last_return_s"])
    if waiting * 1000 < of.threshold:
        return f"{count(hung, 'call')} in flight for more than {limit} (limit {limit})"
    calls, none = count(in_flight, "call"), "not" if in_flight == 1 else "none has"
    return f"{calls} in flight, {none} returned for {duration(waiting)} (limit {limit})"


def _errors(of: Evidence) -> str:
    if of.detail.get("probe"):
        return "a probe failed"
    if of.detail.get("in_a_row") and of.samples > 1:
        return f"the last {count(of.samples, 'call')} failed"
    if not (of.samples or of.value):
        return "no calls in the window"
    value, limit = against(of.value, of.threshold, of.unit)
    return f"{value} of calls fail{limit}"


def _memory(of: Evidence) -> str:
    if not of.detail.get("known", True):
        return "memory use is unknown"
    value, limit = against(of.value, of.threshold, of.unit)
    return f"{value} of memory in use{limit}"


def _service_level(of: Evidence) -> str:
    if scope := str(of.detail.get("scope", "")):
        where = "the fleet" if scope == "fleet" else scope.replace(":", " ")
        return f"calls fail in {share(of.value)} of the members of {where}"
    if "burn_rate_5min" not in of.detail:
        timeout = f" (time-out {duration(float(of.detail.get('timeout_s', 0.0)))})"
        calls = f"{number(of.samples)} calls in a row fail or hang"
        return (calls if of.samples != 1 else "1 call fails or hangs") + timeout
    times = of.value / of.threshold if of.threshold else 0.0
    allowed = f" ({share(of.threshold)} allowed, burning {number(times)}×)"  # noqa: RUF001 - the sign is meant
    return f"{share(of.value)} of calls fail or time out{allowed}"


def _overload(of: Evidence) -> str:
    turned_away = float(of.detail.get("shed_share", 0.0))
    if not turned_away:
        value, limit = against(of.value, of.threshold, of.unit)
        return f"{value} in flight{limit}"
    wanted = number(round(float(of.detail.get("wanted", of.value))))
    limit = number(round(of.threshold))
    return f"limiter turns away {share(turned_away)} of calls (limit {limit}, {wanted} wanted)"


def _load(of: Evidence) -> str:
    value, limit = against(of.value, of.threshold, of.unit)
    return f"{of.detail.get('what', 'load')} {value}{limit}"


def _anomaly(of: Evidence) -> str:
    value, normal = against(of.value, of.threshold, of.unit, "normally")
    return f"{of.detail.get('what', 'not as usual')}: {value}{normal}"


_SENTENCES: Final[dict[Signal, Callable[[Evidence], str]]] = {
    Signal.LATENCY: _latency,
    Signal.ERRORS: _errors,
    Signal.MEMORY: _memory,
    Signal.SLO: _service_level,
    Signal.ANOMALY: _anomaly,
    Signal.OVERLOAD: _overload,
    Signal.LOAD: _load,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events: breaker, time, and whether it is a drill."""

    breaker: str
    at: float
    monotonic: float
    drill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange(Event):
    """Change of state with its reason and evidence; `retry_in` is the seconds until the probes.

    `note` and `actor` are the words and the name of whoever asked for it, if they were given.
    """

    from_state: State
    to_state: State
    reason: Reason
    evidence: tuple[Evidence, ...] = ()
    note: str = ""
    actor: str = ""
    retry_in: float | None = None
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition(StateChange):
    """The breaker changed its state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowTransition(StateChange):
    """Change of state that `OBSERVE` suppressed; no call was affected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateTransition(StateChange):
    """The candidate in the breaker's shadow changed its state; no call was affected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateSettled(Event):
    """A promised promotion was kept, or is void: `outcome` is "kept" or "void", `text` says why."""

    outcome: str
    text: str
    actor: str = ""


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
