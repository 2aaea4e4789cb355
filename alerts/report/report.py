"""Report of one incident: what is known of it, as data. Times are in seconds since the epoch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from breakerd.alerts.pictures.chart import Chart


@dataclass(frozen=True, slots=True)
class Timing:
    """How long something took, from the beginning of the trouble.

    Attributes:
        name: `began`, `noticed`, `paged`, `acknowledged`, `well` or `closed`.
        at: when it happened; None if it has not, or is not known.
        seconds: time since the trouble began; None if `at` is.
        definition: what counts as it.
        remark: why it is not known, or what limits it; empty if there is nothing to say.
    """

    name: str
    at: float | None
    seconds: float | None
    definition: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of the timeline.

    Attributes:
        at: when it happened.
        kind: `transition`, `signal`, `recovery`, `settings`, `act`, `reload`, `alert`, `note`,
            `acknowledgement` or `hold`.
        breaker: name of the breaker; empty if it concerns none, or all.
        text: what happened, without its time.
        where: process or receiver; empty if it is unknown, or all.
    """

    at: float
    kind: str
    breaker: str
    text: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class RejectedCalls:
    """Calls that a breaker rejected, and what they would have met.

    Calls that were let through meanwhile, as probes and in the ramp, show what the others would
    have met.

    Attributes:
        calls: calls that were rejected.
        by_reason: their numbers by reason.
        by_priority: their numbers by priority, of those that the concurrency limit rejected.
        let_through: calls that ended in slots in which others were rejected, or would have been.
        let_through_bad: those of them that failed, were slow or were late.
        let_through_median_ms: their median duration; None without such calls.
        would_have_been_bad: estimate of how many of the rejected would have been so: in each slot
            the share of those last let through. None if none was let through.
    """

    calls: int = 0
    by_reason: Mapping[str, int] = field(default_factory=dict)
    by_priority: Mapping[str, int] = field(default_factory=dict)
    let_through: int = 0
    let_through_bad: int = 0
    let_through_median_ms: float | None = None
    would_have_been_bad: int | None = None


@dataclass(frozen=True, slots=True)
class BreakerSection:
    """What the report has of one breaker.

    Attributes:
        name: its name.
        kind: most severe kind of alert.
        since: when its trouble began, the last time.
        well: True if it is well at present.
        episodes: number of times it was in trouble.
        tripped: what made it trip, as sentences with their figures; empty if it is not known.
        chart: its calls from 15 minutes before to 15 minutes after.
        rejected: calls that it rejected.
    """

    name: str
    kind: str
    since: float
    well: bool
    episodes: int
    tripped: tuple[str, ...]
    chart: Chart
    rejected: RejectedCalls


@dataclass(frozen=True, slots=True)
class ReceiverSection:
    """What one receiver was told. `told` has the time and the priority of each."""

    name: str
    told: tuple[tuple[float, str], ...]
    outcome: str


@dataclass(frozen=True, slots=True)
class IncidentReport:
    """Report of one incident.

    Attributes:
        id: id of the incident.
        alias: alias of its alert.
        message: first line of its alert; once its breakers are well, what was wrong.
        phase: `active`, `resolving` or `closed`.
        kind: most severe kind of alert.
        drill: True if it was a drill.
        priority: last priority of its alert.
        opened_at: when it began.
        well_at: when the last of its breakers was well again; None while one is not.
        closed_at: when it closed; None if it has not.
        made_at: when the report was made.
        service: what the alert says of the service, by name.
        alert: text of the alert.
        closing: last words of the alert; empty while it is open.
        timings: how long it took until it was noticed, paged, acknowledged, well.
        breakers: its breakers, the first of many.
        others: names of its other breakers.
        timeline: all that happened, oldest first.
        receivers: what receivers were told.
        missing: parts that are not known, as sentences.
    """

    id: str
    alias: str
    message: str
    phase: str
    kind: str
    drill: bool
    priority: str
    opened_at: float
    well_at: float | None
    closed_at: float | None
    made_at: float
    service: Mapping[str, str]
    alert: str
    closing: str
    timings: tuple[Timing, ...]
    breakers: tuple[BreakerSection, ...]
    others: tuple[str, ...]
    timeline: tuple[Moment, ...]
    receivers: tuple[ReceiverSection, ...]
    missing: tuple[str, ...]

    @property
    def in_progress(self) -> bool:
        """True if the incident is not over."""
        return self.closed_at is None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-able data, with the names of its attributes."""
        return {**asdict(self), "in_progress": self.in_progress}
