"""Measurements of a breaker in lines: latency, memory, load, calls, transitions."""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from breakerd.alerts.content.facts import BreakerFacts, number, text
from breakerd.alerts.content.sentences.sparkline import MAX_BARS, sparkline
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.text import count_calls, figure, format_time, milliseconds, percent

_QUANTILES: Final = (0.5, 0.9, 0.99, 1.0)
_BEFORE: Final = 5.0
"""Seconds before an incident from which a transition belongs to it."""
_MAX_TRANSITIONS: Final = 8


def latency_lines(facts: BreakerFacts, over_time: str = "") -> list[str]:
    """Return the lines about latency; one that says so if no call ended lately.

    Args:
        facts: the breaker.
        over_time: its latency of the last minutes, see `latency_over_time`; empty if unknown.
    """
    value = facts.latency_ms
    if value is None:
        return ["Latency: no call has ended lately"]
    limit = facts.latency_limit_ms
    calls = count_calls(facts.window_calls)
    remarks = ([f"limit {milliseconds(limit)}"] if limit else []) + [calls]
    if facts.processes > 1:
        remarks.append(f"worst of {facts.processes} processes")
    lines = [f"Latency: {facts.percentile_name} {milliseconds(value)} ({', '.join(remarks)})"]
    if latest := recent_latencies(facts):
        ordered = sorted(latest)
        spread = ", ".join(
            f"{f'p{share * 100:g}' if share < 1 else 'highest'} "
            f"{milliseconds(_quantile(ordered, share))}"
            for share in _QUANTILES
        )
        lines += [f"Latest:  {over_time or _latest(latest)}", f"Spread: {spread}"]
    trend = text(facts.status.get("trend"))
    # Calls that fail at once make latency fall: that is no recovery.
    misleading = trend == "falling" and facts.weighted("error_rate")
    if trend and trend != "flat" and not misleading:
        slope = number(facts.status.get("trend_slope_percent_per_call"))
        lines.append(f"Trend: {trend}" + (f", {slope:+.2g}% a call" if slope else ""))
    return lines


def recent_latencies(facts: BreakerFacts) -> list[float]:
    """Return the latest latencies in the worst process in milliseconds, oldest first."""
    listed = facts.status.get("recent_latencies_ms")
    found = map(number, listed if isinstance(listed, list) else [])
    return [value for value in found if value is not None]


def memory_line(facts: BreakerFacts) -> str:
    """Return the line about memory."""
    value, limit = facts.memory_percent, number(facts.status.get("memory_threshold_percent"))
    if value is None:
        return "Memory: unknown"
    remarks = [f"limit {percent(limit / 100)}"] if limit else []
    if facts.processes > 1:
        remarks.append(f"worst of {facts.processes} processes")
    return f"Memory: {percent(value / 100)} used" + (f" ({', '.join(remarks)})" if remarks else "")


def load_line(facts: BreakerFacts) -> str:
    """Return the line about the load of the machine; empty if it is not watched."""
    if facts.status.get("load") is None:
        return ""
    figures = {
        "CPU pressure": ("cpu_pressure_percent", "%"),
        "memory pressure": ("memory_pressure_percent", "%"),
        "I/O pressure": ("io_pressure_percent", "%"),
        "load": ("load_per_cpu", " per CPU"),
        "event loop lag": ("loop_lag_ms", " ms"),
    }
    known = {name: (facts.worst("load", key), unit) for name, (key, unit) in figures.items()}
    parts = [
        f"{name} {figure(value)}{unit}"
        for name, (value, unit) in known.items()
        if value is not None
    ]
    return f"Load: {', '.join(parts)}" if parts else ""


def in_flight_line(facts: BreakerFacts) -> str:
    """Return the line about the calls in flight, and their limit where there is one."""
    limit = facts.sum("limiter", "limit")
    bound = f" (limit {round(limit):,})" if limit else ""
    sum_of = f", sum of {facts.processes} processes" if facts.processes > 1 else ""
    return f"In flight: {count_calls(facts.sum('in_flight'))}{bound}{sum_of}"


def transition_lines(facts: BreakerFacts, incident: Incident, now: float) -> list[str]:
    """Return the last transitions of this incident, oldest first."""
    lines: list[str] = []
    for each in facts.transitions:
        if each.at < incident.opened_at - _BEFORE or not math.isfinite(each.at):
            continue
        why = each.reason.value.replace("_", " ") + (f": {each.note}" if each.note else "")
        at = format_time(each.at, now)
        lines.append(f"{at} UTC  {each.from_state.value} → {each.to_state.value}, {why}")
    alike = [(line, len(list(group))) for line, group in groupby(lines)]
    return [
        line + (f" (in {many:,} processes)" if many > 1 and facts.processes > 1 else "")
        for line, many in alike[-_MAX_TRANSITIONS:]
    ]


def state_summary(facts: BreakerFacts) -> str:
    """Return one sentence about the present state of a breaker."""
    parts = [facts.state.replace("_", " ") or "state unknown"]
    if would := facts.would_be:
        parts.append(f"would be {would.replace('_', ' ')}")
    if facts.latency_ms is not None:
        limit = facts.latency_limit_ms
        bound = f" (limit {milliseconds(limit)})" if limit else ""
        parts.append(f"{facts.percentile_name} {milliseconds(facts.latency_ms)}{bound}")
        if errors := facts.weighted("error_rate"):
            parts.append(f"{percent(errors)} errors")
    if facts.memory_percent is not None:
        parts.append(f"memory {percent(facts.memory_percent / 100)}")
    if in_flight := round(facts.sum("in_flight")):
        parts.append(f"{count_calls(in_flight)} in flight")
    return ", ".join(parts)


def _latest(latencies: Sequence[float]) -> str:
    """Return the latest calls as bars, whose times are not known."""
    highest = milliseconds(max(latencies[-MAX_BARS:]))
    return f"{sparkline(latencies)} (oldest first, full height {highest})"


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return the quantile `share` of `ordered`, by the nearest-rank method."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
