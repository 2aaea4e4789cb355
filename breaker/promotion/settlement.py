"""Settle a promise: promote, or say why not."""

from typing import Final

from breakerd.breaker.config.following.origin import Origin, Way, changing_as
from breakerd.breaker.errors import (
    ConfigConflictError,
    ConfigError,
    ConfigWriteError,
)
from breakerd.breaker.fleet.asked_change import asked_by
from breakerd.breaker.logging import get_logger
from breakerd.breaker.promotion.promise import Promise, Settled
from breakerd.breaker.promotion.promote import in_force, promotion
from breakerd.breaker.registry import Registry
from breakerd.breaker.shadow.figures import ShadowFigures
from breakerd.breaker.shadow.identity import digest_of
from breakerd.breaker.shadow.report import summary

_log = get_logger(__name__)

_SEEN: Final = 2
"""Looks in a row that find another candidate before a promise is void: this process may be the
last to read a new file."""


class Settlement:
    """Settles the promises of one registry's breakers. Not thread-safe.

    Args:
        registry: the breakers.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._changed: dict[tuple[str, float], int] = {}
        """Number of looks in a row that have found another candidate, by promise."""

    def is_due(self, promise: Promise, now: float) -> bool:
        """Return True if a promise is to be settled now: in time, or because it is void."""
        key = (promise.breaker, promise.made)
        settings = self._registry.settings_for(promise.breaker)
        if digest_of(settings) == promise.digest:
            self._changed.pop(key, None)
            return now >= promise.due
        config = self._registry.config
        if config is not None and not config.status.successful:
            return False  # another file is in force here than for others
        self._changed[key] = self._changed.get(key, 0) + 1
        return self._changed[key] >= _SEEN

    def settle(
        self, promise: Promise, sums: tuple[ShadowFigures, float], now: float
    ) -> Settled | None:
        """Keep a promise that is due, or say why it is void; None: it is to be tried again.

        Args:
            promise: the promise; no other process may settle it.
            sums: what was compared, and since when.
            now: wall-clock time in seconds.
        """
        name = promise.breaker
        figures, since = sums
        age = max(0.0, now - since)
        if in_force(self._registry, name, promise.values):
            return Settled(name, now, "kept", summary(figures, age), promise.by)
        if digest_of(self._registry.settings_for(name)) != promise.digest:
            text = "the candidate, or what it is compared with, has changed since"
            return Settled(name, now, "void", text, promise.by)
        condition = promise.condition
        if not condition.holds(figures, age):
            told = condition.told(figures, age)
            text = f"{condition.text} is not true: {told}; the candidate stays"
            return Settled(name, now, "void", text, promise.by)
        return self._keep(promise, summary(figures, age), now)

    def _keep(self, promise: Promise, text: str, now: float) -> Settled | None:
        name = promise.breaker
        try:
            with asked_by(promise.by), changing_as(_origin(promise)):
                self._registry.change(name, promotion(promise.values))
        except ConfigConflictError as error:
            _log.warning("promotion waits for the file", breaker=name, error=str(error))
            return None
        except ConfigError as error:
            return Settled(name, now, "void", f"the file refuses it: {error}", promise.by)
        except ConfigWriteError as error:
            text = f"{text} {error}"
        return Settled(name, now, "kept", text, promise.by)


def _origin(promise: Promise) -> Origin:
    """Return who has asked for the promotion, and why, for the log of configurations."""
    condition = f", if {promise.condition.text}" if promise.condition.text else ""
    reason = f"promised promotion of {promise.breaker}{condition}"
    return Origin(Way.PROMISE, promise.by, reason=reason)
