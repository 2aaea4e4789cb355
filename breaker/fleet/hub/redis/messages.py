"""Reports and views as the script takes and gives them: shorter than the messages themselves.

Numbers are packed, what has its default at the end of an array is left out, and a view names
nothing that the report has named. The script comes with the member that uses it, so both are of one
version.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from breakerd.breaker.fleet.episode import Episode
from breakerd.breaker.fleet.hub.redis.packing import pack_window, read_slots, read_sums
from breakerd.breaker.fleet.messages import (
    Act,
    BreakerReport,
    BreakerView,
    Lease,
    PoolView,
    Register,
    Report,
    ScopeReport,
    View,
    Worst,
)
from breakerd.breaker.fleet.wire import WireError

_NOTHING: Final = (None, 0, ())


class Reply(NamedTuple):
    """Reply of the script to an exchange.

    Attributes:
        view: view of the breakers that were named.
        episodes: number of the newest change of an episode.
        changed: POOL@SCOPE of those that have changed since the number that was sent.
    """

    view: View
    episodes: int
    changed: frozenset[str]


def report_arguments(report: Report, since: int = 0, episodes: int = 0) -> list[str | bytes]:
    """Return what the operation `exchange` is given.

    Args:
        report: the report, with the breakers that are named.
        since: number of the report that it goes on from: breakers that are not named are as they
            were then. 0: all are named.
        episodes: number of the newest change of an episode that the member knows.
    """
    head = (
        report.seq,
        report.epoch,
        report.register_version,
        report.registers,
        report.applied,
        report.leaving,
        since,
        episodes,
    )
    names = report.member.scopes
    arguments: list[str | bytes] = [_json(head), _json(report.member)]
    for each in report.breakers:
        arguments += [each.pool, each.state, pack_window(each), _json(each.sketch)]
        arguments.append(_scopes(each.scopes, names))
    return arguments


def read_reply(parts: Sequence[bytes], report: Report) -> Reply | None:
    """Return the reply to `report`; None if the hub wants one in which all are named.

    Raises:
        WireError: it is no reply.
    """
    text, *numbers = parts
    if text == b"null":
        return None
    try:
        epoch, now, members, oldest, breakers, version, registers, acts, *more = json.loads(text)
        topics, silent, episodes, changed = more
        packed = iter(numbers)
        view = View(
            epoch,
            now,
            members,
            tuple(
                _breaker(each, scopes, packed, oldest)
                for each, scopes in zip(report.breakers, breakers, strict=True)
            ),
            version,
            tuple(Register(*each[: len(Register._fields)]) for each in registers),
            tuple(Act(*each[: len(Act._fields)]) for each in acts),
            topics=tuple(sorted((str(topic), int(newest)) for topic, newest in topics)),
            silent=int(silent),
        )
        return Reply(view, int(episodes), frozenset(map(str, changed)))
    except (TypeError, ValueError, StopIteration, struct.error) as error:
        raise WireError(f"no view: {error}") from error


def read_pool(scope: str, parts: Sequence[Any], numbers: bytes, oldest: int) -> PoolView:
    """Return the view of one scope.

    Args:
        scope: its name.
        parts: what the script says of it.
        numbers: sums and rows, packed.
        oldest: number of the oldest slot of a view.
    """
    states, *more = parts
    worst, episode, lease = _filled(more)
    members, totals = read_sums(numbers)
    return PoolView(
        scope,
        read_slots(numbers, oldest),
        totals,
        members,
        tuple(sorted(states.items())),
        tuple(Worst(*each) for each in worst),
        Episode(*episode[: len(Episode._fields)]) if episode else None,
        Lease(*lease) if lease else None,
    )


def _breaker(
    report: BreakerReport, scopes: Sequence[Any], numbers: Iterator[bytes], oldest: int
) -> BreakerView:
    named = zip(report.scopes, scopes, strict=True)
    views = [read_pool(s.scope, parts, next(numbers), oldest) for s, parts in named]
    return BreakerView(report.pool, tuple(views))


def _filled(parts: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Return worst members, episode and lease, where the last ones may be missing."""
    worst, episode, lease = (*parts, None, None, None)[:3]
    return worst or (), episode, lease


def _scopes(scopes: Sequence[ScopeReport], names: Sequence[str]) -> str:
    named = tuple(scope.scope for scope in scopes) != names
    values = [_scope(scope, named=named) for scope in scopes]
    return _json(values) if any(values) or named else ""


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
