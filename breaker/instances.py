"""Living instances of a class, and whoever takes them over for a time."""

import itertools
import weakref
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

T = TypeVar("T")

TAKEN_OVER: Final = "a test has taken the breakers over"


class Instances(Generic[T]):
    """Living instances of a class, oldest first; held weakly. Thread-safe.

    A test takes them over: those that exist, and those that are made until it ends.
    """

    def __init__(self) -> None:
        self._living: weakref.WeakValueDictionary[int, T] = weakref.WeakValueDictionary()
        self._serial = itertools.count()
        self._adopters: tuple[Callable[[T], None], ...] = ()
        self.epoch = 0
        """Number of take-overs begun and ended: the same before and after means none between."""

    @property
    def taken_over(self) -> bool:
        """True while a test has the instances: they say nothing about the real world."""
        return bool(self._adopters)

    def add(self, instance: T) -> None:
        """Add a new instance, and hand it to whoever has taken the others over."""
        self._living[next(self._serial)] = instance
        for adopt in self._adopters:
            adopt(instance)

    def take_over(self, adopt: Callable[[T], None]) -> None:
        """Hand every instance, and each new one, to `adopt`, until `give_back`; may be nested."""
        self.epoch += 1
        self._adopters = (*self._adopters, adopt)
        for instance in self:
            adopt(instance)

    def give_back(self, adopt: Callable[[T], None]) -> None:
        """End a take-over."""
        self._adopters = tuple(each for each in self._adopters if each != adopt)
        self.epoch += 1

    def __iter__(self) -> Iterator[T]:
        living = (reference() for reference in self._living.valuerefs())
        return iter([instance for instance in living if instance is not None])
