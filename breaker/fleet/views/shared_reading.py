"""Shared reading: an answer of the hub that all who look within a moment get."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fork import ProcessLock, renew_after_fork
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

T = TypeVar("T")

FRESH: Final = 1.0
"""Seconds for which an answer is good: many viewers are one read a second."""
NOT_READABLE: Final = "what the hub has cannot be read"
_WAIT: Final = 1.0
"""Maximum seconds that one who looks waits for another's read."""


class SharedReadings:
    """Answers of a hub by question. Thread-safe, and empty in a forked child.

    A failure is remembered as an answer is, so that a hub that is away is asked once a second too.

    Args:
        clock: returns seconds; never jumps.
    """

    def __init__(self, clock: Callable[[], float] = CLOCK.monotonic) -> None:
        self._clock = clock
        self._lock = ProcessLock()
        self._known: dict[object, tuple[float, Any]] = {}
        renew_after_fork(self)

    def get(self, question: object, ask: Callable[[], T], fresh: float = FRESH) -> T:
        """Return the answer to `question`; `ask` gets it where nobody has asked lately.

        Args:
            question: names the answer.
            ask: gets it.
            fresh: seconds for which it is good.

        Raises:
            HubUnavailableError: the hub does not answer, or another read of it has not ended yet.
        """
        found = self._known_of(question, fresh)
        if found is None:
            found = self._ask_once(question, ask, fresh)
        if isinstance(found, HubUnavailableError):
            raise HubUnavailableError(str(found))
        answer: T = found[0]
        return answer

    def forget(self) -> None:
        """Forget all answers: something was changed."""
        self._known = {}

    def after_fork(self) -> None:
        """Forget the answers that the parent got."""
        self._known = {}

    def _ask_once(self, question: object, ask: Callable[[], T], fresh: float) -> Any:
        if not self._lock.acquire(_WAIT):
            raise HubUnavailableError("the hub has not answered another request yet")
        try:
            found = self._known_of(question, fresh)
            if found is None:
                before = self._known
                found = _answer(ask)
                now = self._clock()
                kept = {key: each for key, each in before.items() if now - each[0] < FRESH}
                if self._known is before:  # what was asked before a change is good for nobody else
                    self._known = kept | {question: (now, found)}
            return found
        finally:
            self._lock.release()

    def _known_of(self, question: object, fresh: float) -> Any:
        """Return the answer in a tuple, or the failure; None if nobody has asked lately."""
        at, found = self._known.get(question, (0.0, None))
        return found if self._clock() - at < fresh else None


def _answer(ask: Callable[[], object]) -> object:
    try:
        return (ask(),)
    except HubUnavailableError as error:
        return error
    except Exception as error:  # noqa: BLE001 - whatever others have written there
        _log.warning("hub's data cannot be read", problem=repr(error))
        return HubUnavailableError(NOT_READABLE)
