"""Reports of members, made in a few words."""

from __future__ import annotations

from breakerd.breaker.fleet.episode import Episode
from breakerd.breaker.fleet.messages import (
    BreakerReport,
    LeaseResult,
    MemberInfo,
    Report,
    ScopeReport,
    Slot,
    Totals,
    View,
)

POOL = "payments|web"


def member(number: int, host: str = "", zone: str = "", incarnation: int = 1) -> MemberInfo:
    labels = (("pod", f"p{number}"),)
    return MemberInfo(
        f"m{number}", incarnation, host, zone, "web", 100 + number, "1.0", "d", labels
    )


def breaker(
    info: MemberInfo,
    slots: tuple[Slot, ...] = (),
    *,
    pool: str = POOL,
    state: str = "closed",
    generation: int = 0,
    expected: int = 0,
    wants: float = 0.0,
    result: LeaseResult | None = None,
    proposal: Episode | None = None,
) -> BreakerReport:
    """What a member says of a breaker; of the fleet's scope if it is of one only."""
    calls, failures = sum(s.calls for s in slots), sum(s.failures for s in slots)
    fleet = ScopeReport("fleet", generation, expected, wants, result, proposal)
    others = tuple(ScopeReport(scope, generation) for scope in info.scopes[:-1])
    sketch = (100, calls, failures) if calls else ()
    return BreakerReport(pool, state, slots, Totals(calls, failures), sketch, (*others, fleet))


def report(info: MemberInfo, seq: int, *breakers: BreakerReport, epoch: str = "") -> Report:
    return Report(info, seq, epoch=epoch, breakers=breakers)


def shown(view: View) -> View:
    """The view with registers and acts in an order of their own."""
    return view._replace(registers=tuple(sorted(view.registers)), acts=tuple(sorted(view.acts)))
