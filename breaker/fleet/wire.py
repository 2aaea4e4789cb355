"""Messages as JSON arrays, for hubs in other processes.

A message is the array of its fields. An array of an older version is shorter, and its missing
fields get their defaults; one of a newer version is longer, and what is not known is left out.
"""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from breakerd.breaker.fleet.episode import Episode
from breakerd.breaker.fleet.messages import (
    Act,
    BreakerReport,
    BreakerView,
    Lease,
    LeaseResult,
    PoolSlot,
    PoolView,
    Register,
    Report,
    ScopeReport,
    Slot,
    Totals,
    View,
    Worst,
    member_info,
)

T = TypeVar("T", bound=tuple[Any, ...])


class WireError(ValueError):
    """The data is no message."""


def encode(message: Report | View) -> str:
    """Return a message as JSON."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False)


def decode_report(text: str | bytes) -> Report:
    """Return the report that `encode` has written.

    Raises:
        WireError: the text is no report.
    """
    try:
        report = _fields(Report, json.loads(text))
        return report._replace(
            member=member_info(report.member),
            breakers=tuple(_breaker_report(each) for each in report.breakers),
            registers=tuple(_fields(Register, each) for each in report.registers),
            applied=tuple((str(act), str(outcome)) for act, outcome in report.applied),
        )
    except (TypeError, ValueError) as error:
        raise WireError(f"no report: {error}") from error


def decode_view(text: str | bytes) -> View:
    """Return the view that `encode` has written.

    Raises:
        WireError: the text is no view.
    """
    try:
        view = _fields(View, json.loads(text))
        return view._replace(
            breakers=tuple(_breaker_view(each) for each in view.breakers),
            registers=tuple(_fields(Register, each) for each in view.registers),
            acts=tuple(_fields(Act, each) for each in view.acts),
            topics=tuple((str(topic), int(version)) for topic, version in view.topics),
        )
    except (TypeError, ValueError) as error:
        raise WireError(f"no view: {error}") from error


def _fields(kind: type[T], data: Sequence[Any]) -> T:
    known: int = len(kind._fields)  # type: ignore[attr-defined] # of every NamedTuple
    return kind(*data[:known])


def _breaker_report(data: Sequence[Any]) -> BreakerReport:
    report = _fields(BreakerReport, data)
    return report._replace(
        slots=tuple(_fields(Slot, each) for each in report.slots),
        totals=_fields(Totals, report.totals),
        sketch=tuple(report.sketch),
        scopes=tuple(_scope_report(each) for each in report.scopes),
    )


def _scope_report(data: Sequence[Any]) -> ScopeReport:
    report = _fields(ScopeReport, data)
    return report._replace(
        result=_fields(LeaseResult, report.result) if report.result else None,
        proposal=_fields(Episode, report.proposal) if report.proposal else None,
    )


def _breaker_view(data: Sequence[Any]) -> BreakerView:
    view = _fields(BreakerView, data)
    return view._replace(scopes=tuple(_pool_view(each) for each in view.scopes))


def _pool_view(data: Sequence[Any]) -> PoolView:
    view = _fields(PoolView, data)
    return view._replace(
        slots=tuple(_fields(PoolSlot, each) for each in view.slots),
        totals=_fields(Totals, view.totals),
        states=tuple((str(state), int(count)) for state, count in view.states),
        worst=tuple(_fields(Worst, each) for each in view.worst),
        episode=_fields(Episode, view.episode) if view.episode else None,
        lease=_fields(Lease, view.lease) if view.lease else None,
    )
