"""Reports and views as the script takes and gives them: shorter than the messages themselves.

Numbers of slots are behind the first one, what has its default at the end of an array is left out,
and a view names nothing that the report has named. The script comes with the member that uses it,
so both are of one version.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from breakerd.breaker.fleet.episode import Episode
from breakerd.breaker.fleet.messages import (
    Act,
    BreakerReport,
    BreakerView,
    Lease,
    PoolSlot,
    PoolView,
    Register,
    Report,
    ScopeReport,
    Totals,
    View,
    Worst,
)
from breakerd.breaker.fleet.wire import WireError

_NOTHING: Final = (None, 0, ())


def report_arguments(report: Report) -> list[str]:
    """Return what the operation `exchange` is given.

    Each window is a text of its own: the script reads only those that differ from the last ones.
    """
    head = (
        report.seq,
        report.epoch,
        report.register_version,
        report.registers,
        report.applied,
        report.leaving,
    )
    names = report.member.scopes
    arguments = [_json(head), _json(report.member)]
    for each in report.breakers:
        arguments += [each.pool, each.state, _window(each), _json(each.sketch)]
        named = tuple(scope.scope for scope in each.scopes) != names
        arguments.append(_json([_scope(scope, named=named) for scope in each.scopes]))
    return arguments


def read_view(text: bytes, report: Report) -> View:
    """Return the view that answers `report`.

    Raises:
        WireError: the text is no answer.
    """
    try:
        epoch, now, members, oldest, breakers, version, *rest = json.loads(text)
        registers, acts, topics, silent = rest
        return View(
            epoch,
            now,
            members,
            tuple(
                _breaker(each, scopes, oldest)
                for each, scopes in zip(report.breakers, breakers, strict=True)
            ),
            version,
            tuple(Register(*each[: len(Register._fields)]) for each in registers),
            tuple(Act(*each[: len(Act._fields)]) for each in acts),
            topics=tuple(sorted((str(topic), int(newest)) for topic, newest in topics)),
            silent=int(silent),
        )
    except (TypeError, ValueError) as error:
        raise WireError(f"no view: {error}") from error


def read_pool(scope: str, parts: Sequence[Any], oldest: int) -> PoolView:
    """Return the view of one scope.

    Args:
        scope: its name.
        parts: what the script says of it.
        oldest: number of the oldest slot of a view.
    """
    rows, totals, members, states, *more = parts
    worst, episode, lease = _filled(more)
    return PoolView(
        scope,
        tuple(PoolSlot(oldest + number, *columns) for number, *columns in rows),
        Totals(*totals),
        members,
        tuple(sorted(states.items())),
        tuple(Worst(*each) for each in worst),
        Episode(*episode[: len(Episode._fields)]) if episode else None,
        Lease(*lease) if lease else None,
    )


def _breaker(report: BreakerReport, scopes: Sequence[Any], oldest: int) -> BreakerView:
    named = zip(report.scopes, scopes, strict=True)
    return BreakerView(report.pool, tuple(read_pool(s.scope, parts, oldest) for s, parts in named))


def _filled(parts: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Return worst members, episode and lease, where the last ones may be missing."""
    worst, episode, lease = (*parts, None, None, None)[:3]
    return worst or (), episode, lease


def _window(report: BreakerReport) -> str:
    first = report.slots[0].number if report.slots else 0
    slots = [_trimmed((slot.number - first, *slot[1:])) for slot in report.slots]
    return _json((first, slots, report.totals))


def _scope(scope: ScopeReport, *, named: bool) -> list[Any]:
    values = _trimmed(scope[1:])
    return [scope.scope, *values] if named else values


def _trimmed(values: Sequence[Any]) -> list[Any]:
    """Return the values without those at the end that are nothing."""
    kept = list(values)
    while kept and kept[-1] in _NOTHING:
        kept.pop()
    return kept


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
