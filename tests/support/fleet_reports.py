"""Reports of made-up members, and a hub on a clock that the test drives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from breakerd.breaker.fleet.episode import Episode
from breakerd.breaker.fleet.hub.records import DictRecords
from breakerd.breaker.fleet.hub.state import HubState
from breakerd.breaker.fleet.messages import (
    FLEET,
    BreakerReport,
    LeaseResult,
    MemberInfo,
    PoolView,
    Report,
    ScopeReport,
    Slot,
    Totals,
    View,
)

POOL = "payments|web"


@dataclass
class MadeMember:
    """A member that reports what the test says."""

    id: str
    host: str = ""
    zone: str = ""
    incarnation: int = 1
    seq: int = 0
    known: dict[str, Episode] = field(default_factory=dict)
    one_host: bool = False

    @property
    def info(self) -> MemberInfo:
        info = MemberInfo(self.id, self.incarnation, self.host, self.zone)
        return info._replace(one_host=self.one_host)

    def report(
        self,
        *slots: Slot,
        generation: int | None = None,
        proposal: Episode | None = None,
        expected: int | None = None,
        wants: float = 0.0,
        result: LeaseResult | None = None,
        state: str = "closed",
        totals: Totals | None = None,
        **more: Any,
    ) -> Report:
        """Return the next report: one window for all scopes, a proposal for the fleet's."""
        self.seq += 1
        scopes = []
        for scope in self.info.scopes:
            known = self.known.get(scope, Episode())
            of_fleet = scope == FLEET
            scopes.append(
                ScopeReport(
                    scope,
                    known.generation if generation is None else generation,
                    known.version if expected is None else expected,
                    wants if of_fleet else 0.0,
                    result if of_fleet else None,
                    proposal if of_fleet else None,
                )
            )
        calls = sum(slot.calls for slot in slots)
        breaker = BreakerReport(
            POOL,
            state,
            slots,
            totals or Totals(calls=calls),
            (3, calls) if calls else (),
            tuple(scopes),
        )
        return Report(self.info, self.seq, breakers=(breaker,))._replace(**more)

    def learn(self, view: View) -> None:
        """Know the episodes of a view from now on."""
        for pool in view.breakers[0].scopes:
            self.known[pool.scope] = pool.episode or Episode()


class DrivenHub:
    """A hub's state on a driven clock."""

    def __init__(self) -> None:
        self.now = 1000.5
        self._ids = 0
        self.wipe()

    def wipe(self) -> None:
        self.records = DictRecords()
        self.state = HubState(self.records, self._new_id)

    def exchange(self, report: Report) -> View:
        return self.state.exchange(report, self.now)

    def fleet(self) -> PoolView:
        return self.state.pool(POOL, FLEET, self.now)[0]

    def scope(self, scope: str) -> PoolView:
        return self.state.pool(POOL, scope, self.now)[0]

    def _new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:012x}"


def pool_of(view: View, scope: str = FLEET) -> PoolView:
    """Return one scope of the only breaker of a view."""
    return next(pool for pool in view.breakers[0].scopes if pool.scope == scope)
