"""What processes see of their breakers. Several may share one file, and one of them sends."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Protocol, Self

from breakerd.alerts.incidents import policy
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.notes import PeakFigures
from breakerd.alerts.model.text import truncate

MAX_DETAILED: Final = 20
"""So many breakers in trouble are described in full; of the rest only who and what."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A breaker that is in trouble.

    Attributes:
        breaker: its name.
        kind: the weightiest thing about it: "open", "memory", "latency" or "trouble".
        since: seconds since the epoch.
        drill: whether it is only a drill; None if that is not known.
    """

    breaker: str
    kind: str
    since: float
    drill: bool | None = None


class ObservationSource(Protocol):
    """One process, as the one that sends sees it."""

    @property
    def observations(self) -> Mapping[str, Observation]:
        """Its breakers that are in trouble, by name."""
        ...

    def content(self, observation: Observation) -> AlertContent:
        """What an alert for that says."""
        ...

    def cause(self, observation: Observation) -> str:
        """The evidence, in a sentence."""
        ...

    def describe_state(self, breaker: str) -> str:
        """What that breaker looks like now, in a sentence; empty if it has none of that name."""
        ...

    def peak_figures(self, breaker: str) -> PeakFigures | None:
        """Its figures now; None if they are not known."""
        ...

    def closing_reason(self, breaker: str) -> str:
        """What made it well again, in a few words; empty if that is not known."""
        ...


@dataclass(frozen=True, slots=True)
class ObservationDetail:
    """What one process tells the others of one breaker in trouble."""

    cause: str
    state_summary: str
    content: AlertContent
    peak: PeakFigures | None = None


@dataclass(frozen=True, slots=True)
class PeerReport:
    """What another process wrote down of its breakers."""

    observations: Mapping[str, Observation] = field(default_factory=dict)
    details: Mapping[str, ObservationDetail] = field(default_factory=dict)
    closing_reasons: Mapping[str, str] = field(default_factory=dict)

    def content(self, observation: Observation) -> AlertContent:
        """What an alert for that says; the least that pages where no more was written down."""
        if description := self.details.get(observation.breaker):
            return description.content
        message = policy.LABELS[observation.kind]
        return AlertContent(f"{observation.breaker} {message}", "", observation.breaker, "breakerd")

    def cause(self, observation: Observation) -> str:
        """The evidence, in a sentence."""
        description = self.details.get(observation.breaker)
        return description.cause if description else policy.LABELS[observation.kind]

    def describe_state(self, breaker: str) -> str:
        """What that breaker looked like, in a sentence; empty if nothing was written down."""
        description = self.details.get(breaker)
        return description.state_summary if description else ""

    def peak_figures(self, breaker: str) -> PeakFigures | None:
        """Its figures."""
        description = self.details.get(breaker)
        return description.peak if description else None

    def closing_reason(self, breaker: str) -> str:
        """What made it well again."""
        return self.closing_reasons.get(breaker, "")

    @classmethod
    def from_source(cls, witness: ObservationSource, ended: Mapping[str, str]) -> Self:
        """What `witness` sees now."""
        observations = dict(witness.observations)
        described = {
            observation.breaker: ObservationDetail(
                witness.cause(observation),
                witness.describe_state(observation.breaker),
                witness.content(observation),
                witness.peak_figures(observation.breaker),
            )
            for observation in list(observations.values())[:MAX_DETAILED]
        }
        return cls(observations, described, dict(ended))

    def to_json(self) -> str:
        """It as JSON."""
        return json.dumps(
            {
                "observations": [
                    [s.breaker, s.kind, s.since, s.drill] for s in self.observations.values()
                ],
                "described": {name: _as_dict(d) for name, d in self.details.items()},
                "ended": dict(self.closing_reasons),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The testimony of that JSON.

        Raises:
            ValueError, TypeError, KeyError: it is none.
        """
        data = json.loads(text)
        observations = [Observation(*values) for values in data["observations"]]
        described = {
            name: ObservationDetail(
                cause=each["why"],
                state_summary=each["seen"],
                content=AlertContent.from_dict(each["content"]),
                peak=PeakFigures(**each["worst"]) if each["worst"] else None,
            )
            for name, each in data["described"].items()
        }
        return cls({s.breaker: s for s in observations}, described, data["ended"])


def _as_dict(description: ObservationDetail) -> dict[str, Any]:
    return {
        "why": truncate(description.cause, 500),
        "seen": description.state_summary,
        "content": description.content.as_dict(),
        "worst": asdict(description.peak) if description.peak else None,
    }


def merge_observations(
    witnesses: Iterable[ObservationSource],
) -> dict[str, tuple[Observation, ObservationSource]]:
    """The weightiest observation of each breaker, and whose it is."""
    found: dict[str, tuple[Observation, ObservationSource]] = {}
    for witness in witnesses:
        for name, observation in witness.observations.items():
            known = found.get(name)
            if known is None or policy.severity(observation.kind) > policy.severity(known[0].kind):
                found[name] = (observation, witness)
    return found
