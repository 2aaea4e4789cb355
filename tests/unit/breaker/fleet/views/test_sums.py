"""Sums of a breaker are those of the processes that hold it."""

from __future__ import annotations

from collections import Counter

import pytest

from breakerd import State
from breakerd.breaker.fleet.episode import Episode, Trouble, opened
from breakerd.breaker.fleet.hub.protocol import MemberEntry
from breakerd.breaker.fleet.local_window import SKETCH
from breakerd.breaker.fleet.messages import FLEET, MemberInfo, PoolView, Totals, Worst
from breakerd.breaker.fleet.views.sums import Holders, add_up, checked, holders_of

HOLDERS = Holders(Counter(closed=2), 0, 1, ("payments|a", "payments|b"))


def entry(name: str, host: str, *, silent: bool = False, **breakers: str) -> MemberEntry:
    pools = tuple((f"{breaker}|web", state) for breaker, state in breakers.items())
    return MemberEntry(MemberInfo(name, host=host), 0.0, silent, pools)


def test_holders_are_counted_by_state() -> None:
    found = holders_of(
        [
            entry("a", "one", payments="open", search="closed"),
            entry("b", "one", payments="closed"),
            entry("c", "two", silent=True, payments="open"),
        ]
    )
    assert found["payments"].states == {"open": 1, "closed": 1}
    assert (found["payments"].live, found["payments"].silent, found["payments"].hosts) == (2, 1, 1)
    assert found["search"].pools == ("search|web",)
    assert set(found) == {"payments", "search"}


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ({"closed": 3, "open": 1}, State.CLOSED),
        ({"closed": 2, "open": 2}, State.OPEN),
        ({"half_open": 1}, State.HALF_OPEN),
        ({"of later": 3, "disabled": 1}, State.DISABLED),
        ({"of later": 3}, None),
        ({}, None),
    ],
)
def test_the_state_is_that_of_most(states: dict[str, int], state: State | None) -> None:
    assert HOLDERS._replace(states=states).state is state


def test_pools_are_added_up() -> None:
    old = opened(Episode(), 10.0, Trouble(1, 1, 10))
    new = opened(Episode(), 20.0, Trouble(2, 2, 20))
    first = PoolView(FLEET, (), Totals(10, 5), worst=(Worst("a", "one", 10, 5),), episode=old)
    second = PoolView(FLEET, (), Totals(2, 2), worst=(Worst("b", "two", 2, 2),), episode=new)
    sums = add_up(HOLDERS, [(first, (3, 1, 2)), (second, (4, 5))])
    assert sums.totals[:2] == (12, 7)
    assert sums.sketch == {3: 1, 4: 7}
    assert sums.episode == new
    assert [each.member for each in sums.worst] == ["b", "a"]


def test_what_is_no_bucket_is_left_out() -> None:
    wild = (SKETCH.count - 1, 4, 10**6)
    sums = add_up(HOLDERS, [(PoolView(FLEET), wild), (PoolView(FLEET), (-2, 9, 9, 1, -5))])
    assert sums.sketch == {SKETCH.count - 1: 4, 0: 1}
    assert sums.episode is None
    assert sums.percentile(0.0) is not None
    assert add_up(HOLDERS, [(PoolView(FLEET), ())]).percentile(0.5) is None


def test_what_is_no_number_is_refused() -> None:
    wrong = PoolView(FLEET, (), Totals("many"))  # type: ignore[arg-type]  # as another program
    with pytest.raises(TypeError):
        checked((wrong, ()))
    assert checked((PoolView(FLEET), (1, 2))) == (PoolView(FLEET), (1, 2))
