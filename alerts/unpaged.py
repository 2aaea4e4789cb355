"""Log of breakers that open while nobody observes them."""

from breakerd.breaker.events.events import Event, Transition
from breakerd.breaker.logging import get_logger
from breakerd.breaker.states import State

_log = get_logger(__name__)

_OPENED = frozenset({State.OPEN, State.FORCED_OPEN})


class UnpagedLog:
    """Logs the first breaker that opens while alerting does not run, once for each reason."""

    def __init__(self) -> None:
        self._told = ""

    def notice(self, event: Event, reason: str) -> None:
        """Log the event if it is a breaker that has opened; fast, since the engine calls it.

        Args:
            event: any event of a breaker.
            reason: why nobody is paged, as a sentence.
        """
        if isinstance(event, Transition) and event.to_state in _OPENED and reason != self._told:
            self._told = reason
            _log.error("breaker opened, and nobody is paged", breaker=event.breaker, problem=reason)
