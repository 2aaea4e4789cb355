"""Words of a report that all of its forms share. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from breakerd.alerts.model.text import count_calls, format_duration, milliseconds, percent
from breakerd.alerts.report.report import IncidentReport, RejectedCalls, Timing

_PHASES: Final = {
    "active": "in progress",
    "resolving": "in progress: its breakers are well, and may still come back",
    "closed": "over",
}
KINDS: Final = {
    "transition": "state",
    "signal": "signal",
    "recovery": "recovery",
    "settings": "settings",
    "act": "operator",
    "reload": "reload",
    "candidate": "candidate",
    "alert": "alert",
    "note": "note",
    "acknowledgement": "person",
    "hold": "held back",
}
"""Names of the kinds of moments."""


def moment(at: float) -> str:
    """Return a time in UTC with its date."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def took(timing: Timing) -> str:
    """Return how long something took; a dash if it is not known."""
    if timing.at is None or timing.seconds is None:
        return "–"  # noqa: RUF001 - nothing
    if timing.name == "began":
        return "0 s"
    return format_duration(timing.seconds)


def state_of(report: IncidentReport) -> str:
    """Return whether the incident is over, and how long it has lasted."""
    ended = report.well_at or report.made_at
    lasted = format_duration(ended - report.opened_at)
    drill = ", a drill" if report.drill else ""
    return f"{_PHASES[report.phase]}{drill}; its breakers were in trouble for {lasted}"


def rejections(found: RejectedCalls) -> list[str]:
    """Return what is known of rejected calls, as sentences."""
    if not found.calls:
        return ["No call was rejected."]
    lines = [f"{count_calls(found.calls)} rejected: {_counts(found.by_reason)}."]
    if found.by_priority:
        lines.append(f"By priority, of those above the limit: {_counts(found.by_priority)}.")
    if not found.let_through:
        return [*lines, "No call was let through meanwhile: what they would have met is unknown."]
    bad = percent(found.let_through_bad / found.let_through)
    median = found.let_through_median_ms
    took_them = f"; median {milliseconds(median)}" if median is not None else ""
    lines.append(
        f"{count_calls(found.let_through)} let through meanwhile, as probes and in the ramp: "
        f"{found.let_through_bad:,} failed, were slow or were late ({bad}){took_them}."
    )
    if found.would_have_been_bad is not None:
        share = percent(found.would_have_been_bad / found.calls)
        lines.append(
            f"Had the rejected calls been made, about {found.would_have_been_bad:,} ({share}) "
            "would have been so. This is an estimate: at each time, as the calls last let through."
        )
    return lines


def _counts(numbers: Mapping[str, int]) -> str:

    ordered = sorted(numbers.items(), key=lambda each: -each[1])
    return ", ".join(f"{name} {number:,}" for name, number in ordered)
