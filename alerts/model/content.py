"""Content of an alert, and the facts it is composed from."""

import json
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, Self

from breakerd.alerts.model.limits import MESSAGE
from breakerd.alerts.pictures.chart import Chart
from breakerd.breaker.events.events import Evidence, Signal, Transition
from breakerd.breaker.runtime.status_types import Status
from breakerd.breaker.states import Reason, State


@dataclass(frozen=True, slots=True)
class AlertContent:
    """Text, tags and details of an alert. Each part is within OpsGenie's limits.

    Attributes:
        message: first line, with the most important part first.
        description: all that on-call needs, in lines.
        entity: name of the breaker that caused it.
        source: sender.
        team: team that is paged.
        tags: `key:value` each.
        details: further facts by name; links are `Incident`, `Runbook` and `Dashboard`.
        chart: data of a picture; None if there is none.
        topic: what is wrong, more precisely than the kind: a section of the runbook.
        cause: what is wrong with its figures, as the closing note tells it.
        template_problem: why the text is not that of the template; empty if it is.
    """

    message: str
    description: str
    entity: str
    source: str
    team: str = ""
    tags: list[str] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)
    chart: Chart | None = None
    topic: str = ""
    cause: str = ""
    template_problem: str = ""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build content from `as_dict` data.

        Raises:
            TypeError: the data does not describe an alert's content.
        """
        chart = data.get("chart")
        return cls(**{**data, "chart": Chart.from_dict(chart) if chart else None})

    def as_dict(self) -> dict[str, Any]:
        """Return the content as JSON-able data."""
        return asdict(self)

    @property
    def has_picture(self) -> bool:
        """True if there is a chart to attach."""
        return self.chart is not None

    def digests(self) -> dict[str, str]:
        """Return a digest of each part that can be changed in an existing alert, by its name."""
        texts = {
            "message": self.message,
            "description": self.description,
            "tags": json.dumps(sorted(self.tags)),
            "details": json.dumps(self.details, sort_keys=True),
        }
        return {part: _digest(text) for part, text in texts.items()}

    def minimal(self) -> "AlertContent":
        """Return the smallest content that still pages, for a receiver that refused more."""
        return AlertContent(self.message[:MESSAGE], "", "", self.source, self.team)


def _digest(text: str) -> str:
    return sha256(text.encode(errors="backslashreplace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Spread:
    """Processes that have a breaker, and those of them in which it rejects calls.

    Attributes:
        processes: number of processes that have it.
        rejecting: number of them in which it rejects calls.
        hosts: number of their hosts.
        rejecting_hosts: number of hosts with a process in which it rejects calls.
        zones: number of their zones; 0 if none is named.
        rejecting_zones: number of zones with a process in which it rejects calls.
        where: the only process, host or zone in which it rejects calls, as
            `process 4711 on web-3`; empty if there are more, or none.
        lost: number of processes that went silent lately, and rejected calls then.
        known: True if these are all; False if only those that share the database are known.
    """

    processes: int = 1
    rejecting: int = 0
    hosts: int = 1
    rejecting_hosts: int = 0
    zones: int = 0
    rejecting_zones: int = 0
    where: str = ""
    lost: int = 0
    known: bool = False

    @property
    def scope(self) -> str:
        """Return `process`, `host`, `zone` or `fleet`: the narrowest that holds all that reject."""
        if self.rejecting == 1 < self.processes:
            return "process"
        if self.rejecting_hosts == 1 < self.hosts:
            return "host"
        return "zone" if self.rejecting_zones == 1 < self.zones else "fleet"


@dataclass(frozen=True, slots=True)
class AlertContext:
    """Facts that an alert is composed from.

    Attributes:
        kind: "open", "memory", "latency" or "trouble".
        drill: True if an operator triggered it as a drill.
        reason: reason of the trip or of the threshold that was crossed.
        note: text that an operator gave with it.
        evidence: figures that led to the decision, the most important first.
        status: the breaker's status when the alert is composed.
        transitions: the latest changes of state, oldest first.
        process: process that the facts are from; different for each.
        at: seconds since the epoch at which they were taken.
        totals_before: totals of calls at the beginning of the trouble in that process, see
            `CallCounts`; empty if unknown.
        spread: processes that have the breaker, whether or not they have facts.
    """

    kind: str
    drill: bool
    reason: str
    note: str
    evidence: tuple[Evidence, ...]
    status: Status
    transitions: tuple[Transition, ...] = ()
    process: str = ""
    at: float = 0.0
    totals_before: tuple[int, ...] = ()
    spread: Spread = Spread()

    @property
    def processes(self) -> int:
        """Return the number of processes that have the breaker."""
        return self.spread.processes

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build facts from `as_dict` data.

        Raises:
            TypeError, KeyError, ValueError: the data does not describe facts.
        """
        return cls(
            **{
                **data,
                "evidence": tuple(_evidence(each) for each in data["evidence"]),
                "transitions": tuple(_transition(each) for each in data["transitions"]),
                "totals_before": tuple(data.get("totals_before", ())),
                "spread": Spread(),  # whoever reads them knows better
            }
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the facts as JSON-able data."""
        return asdict(self)


def _evidence(data: dict[str, Any]) -> Evidence:
    return Evidence(**{**data, "signal": Signal(data["signal"])})


def _transition(data: dict[str, Any]) -> Transition:
    return Transition(
        **{
            **data,
            "from_state": State(data["from_state"]),
            "to_state": State(data["to_state"]),
            "reason": Reason(data["reason"]),
            "evidence": tuple(_evidence(each) for each in data["evidence"]),
        }
    )
