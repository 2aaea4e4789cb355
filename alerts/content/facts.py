"""Facts of one breaker in all its processes, merged: counts are sums, the rest is the worst.

A status may lack values or have none: a process of another release has published it.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from breakerd.alerts.model.content import AlertContext, Spread
from breakerd.breaker.events.events import Evidence, Signal, Transition

REJECTING: Final = ("FORCED_OPEN", "OPEN", "HALF_OPEN")
"""States in which calls are rejected, the most severe first."""
_KINDS: Final = ("open", "memory", "latency", "degraded")
"""Kinds, the most severe first."""
_MIN_CALLS: Final = 1
_LETS_PASS: Final = ("ramp", "memory")
"""Phases of a recovery in which calls pass that are no probes."""
_MIN_SHARE: Final = 0.1
"""Share of calls let through from which a breaker is said to recover."""


@dataclass(frozen=True)
class BreakerFacts:
    """Merged facts of one breaker.

    Attributes:
        name: name of the breaker.
        contexts: facts from each process; at least one.
    """

    name: str
    contexts: tuple[AlertContext, ...]

    @cached_property
    def first(self) -> AlertContext:
        """Facts of the process where it is worst."""
        return min(
            self.contexts,
            key=lambda each: (_rank(state(each)), _is_well(each), _kind_rank(each.kind)),
        )

    @property
    def status(self) -> Mapping[str, Any]:
        """Status in the process where it is worst."""
        return self.first.status

    @property
    def processes(self) -> int:
        """Number of processes that published facts."""
        return len(self.contexts)

    @property
    def all_processes(self) -> int:
        """Number of processes that alert together: one where it is well may publish nothing."""
        return max(self.processes, *(context.processes for context in self.contexts))

    @property
    def spread(self) -> Spread:
        """Processes that have the breaker."""
        return max((context.spread for context in self.contexts), key=lambda each: each.processes)

    @property
    def rejecting_processes(self) -> int:
        """Number of processes in which calls are rejected because of its state."""
        told = self._told_to_reject
        return max(told, self.spread.rejecting) if told else 0

    @property
    def judged_processes(self) -> int:
        """Number of processes whose figures say what is wrong: those that reject, if some do."""
        return self._told_to_reject or self.processes

    @property
    def partial(self) -> bool:
        """True if calls are rejected in some processes, and not in others."""
        return 0 < self.rejecting_processes < self.all_processes

    @property
    def state(self) -> str:
        """Most severe present state, as `State`; what it would be is in `would_be`."""
        return state(self.first)

    @property
    def would_be(self) -> str:
        """Return the state that `OBSERVE` suppresses; empty if it would reject nothing."""
        found = (text(context.status.get("would_be_state")) for context in self.contexts)
        return next((each for each in found if each in REJECTING), "")

    @property
    def rejects(self) -> bool:
        """True if calls are rejected because of its state."""
        return self.state in REJECTING

    @property
    def recovering(self) -> bool:
        """True if it lets a good share of the calls through again, and not only probes."""
        if self.state != "HALF_OPEN":
            return False
        phase = text(lookup(self.status, ("recovery", "phase")))
        share = number(lookup(self.status, ("recovery", "share")))
        return phase in _LETS_PASS and (share is None or share >= _MIN_SHARE)

    @property
    def shown_state(self) -> str:
        """State as people read it: `OPEN` while only probes are let through."""
        if self.state == "HALF_OPEN":
            return "recovering" if self.recovering else "OPEN"
        return self.state.replace("_", " ")

    @property
    def drill(self) -> bool:
        """True if it is a drill in the process where it is worst."""
        return self.first.drill

    @property
    def note(self) -> str:
        """Text that an operator gave with it."""
        return next((context.note for context in self.contexts if context.note), "")

    @property
    def note_by(self) -> str:
        """Name of that operator; empty if it is unknown."""
        return next((each for each in map(_author, self.contexts) if each), "")

    def evidence(self, *signals: Signal) -> Evidence | None:
        """Return the worst evidence of these signals, of the first if none is given; or None."""
        found = [each for each in self._evidence if not signals or each.signal in signals]
        if not found:
            return None
        same = [each for each in found if each.signal is found[0].signal]
        return max(same, key=excess)

    @property
    def further_evidence(self) -> list[Evidence]:
        """Return the evidence of other signals than the first."""
        first = self.evidence()
        found: dict[Signal, Evidence] = {}
        for each in self._evidence:
            if first is not None and each.signal is not first.signal:
                found.setdefault(each.signal, each)
        return list(found.values())

    @cached_property
    def severity(self) -> float:
        """Measure of how bad it is, for the search of the worst of a group."""
        evidence = self.evidence()
        return (1e9 if self.rejects else 0.0) + (excess(evidence) if evidence else 0.0)

    @property
    def transitions(self) -> list[Transition]:
        """Return the transitions in all processes, oldest first."""
        every = [each for context in self.contexts for each in context.transitions]
        return sorted(every, key=lambda each: each.at)

    # --- figures

    def sum(self, *path: str) -> float:
        """Return the sum of a figure over the processes; 0 where it is unknown."""
        return sum(value for _, value in self._figures(path))

    def worst(self, *path: str) -> float | None:
        """Return the highest value of a figure over the processes; None if it is unknown."""
        return max((value for _, value in self._figures(path)), default=None)

    def weighted(self, *path: str) -> float | None:
        """Return the mean of a figure over the processes by their calls; None without calls."""
        pairs = [
            (number(context.status.get("window_calls")) or 0.0, value)
            for context, value in self._figures(path)
        ]
        weight = sum(calls for calls, _ in pairs)
        if weight < _MIN_CALLS:
            return None
        return sum(calls * value for calls, value in pairs) / weight

    def true(self, *path: str) -> bool:
        """Return True if a flag is set in any process."""
        return any(lookup(context.status, path) is True for context in self.contexts)

    @property
    def window_calls(self) -> int:
        """Number of calls in the windows of all processes."""
        return round(self.sum("window_calls"))

    @property
    def latency_ms(self) -> float | None:
        """Watched percentile of the worst process in milliseconds; None without calls."""
        found = [
            value
            for context, value in self._figures(("current_percentile_exact_ms",))
            if (number(context.status.get("window_calls")) or 0) >= _MIN_CALLS
        ]
        return max(found, default=None)

    @property
    def percentile(self) -> float:
        """Watched percentile, 0 to 1; 0.95 if it is unknown."""
        value = number(self.status.get("percentile_value"))
        return value if value is not None and 0 < value < 1 else 0.95

    @property
    def percentile_name(self) -> str:
        """Name of the watched percentile, such as p95."""
        value = number(self.status.get("percentile_value"))
        return "percentile" if value is None else f"p{value * 100:g}"

    @property
    def latency_limit_ms(self) -> float | None:
        """Threshold of latency in milliseconds; None if it is not in force, or may not be.

        Beside a service level, the threshold applies only where it is stated. It does if latency
        has crossed it.
        """
        stated = number(self.status.get("latency_threshold_ms"))
        if self.status.get("slo") is None:
            return stated
        seen = self.evidence(Signal.LATENCY)
        own = seen is not None and stated is not None and abs(seen.threshold - stated) < 1
        return stated if own or self.first.kind == "latency" else None

    @property
    def returns_late(self) -> bool:
        """True if calls that have ended lately were too slow."""
        value, limit = self.latency_ms, self.latency_limit_ms
        return value is not None and limit is not None and value > limit

    @property
    def memory_percent(self) -> float | None:
        """Percentage of the memory limit in use, in the worst process; None if it is unknown."""
        found = [
            value
            for context, value in self._figures(("memory_usage_percent",))
            if context.status.get("memory_known") is True
        ]
        return max(found, default=None)

    @cached_property
    def _told_to_reject(self) -> int:
        """Number of processes that published facts and reject calls."""
        return sum(state(context) in REJECTING for context in self.contexts)

    @cached_property
    def _evidence(self) -> list[Evidence]:
        """Evidence in all processes, that of the worst first."""
        others = (each for each in self.contexts if each is not self.first)
        return [each for context in (self.first, *others) for each in present_evidence(context)]

    def _figures(self, path: Sequence[str]) -> Iterator[tuple[AlertContext, float]]:
        for context in self.contexts:
            value = number(lookup(context.status, path))
            if value is not None:
                yield context, value


def by_breaker(names: Iterable[str], facts: Sequence[AlertContext]) -> list[BreakerFacts]:
    """Return the merged facts of these breakers, in their order; those without facts are left out.

    Facts of breakers that are not among the names come last.
    """
    found: dict[str, list[AlertContext]] = {}
    for context in facts:
        found.setdefault(text(context.status.get("name")), []).append(context)
    ordered = dict.fromkeys([*(name for name in names if name in found), *found])
    return [BreakerFacts(name, tuple(found[name])) for name in ordered]


def state(context: AlertContext) -> str:
    """Return the state in one process; empty if it is unknown."""
    return text(context.status.get("state"))


def present_evidence(context: AlertContext) -> list[Evidence]:
    """Return the evidence in one process, the most important first.

    The figures are those of now. Those of an open breaker are those that opened it.
    """
    live = {each.signal: each for each in _reported(context.status.get("breaches"))}
    rejects = state(context) in REJECTING or context.status.get("would_be_state") in REJECTING
    own = [each if rejects else live.get(each.signal, each) for each in context.evidence]
    known = {each.signal for each in own}
    return own + [each for each in live.values() if each.signal not in known]


def excess(evidence: Evidence) -> float:
    """Return the value as a multiple of its limit, for the search of the worst."""
    value, limit = number(evidence.value), number(evidence.threshold)
    return (value or 0.0) / limit if limit else (value or 0.0)


def lookup(status: Mapping[str, Any], path: Sequence[str]) -> object:
    """Return the value at a path of keys; None if there is none."""
    found: object = status
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def number(value: object) -> float | None:
    """Return a finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def text(value: object) -> str:
    """Return a text; empty for anything else."""
    return value if isinstance(value, str) else ""


def _reported(reports: object) -> Iterator[Evidence]:
    for each in reports if isinstance(reports, list) else []:
        with suppress(TypeError, KeyError, ValueError):
            yield Evidence(
                signal=Signal(each["signal"]),
                value=float(each["value"]),
                threshold=float(each["threshold"]),
                unit=each["unit"],
                samples=int(each["samples"]),
                detail=dict(each["detail"]),
            )


def _author(context: AlertContext) -> str:
    return text(context.status.get("note_by"))


def _is_well(context: AlertContext) -> bool:
    """Return True if the breaker is well in one process: its facts are of an opening then."""
    states = {state(context), text(context.status.get("would_be_state"))}
    return context.kind == _KINDS[0] and states.isdisjoint(REJECTING)


def _rank(found: str) -> int:
    return REJECTING.index(found) if found in REJECTING else len(REJECTING)


def _kind_rank(kind: str) -> int:
    return _KINDS.index(kind) if kind in _KINDS else len(_KINDS)
