"""Soundness of what a hub holds: others, and other versions, may have written something else."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Final

from breakerd.alerts.incidents import policy
from breakerd.alerts.incidents.observation import Observation, PeerReport
from breakerd.alerts.model.content import AlertContext
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.incident_parts.member import DEGRADED, ELEVATED, LOW, PAGE
from breakerd.breaker.logging import get_logger
from breakerd.breaker.runtime.status_types import Status

_log = get_logger(__name__)

UNREADABLE: Final = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError,
)  # fmt: skip
"""Errors of a parser that is given something else than what it expects."""
_PLAIN: Final[Mapping[object, type | tuple[type, ...]]] = {
    str: str, float: (float, int), int: int, bool: bool,
}  # fmt: skip
"""Types of attributes that are checked -> types of their values."""
_SEVERITIES: Final = frozenset({LOW, ELEVATED, DEGRADED, PAGE})


def check_incident(incident: Incident) -> None:
    """Raise ValueError if a round of alerting cannot go on with an incident."""
    _check(incident)
    _require(0 <= incident.stage < len(incident.stages), "stage")
    _require(all(incident.plans.values()), "plans")
    _require(all(isinstance(at, float | int) for at, _ in incident.stage_times), "stage_times")
    kinds = {incident.kind, *(member.kind for member in incident.members.values())}
    _require(kinds <= policy.LABELS.keys(), "kind")
    severities = {member.severity for member in incident.members.values()}
    _require(severities <= _SEVERITIES, "severity")
    incident.breaker.encode()  # as the host's file keeps it


def sound_report(report: PeerReport) -> PeerReport:
    """Return a report without what this version cannot go on with.

    Raises:
        ValueError, TypeError, AttributeError: nothing of it can be used.
    """
    _check(report.process)
    _require(isinstance(report.process, str), "process")
    told: Mapping[str, object] = report.closing_reasons
    reasons = {name: text for name, text in told.items() if isinstance(text, str)}
    seen = {each.breaker: each for each in _sound(report.observations.values())}
    contexts = {name: each for name, each in report.contexts.items() if _is_whole(each)}
    return PeerReport(report.process, seen, contexts, reasons)


def _sound(observations: Iterable[Observation]) -> Iterable[Observation]:
    for each in observations:
        try:
            _check(each)
            _require(each.kind in policy.LABELS and each.severity in _SEVERITIES, "kind")
        except ValueError as error:
            _log.warning("an observation at the hub is invalid", problem=str(error))
        else:
            yield each


def _is_whole(context: AlertContext) -> bool:
    """Return True if facts have all figures that a text may be composed of."""
    return context.kind in policy.LABELS and Status.__required_keys__ <= context.status.keys()


def _check(value: object) -> None:
    """Raise ValueError if some attribute of a record has a value of another type."""
    if is_dataclass(value):
        for each in fields(value):
            found, wanted = getattr(value, each.name), _PLAIN.get(each.type)
            is_flag = isinstance(found, bool) and each.type is not bool
            _require(wanted is None or (isinstance(found, wanted) and not is_flag), each.name)
            _check(found)
    elif isinstance(value, Mapping):
        _check(list(value.values()))
    elif isinstance(value, list | tuple):
        for each in value:
            _check(each)
    elif isinstance(value, float):
        _require(math.isfinite(value), "number")


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise ValueError(f"found another {what} than this version knows")
