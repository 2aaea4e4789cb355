"""Things that a member need not say again."""

from __future__ import annotations

from typing import Any

import pytest

from breakerd.breaker.fleet.episode import Episode, Trouble, closed, opened
from breakerd.breaker.fleet.hub.redis.dialogue import NAMED_EVERY, Said, at_rest, said
from breakerd.breaker.fleet.messages import (
    FLEET,
    BreakerReport,
    BreakerView,
    Lease,
    LeaseResult,
    MemberInfo,
    PoolSlot,
    PoolView,
    Report,
    ScopeReport,
    Slot,
    Totals,
    View,
    Worst,
)

OPENED = opened(Episode(), 1000.0, Trouble(2, 2, 1000))
QUIET = BreakerReport("quiet|web", scopes=(ScopeReport(FLEET),))
BUSY = BreakerReport("busy|web", slots=(Slot(1000, 1),), scopes=(ScopeReport(FLEET),))


def report(*breakers: BreakerReport, seq: int = 1, **more: Any) -> Report:
    return Report(MemberInfo("a"), seq, breakers=breakers)._replace(**more)


def after(*breakers: BreakerReport, episode: Episode | None = None) -> Said:
    """Dialogue after a first report, whose view tells that episode of each breaker."""
    pool = PoolView(FLEET, episode=episode)
    view = View("e", 1000.0, breakers=tuple(BreakerView(b.pool, (pool,)) for b in breakers))
    return said(report(*breakers), view, 7)


def is_named(last: Said, breaker: BreakerReport) -> bool:
    return bool(last.named(report(breaker, seq=2)))


def test_a_breaker_at_rest_is_named_now_and_then() -> None:
    last = after(BUSY, QUIET)
    named = [
        tuple(each.pool for each in last.named(report(BUSY, QUIET, seq=seq)))
        for seq in range(2, 2 + NAMED_EVERY)
    ]
    assert named.count(("busy|web", "quiet|web")) == 1
    assert named.count(("busy|web",)) == NAMED_EVERY - 1


@pytest.mark.parametrize(
    "changed",
    [
        QUIET._replace(state="open"),
        QUIET._replace(slots=(Slot(1000, 1),)),
        QUIET._replace(totals=Totals(in_flight=1)),
        QUIET._replace(sketch=(3, 1)),
        QUIET._replace(scopes=(ScopeReport(FLEET, generation=1),)),
        QUIET._replace(scopes=(ScopeReport(FLEET, wants=0.1),)),
        QUIET._replace(scopes=(ScopeReport(FLEET, result=LeaseResult("1", "bad")),)),
        QUIET._replace(scopes=(ScopeReport(FLEET, proposal=OPENED),)),
    ],
)
def test_what_has_changed_is_named(changed: BreakerReport) -> None:
    last = after(QUIET)
    assert not is_named(last, QUIET)
    assert is_named(last, changed)
    assert is_named(after(changed), QUIET)


def test_the_usual_load_fades_without_being_told_each_time() -> None:
    last = after(QUIET._replace(totals=Totals(usual_milli=300)))
    assert not is_named(last, QUIET._replace(totals=Totals(usual_milli=299)))


def test_an_episode_is_followed_with_each_report() -> None:
    ended = closed(OPENED, 1001.0)
    knows = QUIET._replace(scopes=(ScopeReport(FLEET, OPENED.generation, OPENED.version),))
    assert is_named(after(knows, episode=OPENED), knows), "it is in force"
    assert is_named(after(knows, episode=ended), knows), "the member does not know its end"
    knows = QUIET._replace(scopes=(ScopeReport(FLEET, ended.generation, ended.version),))
    assert not is_named(after(knows, episode=ended), knows)


def test_all_is_said_anew_where_the_last_report_does_not_count() -> None:
    last = after(QUIET)
    assert last.continues(report(QUIET, seq=2))
    assert not last.continues(report(QUIET, seq=1)), "it comes again"
    assert not last.continues(report(QUIET, seq=2, leaving=True))
    assert not last.continues(report(QUIET, BUSY, seq=2))
    assert not last.continues(report(seq=2))
    assert not last.continues(report(QUIET, seq=2, member=MemberInfo("a", 2)))


def test_a_view_at_rest_shows_nothing_of_another_time() -> None:
    episode = closed(OPENED, 1001.0)
    scope = PoolView(
        FLEET,
        slots=(PoolSlot(1000, 1),),
        members=3,
        states=(("closed", 3),),
        worst=(Worst("b"),),
        episode=episode,
        lease=Lease("1", 1002.0),
    )
    shown = at_rest(BreakerView("quiet|web", (scope,)))
    assert shown.scopes == (PoolView(FLEET, members=3, states=(("closed", 3),), episode=episode),)
