"""Retry state of one receiver: failures, backoff, rate limits and dead letters.

No thread and no clock: `now` is passed in, in seconds since the epoch.
"""

import random
from typing import Final

from breakerd.alerts.delivery.outcomes import OutcomeRecorder
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.base import (
    DeliveryError,
    InvalidRequestError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
)

_INITIAL_BACKOFF: Final = 1.0
"""Seconds before the second attempt; doubled after each failure."""
_AUTH_RETRY_INTERVAL: Final = 60.0
"""Seconds between two attempts with a key that the receiver rejects."""
_MAX_UNAPPLIED: Final = 5
"""Maximum number of attempts for an optional step that is accepted and not applied."""
_MAX_ATTEMPTS: Final = 20
"""Maximum number of attempts for an optional step. Higher: the receiver may have an outage."""
_UPDATES_PAUSE: Final = 60.0
"""Seconds without updates after one that took a whole time-out: more urgent steps go first."""
_MAX_ROUND_FAILURES: Final = 5
"""Number of failures after which a round ends."""
_OPTIONAL: Final = {StepKind.NOTE, StepKind.ATTACH}
_TEXTS: Final = {"message", "description"}
"""Parts of an update that are still tried after the others were refused."""


class NotAppliedError(UnavailableError):
    """The receiver accepted a request, and then did not apply it."""


class RetryState:
    """Availability of one receiver, and the handling of failed attempts.

    Args:
        outcomes: where the outcomes are recorded.
    """

    def __init__(self, outcomes: OutcomeRecorder) -> None:
        self.limit = 60.0
        """Maximum number of seconds between two attempts."""
        self.paused_until = 0.0
        """Earliest time of the next request."""
        self.auth_error = ""
        """Error of the receiver about the key; empty if it accepts the key."""
        self.reachable = True
        """True if the last request had a usable response."""
        self.last_success = 0.0
        """Time of the last successful request; 0 if there was none."""
        self.updates_paused_until = 0.0
        """Earliest time of the next update of an existing alert."""
        self._outcomes = outcomes
        self._round_failures = 0
        self._jitter = random.Random()  # noqa: S311 - spreads attempts, guards nothing

    def begin_round(self) -> None:
        """Allow the failures of one round."""
        self._round_failures = 0

    def may_send(self, now: float) -> bool:
        """Return True unless a pause lasts, or the round has had too many failures."""
        return self._round_failures < _MAX_ROUND_FAILURES and now >= self.paused_until

    def succeed(self, now: float) -> None:
        """Record a successful request."""
        self.auth_error, self.reachable, self.last_success = "", True, now

    def fail(
        self,
        now: float,
        incident: Incident,
        delivery: DeliveryState,
        step: Step,
        error: DeliveryError,
    ) -> None:
        """Decide how a failed step continues. Hold the incident log's lock."""
        delivery.last_problem, delivery.last_problem_at = str(error), now
        if step.kind is StepKind.UPDATE:
            outcome = self._postpone_update(now, delivery, step, error)
        elif isinstance(error, RateLimitedError):
            self.pause(now, error)
            outcome = "paused"
        elif isinstance(error, UnauthorizedError):
            self.paused_until, self.auth_error = now + _AUTH_RETRY_INTERVAL, str(error)
            outcome = "refused"
        elif isinstance(error, InvalidRequestError):
            outcome = self._reject(now, incident, delivery, step, error)
        else:
            outcome = self._schedule_retry(now, delivery, step, error)
        self._outcomes.failed(incident, outcome, error)

    def pause(self, now: float, error: RateLimitedError) -> None:
        """Send nothing for as long as the receiver asks."""
        self.paused_until = now + error.seconds

    def mark_unreachable(self, error: DeliveryError) -> None:
        """Record a request without a usable response. A time-out ends the round."""
        slow = isinstance(error, UnavailableError) and error.slow
        self.reachable = False
        self._round_failures += _MAX_ROUND_FAILURES if slow else 1

    def _schedule_retry(
        self, now: float, delivery: DeliveryState, step: Step, error: DeliveryError
    ) -> str:
        """Retry without end, but skip an optional step before it holds up the closing."""
        self.mark_unreachable(error)
        most = _MAX_UNAPPLIED if isinstance(error, NotAppliedError) else _MAX_ATTEMPTS
        if step.kind in _OPTIONAL and delivery.attempts >= most:
            delivery.confirm(now, step)
            return "skipped"
        delivery.attempts += 1
        delivery.retry_at = now + self._backoff(delivery.attempts)
        return "retried"

    def _backoff(self, failures: int) -> float:
        pause = min(self.limit, _INITIAL_BACKOFF * 2.0 ** min(failures - 1, 30))
        return pause * self._jitter.uniform(0.5, 1.0)

    def _postpone_update(
        self, now: float, delivery: DeliveryState, step: Step, error: DeliveryError
    ) -> str:
        """Retry an update by its own count and backoff, so that it holds up no other step.

        Nor does it say anything of the key, which may write and not update.
        """
        if isinstance(error, RateLimitedError):
            self.pause(now, error)
        if isinstance(error, UnavailableError) and error.slow:
            self._round_failures += _MAX_ROUND_FAILURES
            self.updates_paused_until = now + _UPDATES_PAUSE
        if delivery.accepted_step is not None:
            delivery.clear_pending()
        delivery.update_failures += 1
        refused = isinstance(error, InvalidRequestError) and _TEXTS.issuperset(step.parts)
        most = _MAX_UNAPPLIED if isinstance(error, NotAppliedError) else _MAX_ATTEMPTS
        if refused or delivery.update_failures > most:
            delivery.skip_update(step)
            return "skipped"
        delivery.update_retry_at = now + self._backoff(delivery.update_failures)
        return "paused" if isinstance(error, RateLimitedError) else "retried"

    def _reject(
        self,
        now: float,
        incident: Incident,
        delivery: DeliveryState,
        step: Step,
        error: DeliveryError,
    ) -> str:
        """Skip an optional step; otherwise reduce the content once, then give up."""
        delivery.clear_pending()
        if step.kind in _OPTIONAL:
            delivery.confirm(now, step)
            return "skipped"
        if not delivery.created and not delivery.reduced:
            delivery.reduced = True
            return "reduced"
        delivery.dead_letter_reason, delivery.dead_letter_step = str(error), step.kind.value
        self._outcomes.dead_letter(incident, error)
        return "dead"
