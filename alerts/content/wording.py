"""Words for what is wrong with one breaker, with the figures of now. Pure."""

import re
from typing import Final

from breakerd.alerts.content.facts import BreakerFacts, lookup, number, text
from breakerd.alerts.content.topics import Topic, is_hang
from breakerd.alerts.model.text import (
    count_calls,
    figure,
    milliseconds,
    percent,
    times,
)
from breakerd.breaker.events.events import Evidence, Signal
from breakerd.breaker.events.wording import duration

_AUTHOR: Final = re.compile(r"([\w.@+-]{1,40}): (\S.*)", re.DOTALL)
"""Note that begins with a name, as in `ada: deploying`."""
NOBODY_NAMED: Final = "an operator"
_REASONS: Final = {
    "memory": "memory was high",
    "load": "the machine was overloaded",
    "latency": "calls were slow",
    "errors": "calls failed",
    "failure_streak": "calls in a row failed or hung",
    "fleet": "calls of most members of the fleet failed",
    "probe_failed": "a probe failed",
    "ramp_failed": "calls failed again when it let more pass",
}
"""Causes in words, for reasons whose figures a restart has lost."""


def cause_of(facts: BreakerFacts, topic: Topic) -> str:
    """Return what is wrong with the figures that show it, without a full stop.

    Limits are those in force. Where several processes have figures, it says how they are merged.
    """
    return _CAUSES.get(topic, _failures)(facts)


def operator_note(facts: BreakerFacts) -> tuple[str, str]:
    """Return who opened it and why; `NOBODY_NAMED` if nobody is named."""
    note = " ".join(facts.note.split())
    if facts.note_by:
        return facts.note_by, note
    found = _AUTHOR.fullmatch(note)
    return (found[1], found[2]) if found else (NOBODY_NAMED, note)


def _by_operator(facts: BreakerFacts) -> str:
    return operator_note(facts)[1]


def _before_restart(facts: BreakerFacts) -> str:
    """Return the figures of now, if they show what is wrong; else why it opened."""
    if facts.returns_late:
        return _latency(facts)
    errors, limit = facts.weighted("error_rate"), number(facts.status.get("error_threshold"))
    if errors and limit and errors >= limit:
        return f"{percent(errors)} of calls fail (limit {percent(limit)})"
    return _REASONS.get(facts.first.reason, "")


def _latency(facts: BreakerFacts) -> str:
    evidence = facts.evidence(Signal.LATENCY)
    limit = facts.latency_limit_ms
    if evidence is not None and evidence.detail.get("percentile_name") == "probe":
        return f"a probe took {milliseconds(evidence.value)}{_limit(evidence)}"
    value, name = facts.latency_ms, facts.percentile_name
    if evidence is not None and (facts.rejects or value is None) and not is_hang(evidence):
        # No call ends while it is open: the window is as it was.
        value, limit = number(evidence.value), number(evidence.threshold)
        name = text(evidence.detail.get("percentile_name")) or name
    if value is None:
        return "calls are slow"
    remarks = [f"limit {milliseconds(limit)}"] if limit else []
    return f"{name} latency {milliseconds(value)}{_remarks(remarks, facts)}"


def _failures(facts: BreakerFacts) -> str:
    evidence = facts.evidence(Signal.ERRORS, Signal.SLO, Signal.ANOMALY) or facts.evidence()
    if evidence is None:
        return facts.note or "calls fail"
    if evidence.signal not in {Signal.ERRORS, Signal.SLO}:
        return evidence.sentence()
    if evidence.signal is Signal.SLO:
        return f"{count_calls(evidence.samples)} in a row failed or timed out"
    if evidence.samples == 1:
        return "a probe failed"
    if evidence.detail.get("in_a_row"):
        return f"the last {count_calls(evidence.samples)} failed"
    share, limit = evidence.value, number(facts.status.get("error_threshold"))
    if not facts.rejects:
        live = facts.weighted("error_rate")
        share = share if live is None else live
    else:
        limit = number(evidence.threshold)
    return f"{percent(share)} of calls fail" + (f" (limit {percent(limit)})" if limit else "")


def _hang(facts: BreakerFacts) -> str:
    evidence = facts.evidence(Signal.LATENCY)
    if facts.state == "HALF_OPEN":
        return "calls do not return"  # those in flight now are probes
    if evidence is not None and facts.judged_processes == 1:
        return evidence.sentence()
    detail = evidence.detail if evidence else {}
    limit = number(evidence.threshold) if evidence else None
    hung, waiting = number(detail.get("hung_calls")), number(detail.get("last_return_s"))
    remarks = [f"limit {duration(limit / 1000)}"] if limit else []
    if waiting is None or limit is None or waiting * 1000 < limit:
        return f"{count_calls(hung or 1)} in flight for too long{_remarks(remarks, facts)}"
    in_flight = max(round(facts.sum("in_flight")), round(hung or 0))
    waits = (
        "1 call in flight, not" if in_flight == 1 else f"{in_flight:,} calls in flight, none has"
    )
    return f"{waits} returned for {duration(waiting)}{_remarks(remarks, facts)}"


