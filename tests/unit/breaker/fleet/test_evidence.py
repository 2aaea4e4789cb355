from __future__ import annotations

import pytest

from breakerd.breaker.fleet.evidence import accepts_outage, find_trouble
from breakerd.breaker.fleet.messages import PoolSlot, PoolView, Totals, Worst

NOW = 1003.5
TWO = (Worst("a", calls=2, failures=2), Worst("b", calls=2, failures=2))


def slot(number: int, members: int, bad: int, **units: int) -> PoolSlot:
    return PoolSlot(number, members, bad, members, bad, **units)


def view(*slots: PoolSlot, worst: tuple[Worst, ...] = TWO) -> PoolView:
    return PoolView("fleet", slots, Totals(usual_milli=8000), worst=worst)


WELL = tuple(slot(number, 25, 0) for number in (999, 1000, 1001, 1002))


def test_trouble_in_nearly_all_members_is_found_in_the_newest_second() -> None:
    found = find_trouble(view(*WELL, slot(1003, 12, 12)), NOW)
    assert found is not None
    assert (found.bad, found.units, found.first_slot) == (12, 12, 1003)
    assert found.usual_milli == 8000


def test_few_members_need_several_seconds() -> None:
    slots = [slot(number, 3, 0) for number in (998, 999, 1000)]
    assert find_trouble(view(*slots, slot(1003, 3, 3)), NOW) is None
    found = find_trouble(view(*slots, slot(1001, 3, 0), slot(1002, 3, 3), slot(1003, 3, 3)), NOW)
    assert found is not None
    assert (found.first_slot, found.bad) == (1002, 6)


@pytest.mark.parametrize("bad", [0, 5, 8, 12, 14])
def test_trouble_of_some_members_stays_theirs(bad: int) -> None:
    slots = [slot(number, 25, bad) for number in range(998, 1004)]
    assert find_trouble(view(*slots), NOW) is None


def test_one_member_alone_is_no_fleet_however_long_it_fails() -> None:
    slots = [slot(number, 2, 2) for number in range(998, 1004)]
    assert find_trouble(view(*slots, worst=TWO[:1]), NOW) is None
    by_chance = (TWO[0], Worst("b", calls=1, failures=1))
    assert find_trouble(view(*slots, worst=by_chance), NOW) is None
    assert find_trouble(view(*slots, worst=TWO), NOW) is not None


def test_one_host_of_two_is_no_fleet_though_most_members_are_on_it() -> None:
    def made(bad_hosts: int) -> PoolView:
        slots = [slot(number, 42, 40, hosts=2, bad_hosts=bad_hosts) for number in range(998, 1004)]
        return view(*slots)

    assert find_trouble(made(1), NOW) is None
    assert find_trouble(made(2), NOW) is not None


def test_zones_are_asked_as_well_and_a_single_one_is_not() -> None:
    def made(zones: int, bad_zones: int) -> PoolView:
        newest = slot(1003, 25, 25, zones=zones, bad_zones=bad_zones)
        return view(*WELL, newest)

    assert find_trouble(made(3, 1), NOW) is None
    assert find_trouble(made(3, 2), NOW) is not None
    assert find_trouble(made(1, 0), NOW) is not None


def test_no_calls_are_no_evidence() -> None:
    assert find_trouble(view(), NOW) is None


@pytest.mark.parametrize(("rate", "least"), [(1.0, 6), (10.0, 7), (100.0, 10), (1000.0, 15)])
def test_more_units_in_a_second_need_more_evidence(rate: float, least: int) -> None:
    assert not accepts_outage(least - 1, least - 1, rate)
    assert accepts_outage(least, least, rate)
