"""Observations: which breakers of a process need attention, and reports of them for peers."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Protocol, Self

from breakerd.alerts.incidents import policy
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.notes import PeakFigures
from breakerd.alerts.model.text import truncate

MAX_DETAILED: Final = 20
"""Maximum number of observations that a report describes in full."""
_MAX_CAUSE: Final = 500
"""Maximum number of characters of a cause in a report."""


@dataclass(frozen=True, slots=True)
class Observation:
    """Breaker that needs attention.

    Attributes:
        breaker: name of the breaker.
        kind: most severe kind of alert: "open", "memory", "latency" or "degraded".
        since: seconds since the epoch.
        drill: True if it is only a drill; None if that is unknown.
    """

    breaker: str
    kind: str
    since: float
    drill: bool | None = None


class ObservationSource(Protocol):
    """Process whose observations the leader reads."""

    @property
    def observations(self) -> Mapping[str, Observation]:
        """Breakers that need attention, by name."""
        ...

    def content(self, observation: Observation) -> AlertContent:
        """Return the content of an alert about that observation."""
        ...

    def cause(self, observation: Observation) -> str:
        """Return the evidence in a sentence."""
        ...

    def describe_state(self, breaker: str) -> str:
        """Return the state of that breaker in a sentence; empty if it is unknown."""
        ...

    def peak_figures(self, breaker: str) -> PeakFigures | None:
        """Return the present figures of that breaker; None if they are unknown."""
        ...

    def closing_reason(self, breaker: str) -> str:
        """Return what ended the trouble of that breaker in a few words; empty if unknown."""
        ...


@dataclass(frozen=True, slots=True)
class ObservationDetail:
    """Full description of one observation in a report."""

    cause: str
    state_summary: str
    content: AlertContent
    peak: PeakFigures | None = None


@dataclass(frozen=True, slots=True)
class PeerReport:
    """Observations that a process publishes for its peers; see `ObservationSource`.

    Attributes:
        observations: breakers that need attention, by name.
        details: full descriptions of the first `MAX_DETAILED` of them, by name.
        closing_reasons: what ended the trouble of breakers, by name.
    """

    observations: Mapping[str, Observation] = field(default_factory=dict)
    details: Mapping[str, ObservationDetail] = field(default_factory=dict)
    closing_reasons: Mapping[str, str] = field(default_factory=dict)

    def content(self, observation: Observation) -> AlertContent:
        """Return the published content; the least that pages if none was published."""
        if detail := self.details.get(observation.breaker):
            return detail.content
        label = policy.LABELS[observation.kind]
        return AlertContent(f"{observation.breaker} {label}", "", observation.breaker, "breakerd")

    def cause(self, observation: Observation) -> str:
        """Return the evidence in a sentence."""
        detail = self.details.get(observation.breaker)
        return detail.cause if detail else policy.LABELS[observation.kind]

    def describe_state(self, breaker: str) -> str:
        """Return the published state in a sentence; empty if none was published."""
        detail = self.details.get(breaker)
        return detail.state_summary if detail else ""

    def peak_figures(self, breaker: str) -> PeakFigures | None:
        """Return the published figures; None if none were published."""
        detail = self.details.get(breaker)
        return detail.peak if detail else None

    def closing_reason(self, breaker: str) -> str:
        """Return what ended the trouble of that breaker; empty if unknown."""
        return self.closing_reasons.get(breaker, "")

    @classmethod
    def from_source(cls, source: ObservationSource, closing_reasons: Mapping[str, str]) -> Self:
        """Compose a report of what `source` observes now."""
        observations = dict(source.observations)
        details = {
            observation.breaker: ObservationDetail(
                source.cause(observation),
                source.describe_state(observation.breaker),
                source.content(observation),
                source.peak_figures(observation.breaker),
            )
            for observation in list(observations.values())[:MAX_DETAILED]
        }
        return cls(observations, details, dict(closing_reasons))

    def to_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(
            {
                "observations": [
                    [o.breaker, o.kind, o.since, o.drill] for o in self.observations.values()
                ],
                "details": {name: _as_dict(detail) for name, detail in self.details.items()},
                "closing_reasons": dict(self.closing_reasons),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse a report.

        Raises:
            ValueError, TypeError, KeyError: the text is not a report.
        """
        data = json.loads(text)
        observations = [Observation(*values) for values in data["observations"]]
        details = {
            name: ObservationDetail(
                cause=each["cause"],
                state_summary=each["state_summary"],
                content=AlertContent.from_dict(each["content"]),
                peak=PeakFigures(**each["peak"]) if each["peak"] else None,
            )
            for name, each in data["details"].items()
        }
        return cls({o.breaker: o for o in observations}, details, data["closing_reasons"])


def _as_dict(detail: ObservationDetail) -> dict[str, Any]:
    return {
        "cause": truncate(detail.cause, _MAX_CAUSE),
        "state_summary": detail.state_summary,
        "content": detail.content.as_dict(),
        "peak": asdict(detail.peak) if detail.peak else None,
    }


def merge_observations(
    sources: Iterable[ObservationSource],
) -> dict[str, tuple[Observation, ObservationSource]]:
    """Return the most severe observation of each breaker, with its source, by name."""
    found: dict[str, tuple[Observation, ObservationSource]] = {}
    for source in sources:
        for name, observation in source.observations.items():
            known = found.get(name)
            if known is None or policy.severity(observation.kind) > policy.severity(known[0].kind):
                found[name] = (observation, source)
    return found
