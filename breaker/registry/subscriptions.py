"""Listeners of the events of all breakers of a registry, including later ones."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.events.listeners import Listener


class Subscriptions:
    """Listeners of one registry. Its lock must be held."""

    def __init__(self) -> None:
        self._all: list[_Subscription] = []

    def add(self, listener: Listener, breakers: Iterable[Breaker]) -> Callable[[], None]:
        """Subscribe `listener` to `breakers` and later ones; return what ends that."""
        subscription = _Subscription(listener)
        self._all.append(subscription)
        for breaker in breakers:
            subscription.add(breaker)
        return partial(self._remove, subscription)

    def include(self, breaker: Breaker) -> None:
        """Subscribe all listeners to a new breaker."""
        for subscription in self._all:
            subscription.add(breaker)

    def _remove(self, subscription: "_Subscription") -> None:
        if subscription in self._all:
            self._all.remove(subscription)
            subscription.end()


@dataclass(frozen=True, slots=True, eq=False)
class _Subscription:
    """One listener, subscribed to every breaker."""

    listener: Listener
    ends: list[Callable[[], None]] = field(default_factory=list)

    def add(self, breaker: Breaker) -> None:
        self.ends.append(breaker.subscribe(self.listener))

    def end(self) -> None:
        for end in self.ends:
            end()
