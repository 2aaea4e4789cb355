"""Observations: which breakers of a process need attention, and reports of them for peers."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final, Protocol, Self

from breakerd.alerts.incidents import policy
from breakerd.alerts.model.content import AlertContext
from breakerd.alerts.model.incident_parts.member import LOW, PAGE, outranks

MAX_DETAILED: Final = 20
"""Maximum number of observations that a report describes in full."""
_MAX_LATENCIES: Final = 300
"""Maximum number of latencies of a breaker in a report."""


@dataclass(frozen=True, slots=True)
class Observation:
    """Breaker that needs attention.

    Attributes:
        breaker: name of the breaker.
        kind: most severe kind of alert: "open", "memory", "latency" or "degraded".
        since: seconds since the epoch.
        drill: True if it is only a drill; None if that is unknown.
        severity: "page", "elevated" or "low", see `Member`.
        cause: signal or reason, as the key of a cooldown.
        reason: reason as matchers of silences test it.
    """

    breaker: str
    kind: str
    since: float
    drill: bool | None = None
    severity: str = PAGE
    cause: str = ""
    reason: str = ""

    @property
    def rank(self) -> tuple[int, bool, bool]:
        """Order of urgency; the highest is the most urgent."""
        return (
            policy.severity(self.kind), outranks(self.severity, LOW), self.severity == PAGE,
        )  # fmt: skip


class ObservationSource(Protocol):
    """Process whose observations the leader reads."""

    @property
    def process(self) -> str:
        """Id of the process; different for each."""
        ...

    @property
    def observations(self) -> Mapping[str, Observation]:
        """Breakers that need attention, by name."""
        ...

    def context(self, breaker: str) -> AlertContext | None:
        """Return the present facts of that breaker, also of one that is well; None if unknown."""
        ...

    def closing_reason(self, breaker: str) -> str:
        """Return what ended the trouble of that breaker in a few words; empty if unknown."""
        ...

    @property
    def closing_reasons(self) -> Mapping[str, str]:
        """Reasons for which breakers recovered, by name of the breaker."""
        ...


@dataclass(frozen=True, slots=True)
class PeerReport:
    """Observations that a process publishes for its peers; see `ObservationSource`.

    Attributes:
        process: id of the process.
        observations: breakers that need attention, by name.
        contexts: facts of the first `MAX_DETAILED` of them, and of those that are well again.
        closing_reasons: what ended the trouble of breakers, by name.
    """

    process: str = ""
    observations: Mapping[str, Observation] = field(default_factory=dict)
    contexts: Mapping[str, AlertContext] = field(default_factory=dict)
    closing_reasons: Mapping[str, str] = field(default_factory=dict)

    def context(self, breaker: str) -> AlertContext | None:
        """Return the published facts; None if none were published."""
        return self.contexts.get(breaker)

    def closing_reason(self, breaker: str) -> str:
        """Return what ended the trouble of that breaker; empty if unknown."""
        return self.closing_reasons.get(breaker, "")

    @classmethod
    def from_source(cls, source: ObservationSource, closing_reasons: Mapping[str, str]) -> Self:
        """Compose a report of what `source` observes now."""
        observations = dict(source.observations)
        wanted = list(dict.fromkeys([*observations, *closing_reasons]))
        contexts = {
            name: _trimmed(context)
            for name in wanted[:MAX_DETAILED]
            if (context := source.context(name)) is not None
        }
        return cls(source.process, observations, contexts, dict(closing_reasons))

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-able data."""
        return {
            "process": self.process,
            "observations": [asdict(each) for each in self.observations.values()],
            "contexts": {name: each.as_dict() for name, each in self.contexts.items()},
            "closing_reasons": dict(self.closing_reasons),
        }

    def to_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(self.as_dict())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse a report, also one of another version: a breaker without facts is still told.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: the text is not a report.
        """
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a report from `as_dict` data, also of another version; raises as `from_json`."""
        observations = [_observation(each) for each in data["observations"]]
        return cls(
            data.get("process", ""),
            {o.breaker: o for o in observations},
            _contexts(data.get("contexts", {})),
            data.get("closing_reasons", {}),
        )


def _observation(data: dict[str, Any] | list[Any]) -> Observation:
    """Return an observation. Earlier versions wrote a list of its first attributes."""
    names = [each.name for each in fields(Observation)]
    values = data if isinstance(data, dict) else dict(zip(names, data, strict=False))
    return Observation(**{name: values[name] for name in names if name in values})


def _contexts(data: dict[str, dict[str, Any]]) -> dict[str, AlertContext]:
    """Return the facts by breaker, without those that this version cannot read."""
    found = {}
    for name, each in data.items():
        with suppress(ValueError, TypeError, KeyError, AttributeError):
            found[name] = AlertContext.from_dict(each)
    return found


def _trimmed(context: AlertContext) -> AlertContext:
    """Return the facts with no more latencies than an alert shows."""
    latencies = context.status["recent_latencies_ms"][-_MAX_LATENCIES:]
    return replace(context, status={**context.status, "recent_latencies_ms": latencies})


def merge_observations(
    sources: Iterable[ObservationSource],
) -> dict[str, tuple[Observation, ObservationSource]]:
    """Return the most severe observation of each breaker, with its source, by name."""
    found: dict[str, tuple[Observation, ObservationSource]] = {}
    for source in sources:
        for name, observation in source.observations.items():
            known = found.get(name)
            if known is None or observation.rank > known[0].rank:
                found[name] = (observation, source)
    return found
