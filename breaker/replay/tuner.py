"""Propose settings for a service from a trace, each with its reason.

Proposals follow from the healthy part of the trace: limits are as low as possible without healthy
calls exceeding them by chance. The binomial distribution gives that probability: a window trips
when too many of its calls are slow.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log10
from statistics import median
from typing import Any, Final

from breakerd.breaker.errors import TraceError
from breakerd.breaker.replay.binomial import SIGNIFICANCE_LEVEL, tail, tolerable_share
from breakerd.breaker.replay.outage_filter import HealthySplit, split
from breakerd.breaker.replay.timeline import Timeline
from breakerd.breaker.replay.trace.record import CallRecord
from breakerd.breaker.settings import Settings

WINDOW_SECONDS: Final = 5.0
"""Seconds of calls that the window should hold."""
SMALLEST_WINDOW: Final = 32
LARGEST_WINDOW: Final = 512
MARGIN: Final = 1.2
"""Factor between the level that healthy calls reach and a limit."""
HALF: Final = 0.5
"""Share of failures above which rejecting all calls saves more than it costs."""
TIMEOUT_PERCENTILE: Final = 0.999
TIMEOUT_MARGIN: Final = 1.5
WARMUP_CALLS: Final = 1000
WAIT_SHARE: Final = 0.05
"""First wait, as a share of the length of an outage."""
MAX_WAIT_SHARE: Final = 0.1
"""Longest wait, as a share of the length of an outage."""
LONGEST_WAIT: Final = 10.0
LONGEST_MAX_WAIT: Final = 60.0
TYPICAL_OUTAGE: Final = 100.0
"""Assumed length of an outage in seconds, if none was recorded."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Proposed value of a setting and its reason, as a sentence. `key` is dotted as in the file."""

    key: str
    value: float
    unit: str
    reason: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Proposed settings: thresholds, or a service level in place of them.

    Attributes:
        thresholds: proposals for the root of the file, or a breaker's table.
        recovery: proposed waits, for use with either.
        slo: proposals for `[slo]`.
        notes: reasons not to rely on the proposals, as sentences.
    """

    thresholds: tuple[Proposal, ...]
    recovery: tuple[Proposal, ...]
    slo: tuple[Proposal, ...]
    notes: tuple[str, ...]

    def settings(self) -> Settings:
        """Return the proposed thresholds, with the proposed waits."""
        return _settings(self.thresholds + self.recovery)

    def slo_settings(self) -> Settings:
        """Return the proposed service level in place of the thresholds, with the proposed waits."""
        return _settings(self.slo + self.recovery)

    def toml(self) -> str:
        """Return TOML with the thresholds and their reasons, and the service level in comments."""
        lines = []
        for each in self.thresholds + self.recovery:
            lines += [f"# {each.reason}", _line(each)]
        lines += ["", "# Or state the service level alone, in place of the thresholds:"]
        for each in self.slo:
            lines += [f"# # {each.reason}", f"# {_line(each)}"]
        return "\n".join(lines) + "\n"


def suggest(trace: Iterable[CallRecord], *, success_rate: float = 0.95) -> Suggestion:
    """Propose settings from a trace. Reads it once, in bounded memory.

    Args:
        trace: calls, ordered by start.
        success_rate: share of calls that should succeed in time, above 0 and below 1.

    Raises:
        TraceError: there are no calls, or the trace cannot be read to its end.
        ValueError: `success_rate` is out of range.
    """
    if not 0 < success_rate < 1:
        raise ValueError(f"found a success rate of {success_rate}; allowed: above 0 and below 1")
    timeline = _survey(trace)
    parts = split(
        timeline.bins, timeline.width, percentile=success_rate, error_budget=1 - success_rate
    )
    size = _window_size(parts)
    threshold = _latency_threshold(parts, success_rate, int(size.value))
    minimum = _minimum_calls(parts, success_rate, int(size.value), threshold.value / 1000)
    percentile = Proposal(
        "percentile",
        success_rate,
        "",
        f"{success_rate:.6g} of the calls should be in time, so up to {1 - success_rate:.6g} may "
        "be slow",
    )
    errors = _error_threshold(parts, int(size.value))
    return Suggestion(
        thresholds=(threshold, percentile, size, minimum, errors),
        recovery=_waits(parts),
        slo=_service_level(parts, success_rate),
        notes=tuple(_notes(parts, success_rate, threshold.value / 1000)),
    )


def _survey(trace: Iterable[CallRecord]) -> Timeline:
    timeline = Timeline(lanes=0)
    origin = None
    for call in trace:
        origin = call.start if origin is None else origin
        timeline.at(call.start - origin).add(call)
    if origin is None:
        raise TraceError("the trace has no calls; there is nothing to learn from")
    return timeline


def _window_size(parts: HealthySplit) -> Proposal:
    wanted = parts.rate * WINDOW_SECONDS
    size = SMALLEST_WINDOW
    while size * 2 <= min(wanted * 1.5, LARGEST_WINDOW):
        size *= 2
    reason = f"at about {parts.rate:.3g} calls/s it holds the last {size / parts.rate:.3g} s"
    return Proposal("latency_window_size", size, "calls", reason)


def _latency_threshold(parts: HealthySplit, percentile: float, size: int) -> Proposal:
    share = tolerable_share(size, _enough_slow(size, percentile))
    by_chance = parts.latency.percentiles([1 - share])[0]
    reached = max(s.latency.percentiles([percentile])[0] for s in parts.healthy)
    value = min(86_400_000.0, _rounded_up(max(5.0, max(by_chance, reached) * MARGIN * 1000)))
    reason = (
        f"healthy stretches reach a p{percentile * 100:g} of {reached * 1000:.3g} ms, and "
        f"{1 - share:.2%} of healthy calls take less than {by_chance * 1000:.3g} ms; a fifth is "
        "added to the larger, so that chance trips less than one window in a million"
    )
    return Proposal("latency_threshold", value, "ms", reason)


def _minimum_calls(parts: HealthySplit, percentile: float, size: int, threshold: float) -> Proposal:
    healthy = parts.latency
    # No call above the threshold among n calls is consistent with a share of 3/n.
    share = max(healthy.share_above(threshold), 3 / len(healthy))
    enough = 10
    while (
        enough < size and tail(enough, share, _enough_slow(enough, percentile)) > SIGNIFICANCE_LEVEL
    ):
        enough = min(size, enough * 2)
    reason = "in fewer calls, as after a recovery, a few slow ones by chance would trip it"
    return Proposal("minimum_calls", enough, "calls", reason)


def _error_threshold(parts: HealthySplit, size: int) -> Proposal:
    share = parts.error_share
    value = HALF
    while value < 0.95 and tail(size, share, floor(value * size) + 1) > SIGNIFICANCE_LEVEL:
        value = round(value + 0.05, 2)
    reason = (
        f"{share:.2%} of healthy calls fail; to reject all is worth it once more fail than succeed"
    )
    return Proposal("error_threshold", value, "fraction", reason)


def _waits(parts: HealthySplit) -> tuple[Proposal, Proposal]:
    lengths = parts.outage_lengths()
    if lengths:
        typical = median(lengths)
        ground = f"bad times last about {typical:.3g} s (median of {len(lengths)})"
    else:
        typical, ground = TYPICAL_OUTAGE, "there is no bad time to learn from"
    wait = float(min(LONGEST_WAIT, max(1, round(typical * WAIT_SHARE))))
    longest = float(max(wait, min(LONGEST_MAX_WAIT, round(typical * MAX_WAIT_SHARE))))
    return (
        Proposal("wait_time", wait, "s", f"{ground}, and a few probes each {wait:g} s cost little"),
        Proposal(
            "recovery.max_wait_time",
            longest,
            "s",
            "each failed recovery doubles the wait, and so late at most is it noticed that all is "
            "well again",
        ),
    )


def _service_level(parts: HealthySplit, success_rate: float) -> tuple[Proposal, ...]:
    slowest = parts.latency.percentiles([TIMEOUT_PERCENTILE])[0]
    timeout = _rounded_up(max(slowest * TIMEOUT_MARGIN, 0.001))
    warmup = float(min(300, max(10, ceil(WARMUP_CALLS / parts.rate / 10) * 10)))
    return (
        Proposal("slo.success_rate", success_rate, "", "as asked for"),
        Proposal(
            "slo.timeout",
            min(3600.0, timeout),
            "s",
            f"half as much again as {TIMEOUT_PERCENTILE:.1%} of healthy calls take, "
            f"{slowest * 1000:.3g} ms",
        ),
        Proposal(
            "slo.warmup", warmup, "s", f"in which about {WARMUP_CALLS} calls come, or five minutes"
        ),
    )


def _notes(parts: HealthySplit, success_rate: float, threshold: float) -> Iterable[str]:
    calls = len(parts.latency)
    if calls < 10_000:
        yield f"only {calls} healthy calls to learn from: the slowest ones are not known well"
    if parts.error_share > 1 - success_rate:
        yield (
            f"even in healthy times {parts.error_share:.2%} fail, more than the success rate of "
            f"{success_rate:g} allows"
        )
    if not parts.bad:
        yield "the trace has no bad time in it: what trouble looks like here is not known"
        return
    missed = [
        stretch
        for stretch in parts.bad
        if stretch.latency.percentiles([success_rate])[0] <= threshold
        and stretch.error_share <= HALF
    ]
    if missed:
        yield (
            f"{len(missed)} of {len(parts.bad)} bad stretches are neither slow nor failing enough "
            "to trip it: unusual, but short of what rejecting would mend"
        )


def _enough_slow(calls: int, percentile: float) -> int:
    """Return the least number of slow calls that puts the percentile of a window above it."""
    return calls - min(int(calls * percentile), calls - 1)


def _rounded_up(value: float) -> float:
    """Return `value` rounded up to two significant digits."""
    step = 10.0 ** (floor(log10(value)) - 1)
    return float(f"{ceil(value / step) * step:.6g}")


def _settings(proposals: Iterable[Proposal]) -> Settings:
    values: dict[str, Any] = {}  # as read from a file, before it is checked
    for each in proposals:
        table, _, key = each.key.rpartition(".")
        (values.setdefault(table, {}) if table else values)[key] = each.value
    return Settings.model_validate(values)


def _line(proposal: Proposal) -> str:
    value = proposal.value
    text = f"{int(value) if value == int(value) else value:.6g}"
    unit = f"  # {proposal.unit}" if proposal.unit else ""
    return f"{proposal.key} = {text}{unit}"
