"""Words for what an incident means for calls: in the first line, and in full."""

from typing import Final

from breakerd.alerts.content.facts import BreakerFacts, lookup, number
from breakerd.alerts.content.summary import Summary
from breakerd.alerts.content.topics import Topic
from breakerd.alerts.model.figures import CallCounts
from breakerd.alerts.model.text import count_calls, milliseconds, percent

_SLOW: Final = "calls are slow"
_TROUBLE: Final = {
    Topic.SLOW: _SLOW,
    Topic.LATENCY: _SLOW,
    Topic.HANG: "calls do not return in time",
    Topic.ERRORS: "calls fail",
    Topic.SERVICE_LEVEL: "calls fail or time out",
}
"""Trouble that calls meet where none is rejected."""


def effect(summary: Summary) -> str:
    """Return in a few words which calls are rejected: `61% rejected`; empty if none is."""
    counts, worst = summary.incident.counts, summary.worst
    told_by_cause = summary.topic is Topic.OVERLOAD and not (worst.would_be or worst.rejects)
    if summary.over or told_by_cause:
        return ""
    if worst.would_be:
        return "nothing rejected (OBSERVE)"
    if summary.recovering or not counts.rejected or counts.where:
        return _passing(summary, where=" there" if summary.where else "")
    if counts.rejected == counts.all:
        return f"all {count_calls(counts.rejected)} rejected"
    group = " of all calls" if len(summary.names) > 1 else ""
    return f"{percent(counts.rejected / counts.all)}{group} rejected"


def impact(summary: Summary) -> str:
    """Return what it has meant for calls so far, in a sentence without its full stop."""
    worst = summary.worst
    if worst.would_be:
        return _observed(summary)
    if _rejecting(summary):
        where = f" {summary.where}" if summary.where else ""
        return _with_counts(summary, _passing(summary, "are ", where))
    if summary.topic is Topic.OVERLOAD:
        share = worst.weighted("limiter", "shed_share")
        now = f"{percent(share)} of calls are" if share else "some calls are"
        return _with_counts(summary, f"{now} turned away", "turned away")
    return _suffered(summary)


def _observed(summary: Summary) -> str:
    counts, trouble = summary.incident.counts, _trouble(summary.worst, summary.topic)
    now = "; ".join(filter(None, [trouble, "no call is rejected: it only observes (OBSERVE)"]))
    if not counts.all or not counts.would_reject:
        return now
    share = percent(counts.would_reject / counts.all)
    told = f"{counts.would_reject:,} of {count_calls(counts.all)}"
    return f"{now}; it would have rejected {told} ({share}) since it began"


def _with_counts(summary: Summary, now: str, verb: str = "rejected") -> str:
    """Return how many calls were rejected, in which processes, and what happens now."""
    counts = summary.incident.counts
    if not counts.all:
        return f"{now} now"
    failed = f"{counts.error:,} failed ({percent(counts.error / counts.all)})"
    if counts.rejected == counts.all:
        told = f"all {count_calls(counts.all)} {verb}"
    elif counts.rejected:
        share = percent(counts.rejected / counts.all)
        told = f"{counts.rejected:,} of {count_calls(counts.all)} {verb} ({share})"
        told += f", {failed}" if counts.error else ""
    else:
        told = _errors(counts) if counts.error else f"none of {count_calls(counts.all)} {verb}"
    return f"{told} since it began{counts.where}; {now} now"


def _suffered(summary: Summary) -> str:
    """Return what calls suffer from while none is rejected."""
    counts, worst = summary.incident.counts, summary.worst
    if counts.rejected:
        return _with_counts(summary, "none is rejected")
    if counts.error:
        return f"{_errors(counts)} since it began; none is rejected"
    trouble = _trouble(worst, summary.topic)
    if counts.all:
        none = f"none of {count_calls(counts.all)} since it began failed or was rejected"
    else:
        none = "none is rejected" if trouble else "no call is rejected"
    return "; ".join(filter(None, [trouble, none]))


def _trouble(worst: BreakerFacts, topic: Topic) -> str:
    """Return what calls suffer from at present; empty if that is unknown."""
    if topic is Topic.SERVICE_LEVEL:
        share = worst.weighted("slo", "failing_share_10s")
        return f"{percent(share)} of {_TROUBLE[topic]}" if share else _TROUBLE[topic]
    if topic is Topic.ERRORS:
        share = worst.weighted("error_rate")
        return f"{percent(share)} of {_TROUBLE[topic]}" if share else _TROUBLE[topic]
    if topic in _TROUBLE:
        return _TROUBLE[topic]
    if errors := worst.weighted("error_rate"):
        return f"{percent(errors)} of calls fail"
    latency = worst.latency_ms
    if latency is None:
        return ""
    return f"calls take {milliseconds(latency)} ({worst.percentile_name})"


def _errors(counts: CallCounts) -> str:
    share = percent(counts.error / counts.all)
    return f"{counts.error:,} of {count_calls(counts.all)} failed ({share})"


def _rejecting(summary: Summary) -> bool:
    worst = summary.worst
    return worst.rejects or worst.true("load", "rejects")


def _passing(summary: Summary, are: str = "", where: str = "") -> str:
    """Return which calls are rejected, from the states alone; empty if none is.

    Args:
        summary: the incident.
        are: verb of a sentence.
        where: in which processes, if that is not in all of them.
    """
    if not _rejecting(summary):
        return ""
    active, status = summary.active, summary.worst.status
    share = number(lookup(status, ("recovery", "share")))
    ramps = len(active) == 1 and lookup(status, ("recovery", "phase")) == "ramp" and share
    if any(each.partial for each in active) and not where:
        return f"some calls {are}rejected"
    if summary.recovering or ramps:
        return f"{percent(share) if share else 'some'} of calls {are}let through{where}"
    if not all(each.rejects or each.true("load", "rejects") for each in active):
        return f"some calls {are}rejected"
    probing = any(each.state == "HALF_OPEN" for each in active)
    return f"all calls{' but probes' if probing else ''} {are}rejected{where}"
