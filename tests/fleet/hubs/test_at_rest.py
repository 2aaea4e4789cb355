"""Breakers at rest: without calls and questions, a member need not say the same each second.

A hub may tell of them what it told some exchanges ago, but for their episodes, which it tells at
once. Whatever else is told or counted is as with any breaker.
"""

from __future__ import annotations

import random

import pytest

from breakerd.breaker.fleet.episode import Episode, Trouble, closed, opened
from breakerd.breaker.fleet.hub.memory import MemoryHub
from breakerd.breaker.fleet.hub.redis.dialogue import NAMED_EVERY
from breakerd.breaker.fleet.messages import FLEET, Slot, View
from tests.support.fleet_hubs import DrivenTime, HubUnderTest
from tests.support.fleet_reports import POOL, MadeMember, pool_of

TROUBLE = Trouble(2, 2, 0)


def rest(tested: HubUnderTest, member: MadeMember, times: int = 2) -> View:
    """Exchange without calls; return the last view."""
    for _ in range(times):
        view = tested.hub.exchange(member.report())
        member.learn(view)
    return view


def test_an_episode_is_told_at_once(tested: HubUnderTest, time: DrivenTime) -> None:
    resting, other = MadeMember("a", "h1"), MadeMember("b", "h2")
    rest(tested, resting)
    episode = opened(Episode(), time.now, TROUBLE)
    tested.hub.exchange(other.report(proposal=episode))
    assert pool_of(rest(tested, resting, 1)).episode == episode
    ended = closed(episode, time.now)
    tested.hub.exchange(other.report(proposal=ended, expected=episode.version))
    assert pool_of(rest(tested, resting, 1)).episode == ended


def test_trouble_of_another_host_is_none_of_its_own(tested: HubUnderTest, time: DrivenTime) -> None:
    resting, other = MadeMember("a", "h1"), MadeMember("b", "h2")
    rest(tested, resting)
    report = other.report()
    (breaker,) = report.breakers
    of_host, *wider = breaker.scopes
    troubled = of_host._replace(proposal=opened(Episode(), time.now, TROUBLE))
    breaker = breaker._replace(scopes=(troubled, *wider))
    view = tested.hub.exchange(report._replace(breakers=(breaker,)))
    assert pool_of(view, "host:h2").episode is not None
    view = rest(tested, resting)
    assert [pool.episode for pool in view.breakers[0].scopes] == [None, None]


def test_it_counts_as_one_that_holds_the_breaker(tested: HubUnderTest) -> None:
    rest(tested, MadeMember("a", "h"), 3)
    assert tested.hub.pool(POOL, "fleet")[0].members == 1
    assert tested.hub.pool(POOL, "host:h")[0].states == (("closed", 1),)
    (entry,) = tested.hub.members()
    assert entry.breakers == ((POOL, "closed"),)


def test_others_are_told_after_some_exchanges(tested: HubUnderTest) -> None:
    resting = MadeMember("a")
    rest(tested, resting)
    tested.hub.exchange(MadeMember("b").report())
    counts = {pool_of(rest(tested, resting, 1)).members for _ in range(NAMED_EVERY)}
    assert 2 in counts


def test_calls_are_counted_from_the_first_one_and_until_the_last(
    tested: HubUnderTest, time: DrivenTime
) -> None:
    resting = MadeMember("a")
    rest(tested, resting)
    view = tested.hub.exchange(resting.report(Slot(int(time.now), 2, 1)))
    assert [(slot.calls, slot.failures) for slot in pool_of(view).slots] == [(2, 1)]
    assert pool_of(rest(tested, resting, 1)).slots == ()
    assert tested.hub.pool(POOL, "fleet")[0].totals.calls == 0


def test_a_hub_that_has_forgotten_is_told_all(tested: HubUnderTest) -> None:
    resting = MadeMember("a")
    rest(tested, resting)
    tested.wipe()
    assert pool_of(rest(tested, resting, 1)).members == 1


def test_a_hub_whose_state_goes_back_is_told_all(tested: HubUnderTest, time: DrivenTime) -> None:
    resting = MadeMember("a")
    tested.hub.exchange(resting.report(Slot(int(time.now), 2, 2)))
    restore = tested.keep()
    rest(tested, resting)
    restore()
    assert pool_of(rest(tested, resting, 1)).slots == ()
    assert tested.hub.pool(POOL, "fleet")[0].totals.calls == 0


def test_a_member_that_was_silent_is_back_with_all(tested: HubUnderTest, time: DrivenTime) -> None:
    resting, other = MadeMember("a"), MadeMember("b")
    rest(tested, resting)
    time.now += 6
    rest(tested, other)
    assert tested.hub.pool(POOL, "fleet")[0].members == 1
    rest(tested, resting, 1)
    assert tested.hub.pool(POOL, "fleet")[0].members == 2


def test_it_leaves_in_order(tested: HubUnderTest) -> None:
    resting = MadeMember("a")
    rest(tested, resting)
    tested.hub.exchange(resting.report(leaving=True))
    assert tested.hub.pool(POOL, "fleet")[0].members == 0


@pytest.mark.parametrize("seed", range(2))
def test_sums_and_episodes_are_as_in_memory(
    tested: HubUnderTest, time: DrivenTime, seed: int
) -> None:
    """Members have calls now and then, and what they are told is lost now and then."""
    model = MemoryHub(lambda: time.now, DrivenTime().new_id)
    draw = random.Random(seed)
    members = [MadeMember(name, f"h{place // 2}") for place, name in enumerate("abcd")]
    known = Episode()
    for _ in range(120):
        time.now = round(time.now + draw.choice([0.1, 0.5]), 3)
        member = draw.choice(members)
        calls = draw.choice([0, 0, 0, 0, 3])
        slots = (Slot(int(time.now), calls, draw.randint(0, calls)),) if calls else ()
        proposal = None
        if draw.random() < 0.05:
            opens = known.phase == "closed"
            proposal = opened(known, time.now, TROUBLE) if opens else closed(known, time.now)
        report = member.report(*slots, proposal=proposal, expected=known.version)
        expected, view = model.exchange(report), tested.hub.exchange(report)
        assert _episodes(view) == _episodes(expected)
        if slots:
            assert view.breakers == expected.breakers
        if draw.random() < 0.9:
            member.learn(view)
        known = pool_of(view).episode or known
    for scope in (FLEET, "host:h0", "host:h1"):
        assert tested.hub.pool(POOL, scope) == model.pool(POOL, scope)


def _episodes(view: View) -> list[Episode | None]:
    return [pool.episode for pool in view.breakers[0].scopes]
