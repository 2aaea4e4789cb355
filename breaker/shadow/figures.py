"""Figures that compare a candidate with the settings in force, and their sums. Pure."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from statistics import median
from typing import Any, Final, Literal

Side = Literal["active", "candidate"]
MAX_TRIPS: Final = 20
"""Maximum number of trips kept in full, the newest; the others are only counted."""


@dataclass(frozen=True, slots=True)
class ShadowTrip:
    """Trip of one of the two.

    Attributes:
        at: wall-clock time in seconds since the epoch.
        side: whose it is.
        reason: why it opened.
        evidence: measurements that it was based on, as sentences.
        detected_after: seconds since the first bad call of the trouble; None if unknown.
        earlier_by: seconds by which the candidate tripped before the other, negative if after;
            known at the later one of the two. None if only one of them tripped.
        blind: True if the settings in force rejected calls at that time, so that the candidate saw
            only those that passed.
    """

    at: float
    side: Side
    reason: str
    evidence: tuple[str, ...] = ()
    detected_after: float | None = None
    earlier_by: float | None = None
    blind: bool = False


@dataclass(slots=True)
class ShadowFigures:
    """Counts since the comparison began: they only grow.

    Attributes:
        calls: calls compared: those that ended, and say something.
        rejected_good: calls that the candidate would have rejected, and that ended well and in
            time by the settings in force: false rejections.
        rejected_slow: calls that it would have rejected, and that were too slow for these.
        rejected_failed: calls that it would have rejected, and that failed.
        unseen: calls that the settings in force rejected: of these nothing is known.
        blind: calls compared while these rejected others.
        trips: trips of the candidate.
        active_trips: trips of the settings in force, without those by operators and the fleet.
        latest: the newest trips of both, oldest first.
    """

    calls: int = 0
    rejected_good: int = 0
    rejected_slow: int = 0
    rejected_failed: int = 0
    unseen: int = 0
    blind: int = 0
    trips: int = 0
    active_trips: int = 0
    latest: list[ShadowTrip] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        """Return the number of calls that the candidate would have rejected."""
        return self.rejected_good + self.rejected_slow + self.rejected_failed

    @property
    def false_rejections(self) -> float | None:
        """Return the share of all compared calls that it would have rejected for nothing."""
        return self.rejected_good / self.calls if self.calls else None

    @property
    def earlier_by(self) -> float | None:
        """Return the median of seconds by which the candidate was earlier; None if unknown."""
        known = [trip.earlier_by for trip in self.latest if trip.earlier_by is not None]
        return median(known) if known else None

    def detected_after(self, side: Side) -> float | None:
        """Return the median of the seconds that one side took to trip; None if unknown."""
        known = [
            trip.detected_after
            for trip in self.latest
            if trip.side == side and trip.detected_after is not None
        ]
        return median(known) if known else None

    def copy(self) -> "ShadowFigures":
        """Return the same figures apart."""
        return replace(self, latest=list(self.latest))

    def note(self, trip: ShadowTrip) -> None:
        """Count a trip, and keep it among the newest."""
        if trip.side == "active":
            self.active_trips += 1
        else:
            self.trips += 1
        self.latest = [*self.latest, trip][-MAX_TRIPS:]


_COUNTS: Final = tuple(each.name for each in fields(ShadowFigures) if each.name != "latest")


def sum_figures(parts: Iterable[ShadowFigures]) -> ShadowFigures:
    """Return the sums of several processes, with the newest trips of all."""
    total = ShadowFigures()
    trips: list[ShadowTrip] = []
    for part in parts:
        for name in _COUNTS:
            setattr(total, name, getattr(total, name) + getattr(part, name))
        trips += part.latest
    total.latest = sorted(trips, key=lambda trip: trip.at)[-MAX_TRIPS:]
    return total


def encode_figures(figures: ShadowFigures) -> str:
    """Return figures as JSON."""
    return json.dumps(asdict(figures), separators=(",", ":"))


def decode_figures(text: str) -> ShadowFigures:
    """Return the figures that `encode_figures` has written; what is unknown is left out.

    Raises:
        ValueError: the text is none of its.
    """
    try:
        data: dict[str, Any] = json.loads(text)
        counts = {name: int(data.get(name, 0)) for name in _COUNTS}
        trips = [_trip(each) for each in data.get("latest", ())]
    except (TypeError, AttributeError, KeyError) as error:
        raise ValueError(f"no figures of a shadow: {error}") from error
    return ShadowFigures(**counts, latest=trips)


def _trip(data: dict[str, Any]) -> ShadowTrip:
    return ShadowTrip(
        at=float(data["at"]),
        side="active" if data["side"] == "active" else "candidate",
        reason=str(data["reason"]),
        evidence=tuple(map(str, data["evidence"])),
        detected_after=_number(data["detected_after"]),
        earlier_by=_number(data["earlier_by"]),
        blind=bool(data["blind"]),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
