from __future__ import annotations

import gc

from breakerd.breaker.instances import Instances


class Thing:
    """Something that lives for a time."""


def test_living_ones_are_listed_oldest_first() -> None:
    things: Instances[Thing] = Instances()
    first, second, third = Thing(), Thing(), Thing()
    for each in (first, second, third):
        things.add(each)
    assert list(things) == [first, second, third]
    del second, each
    gc.collect()
    assert list(things) == [first, third]


def test_whoever_takes_over_gets_old_and_new_ones_outermost_first() -> None:
    things: Instances[Thing] = Instances()
    old, new = Thing(), Thing()
    things.add(old)
    given: list[tuple[str, Thing]] = []

    def outer(thing: Thing) -> None:
        given.append(("outer", thing))

    def inner(thing: Thing) -> None:
        given.append(("inner", thing))

    things.take_over(outer)
    things.take_over(inner)
    things.add(new)
    assert given == [("outer", old), ("inner", old), ("outer", new), ("inner", new)]
    assert things.taken_over
    things.give_back(inner)
    assert things.taken_over
    things.give_back(outer)
    assert not things.taken_over
    things.add(Thing())
    assert len(given) == 4


def test_the_epoch_tells_whether_there_was_a_take_over_in_between() -> None:
    things: Instances[Thing] = Instances()
    before = things.epoch
    things.take_over(print)
    during = things.epoch
    things.give_back(print)
    assert len({before, during, things.epoch}) == 3
