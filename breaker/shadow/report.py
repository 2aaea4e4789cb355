"""Describe a comparison, as JSON-able data with units in the names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict

from breakerd.breaker.shadow.figures import ShadowFigures, ShadowTrip

_SECONDS_IN = ((86_400, "d"), (3_600, "h"), (60, "min"))


class SettingDifference(TypedDict):
    """One setting that the candidate has otherwise."""

    active: object
    candidate: object


class ShadowTripReport(TypedDict):
    """One trip; see `ShadowTrip`."""

    at: str
    side: str
    reason: str
    evidence: list[str]
    detected_after_seconds: float | None
    earlier_by_seconds: float | None
    blind: bool


class ShadowSideReport(TypedDict):
    """What one of the two did: its trips, and the median time from the first bad call to them."""

    trips: int
    detected_after_seconds: float | None


class PromiseReport(TypedDict):
    """Promise to promote the candidate: once it is due, and if the condition is true then."""

    due: str
    due_in_seconds: float
    condition: str
    made: str
    by: str


class SettledReport(TypedDict):
    """What became of the last promise: it was "kept", is "void", or was "taken back"; and why."""

    at: str
    ending: str
    text: str
    by: str


class ShadowReport(TypedDict):
    """What the candidate of a breaker would have done, beside what the settings in force did.

    `compared_calls` are those that ended; `would_reject` of them the candidate would have rejected,
    and `false_rejections` of these ended well, and in time by the settings in force. Of
    `unseen_calls`, which the settings in force rejected, nobody knows how they would have ended.
    `blind_calls` were compared while others were rejected. `earlier_by_seconds` is the median by
    which the candidate tripped before the settings in force, negative if after.
    """

    digest: str
    differences: dict[str, SettingDifference]
    state: str
    since: str
    seconds: float
    scope: str
    compared_calls: int
    would_reject: int
    would_reject_slow: int
    would_reject_failed: int
    false_rejections: int
    false_rejection_share: float | None
    unseen_calls: int
    blind_calls: int
    active: ShadowSideReport
    candidate: ShadowSideReport
    earlier_by_seconds: float | None
    trips: list[ShadowTripReport]
    promise: PromiseReport | None
    last_promise: SettledReport | None
    summary: str


@dataclass(frozen=True, slots=True)
class Beside:
    """What others know of a comparison.

    Attributes:
        figures: sums of the other processes, ended ones among them.
        since: wall-clock time in seconds since the epoch at which it began.
        promise: promise to promote the candidate; None if there is none.
        settled: what became of the one before; None if there was none.
    """

    figures: ShadowFigures
    since: float
    promise: PromiseReport | None = None
    settled: SettledReport | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison without its figures.

    Attributes:
        digest: its identity.
        differences: settings that differ: (in force, of the candidate) by key.
        state: state of the candidate in this process.
        since: wall-clock time in seconds since the epoch at which it began.
        scope: processes that the figures are of: "process", or "host".
        promise: promise to promote the candidate; None if there is none.
        settled: what became of the one before; None if there was none.
    """

    digest: str
    differences: Mapping[str, tuple[object, object]]
    state: str
    since: float
    scope: str
    promise: PromiseReport | None
    settled: SettledReport | None


def describe_shadow(figures: ShadowFigures, of: Comparison, now: float) -> ShadowReport:
    """Return the report of a comparison; `now` in seconds since the epoch."""
    share = figures.false_rejections
    return ShadowReport(
        digest=of.digest,
        differences={
            key: SettingDifference(active=before, candidate=after)
            for key, (before, after) in of.differences.items()
        },
        state=of.state,
        since=rfc3339(of.since),
        seconds=round(max(0.0, now - of.since), 1),
        scope=of.scope,
        compared_calls=figures.calls,
        would_reject=figures.rejected,
        would_reject_slow=figures.rejected_slow,
        would_reject_failed=figures.rejected_failed,
        false_rejections=figures.rejected_good,
        false_rejection_share=None if share is None else round(share, 9),
        unseen_calls=figures.unseen,
        blind_calls=figures.blind,
        active=_side(figures, "active"),
        candidate=_side(figures, "candidate"),
        earlier_by_seconds=_rounded(figures.earlier_by),
        trips=[_trip(each) for each in figures.latest],
        promise=of.promise,
        last_promise=of.settled,
        summary=summary(figures, max(0.0, now - of.since)),
    )


def summary(figures: ShadowFigures, seconds: float) -> str:
    """Return in words what would have been different."""
    if not figures.calls:
        return f"No call was compared in {_length(seconds)}."
    trips = f"{_count(figures.trips, 'trip')} instead of {figures.active_trips:,}"
    good = f"{figures.rejected_good:,} of them good ({_percent(figures.false_rejections)} of all)"
    parts = [
        f"In {_length(seconds)}, {_count(figures.calls, 'call')}: {trips}",
        f"{figures.rejected:,} of these calls rejected, {good}",
    ]
    earlier = figures.earlier_by
    if earlier is not None and round(earlier, 1):
        when = "earlier" if earlier > 0 else "later"
        parts.append(f"tripped {abs(earlier):.1f} s {when}")
    if figures.unseen:
        parts.append(f"{_count(figures.unseen, 'call')} that were rejected are unknown")
    return "; ".join(parts) + "."


def _side(figures: ShadowFigures, side: str) -> ShadowSideReport:
    active = side == "active"
    return ShadowSideReport(
        trips=figures.active_trips if active else figures.trips,
        detected_after_seconds=_rounded(
            figures.detected_after("active" if active else "candidate")
        ),
    )


def _trip(trip: ShadowTrip) -> ShadowTripReport:
    return ShadowTripReport(
        at=rfc3339(trip.at),
        side=trip.side,
        reason=trip.reason,
        evidence=list(trip.evidence),
        detected_after_seconds=_rounded(trip.detected_after),
        earlier_by_seconds=_rounded(trip.earlier_by),
        blind=trip.blind,
    )


def _length(seconds: float) -> str:
    for unit, name in _SECONDS_IN:
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _percent(share: float | None) -> str:
    return "0 %" if not share else f"{share * 100:.2g} %"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def rfc3339(timestamp: float) -> str:
    """Return a time in seconds since the epoch as text."""
    return (
        datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    )
