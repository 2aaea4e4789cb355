"""Dialogue of a member with the hub: what it has said and heard, and so need not say or hear again.

Most breakers of a process are seldom called. One at rest had no calls in its window, asks nothing
and follows no episode. A report does not name it, and its view is the last one without what is new
each second. The hub tells which episodes have changed, and then all is said anew. Each breaker is
named now and then.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from breakerd.breaker.fleet.episode import NONE
from breakerd.breaker.fleet.messages import (
    BreakerReport,
    BreakerView,
    MemberInfo,
    PoolView,
    Report,
    ScopeReport,
    View,
)

NAMED_EVERY: Final = 16
"""Exchanges between two in which a breaker at rest is named."""
_NOTHING: Final = ScopeReport("")


class Said(NamedTuple):
    """Last report of a member that the hub has answered, and what it knows since.

    Attributes:
        seq: number of the report.
        member: facts of the process.
        breakers: what was reported last, by pool.
        views: what was told last, by pool.
        episodes: number of the newest change of an episode that was told.
    """

    seq: int
    member: MemberInfo
    breakers: Mapping[str, BreakerReport]
    views: Mapping[str, BreakerView]
    episodes: int

    def continues(self, report: Report) -> bool:
        """Return True if the report may leave out what was said."""
        return (
            report.seq > self.seq
            and report.member == self.member
            and not report.leaving
            and {each.pool for each in report.breakers} == self.breakers.keys()
        )

    def named(self, report: Report) -> tuple[BreakerReport, ...]:
        """Return the breakers that the report has to name."""
        return tuple(
            each
            for place, each in enumerate(report.breakers)
            if (report.seq + place) % NAMED_EVERY == 0 or not self._is_at_rest(each)
        )

    def _is_at_rest(self, report: BreakerReport) -> bool:
        before = self.breakers[report.pool]
        totals = before.totals._replace(usual_milli=report.totals.usual_milli)
        if report.slots or report != before._replace(totals=totals):
            return False
        views = self.views[report.pool].scopes
        return all(_follows(scope, view) for scope, view in zip(report.scopes, views, strict=True))


def _follows(scope: ScopeReport, view: PoolView) -> bool:
    """Return True if the member knows the episode, which is not in force, and asks nothing."""
    known = view.episode or NONE
    plain = _NOTHING._replace(
        scope=scope.scope, generation=known.generation, expected=known.version
    )
    return scope == plain and not known.in_force


def at_rest(view: BreakerView) -> BreakerView:
    """Return the last view of a breaker that was not named: what is not known now is left out."""
    scopes = (scope._replace(slots=(), worst=(), lease=None) for scope in view.scopes)
    return view._replace(scopes=tuple(scopes))


def said(report: Report, view: View, episodes: int) -> Said:
    """Return what is said and heard after a report was answered by a view."""
    return Said(
        report.seq,
        report.member,
        {each.pool: each for each in report.breakers},
        {each.pool: each for each in view.breakers},
        episodes,
    )