def _memory(facts: BreakerFacts) -> str:
    evidence = facts.evidence(Signal.MEMORY)
    value = facts.memory_percent
    if facts.drill or value is None:
        value = number(evidence.value) if evidence else None
    limit = number(facts.status.get("memory_threshold_percent"))
    if value is None:
        return "service memory is high"
    remarks = [f"limit {percent(limit / 100)}"] if limit else []
    return f"service memory {percent(value / 100)} used{_remarks(remarks, facts)}"


def _overload(facts: BreakerFacts) -> str:
    share = facts.weighted("limiter", "shed_share")
    evidence = facts.evidence(Signal.OVERLOAD)
    limit = facts.sum("limiter", "limit") or (number(evidence.threshold) if evidence else None)
    remarks = [f"limit {round(limit):,}"] if limit else []
    wanted = facts.sum("limiter", "wanted") or (number(evidence.value) if evidence else None)
    if limit and wanted and wanted > limit:
        remarks.append(f"{round(wanted):,} wanted")
    turned = f"turns away {percent(share)} of calls" if share else "turns calls away"
    return f"limiter {turned}{_remarks(remarks, facts, 'sum')}"


def _service_level(facts: BreakerFacts) -> str:
    evidence = facts.evidence(Signal.SLO, Signal.ERRORS)
    share, kept = (
        facts.weighted("slo", "failing_share_10s"),
        facts.weighted("slo", "observed_success_rate"),
    )
    if share is None and kept is not None:
        share = 1 - kept
    if share is None and evidence is not None:
        share = number(evidence.value)
    stated = facts.worst("slo", "stated_success_rate")
    allowed = 1 - stated if stated else number(evidence.threshold) if evidence else None
    if share is None or not allowed:
        return "too many calls fail or time out"
    burning = f", burning {times(share / allowed)}×" if share > allowed else ""  # noqa: RUF001
    return f"{percent(share)} fail or time out ({percent(allowed)} allowed{burning})"


def _anomaly(facts: BreakerFacts) -> str:
    found = lookup(facts.status, ("anomaly", "sentence"))
    evidence = facts.evidence(Signal.ANOMALY) or facts.evidence()
    return text(found) or (evidence.sentence() if evidence else "calls are not as usual")


def _load(facts: BreakerFacts) -> str:
    evidence = facts.evidence(Signal.LOAD)
    if evidence is None:
        return "the machine is overloaded"
    what = text(evidence.detail.get("what")) or "load"
    value, limit = number(evidence.value), number(evidence.threshold)
    live = facts.worst("load", _LOADS[what]) if what in _LOADS else None
    value = value if live is None else live
    remarks = [f"limit {_in_unit(limit, evidence.unit)}"] if limit else []
    return f"{what} {_in_unit(value or 0.0, evidence.unit)}{_remarks(remarks, facts)}"


_LOADS: Final = {
    "CPU pressure": "cpu_pressure_percent",
    "memory pressure": "memory_pressure_percent",
    "I/O pressure": "io_pressure_percent",
    "load": "load_per_cpu",
    "event loop lag": "loop_lag_ms",
}
"""Figures of `[load]` in a status, by the name that evidence has."""


def _in_unit(value: float, unit: str) -> str:
    if unit == "%":
        return percent(value / 100)
    return milliseconds(value) if unit == "ms" else f"{figure(value)} {unit}"


def _limit(evidence: Evidence) -> str:
    limit = number(evidence.threshold)
    return f" (limit {milliseconds(limit)})" if limit else ""


def _remarks(remarks: list[str], facts: BreakerFacts, merged: str = "worst") -> str:
    if facts.judged_processes > 1:
        remarks = [*remarks, f"{merged} of {facts.judged_processes} processes"]
    return f" ({', '.join(remarks)})" if remarks else ""


_CAUSES: Final = {
    Topic.OPERATOR: _by_operator,
    Topic.RESTART: _before_restart,
    Topic.LATENCY: _latency,
    Topic.SLOW: _latency,
    Topic.HANG: _hang,
    Topic.MEMORY: _memory,
    Topic.MEMORY_HIGH: _memory,
    Topic.OVERLOAD: _overload,
    Topic.SERVICE_LEVEL: _service_level,
    Topic.ANOMALY: _anomaly,
    Topic.LOAD: _load,
    Topic.MACHINE_LOAD: _load,
}
"""Topic -> the words for it; failures have the others."""
