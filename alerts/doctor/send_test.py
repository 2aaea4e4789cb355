"""Test alerts: sent to each receiver like a real one, confirmed, and closed again."""

import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Final

from breakerd.alerts.doctor.finding import Finding, fail, ok
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.base import (
    DeliveryError,
    RateLimitedError,
    Receiver,
    RequestState,
    UnavailableError,
)
from breakerd.alerts.receivers.factory import configured_receivers
from breakerd.alerts.receivers.log import LogReceiver
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import resolve_identity

PRIORITY: Final = "P5"
TAG: Final = "Test:true"

_DESCRIPTION: Final = (
    "There is nothing to do. Somebody checks with `breakerd doctor --send-test` that alerts arrive "
    "here; the same command closes this one within a minute. If it stays open, close it by hand."
)
_TIMEOUT: Final = 30.0
"""Maximum seconds until an accepted request is executed."""
_POLL_INTERVAL: Final = 0.2
_RETRY_PAUSE: Final = 1.0
_MAX_ATTEMPTS: Final = 3
"""Maximum number of attempts to close an alert that may be open."""


def send_probes(settings: AlertingSettings, timeout: float = _TIMEOUT) -> Iterator[Finding]:
    """Send, confirm and close a marked alert at each receiver; yield two findings for each.

    Args:
        settings: settings of the receivers; their `min_priority` is ignored here.
        timeout: maximum seconds until an accepted request is executed.
    """
    for configured in configured_receivers(settings):
        if configured.name == LogReceiver.name:
            continue
        with closing(configured.make()) as receiver:
            yield from AlertProbe(receiver, make_probe_alert(settings), timeout).run()


class AlertProbe:
    """Test alert at one receiver.

    Args:
        receiver: the receiver.
        alert: the alert to send.
        timeout: maximum seconds until an accepted request is executed.
        pause: seconds between two attempts to close it.
    """

    def __init__(
        self,
        receiver: Receiver,
        alert: Incident,
        timeout: float = _TIMEOUT,
        pause: float = _RETRY_PAUSE,
    ) -> None:
        self._receiver = receiver
        self._alert = alert
        self._timeout = timeout
        self._pause = pause
        self._maybe_open = True

    def run(self) -> Iterator[Finding]:
        """Send and close the alert; after any error, still try to close it."""
        check = f"test {self._receiver.name}"
        closed = None
        try:
            yield self._create(check)
        finally:
            if self._maybe_open:
                closed = self._close(check)
        if closed is not None:
            yield closed

    def _create(self, check: str) -> Finding:
        began = time.monotonic()
        try:
            request_id = self._send(Step(StepKind.CREATE, priority=PRIORITY))
            self._wait(request_id, RequestState.DONE)
        except DeliveryError as error:
            found = f"{self._alert.alias} was not delivered: {error}"
            return fail(check, found, "real alerts are not delivered either: fix this first")
        return ok(check, f"{self._alert.alias} delivered after {_since(began)}")

    def _send(self, step: Step) -> str:
        try:
            return self._receiver.send(self._alert, step)
        except DeliveryError as error:
            self._maybe_open = error.maybe_applied
            raise

    def _close(self, check: str) -> Finding:
        began = time.monotonic()
        try:
            self._close_with_retries()
        except DeliveryError as error:
            found = f"{self._alert.alias} may still be open: {error}"
            return fail(check, found, "close it at the receiver")
        return ok(check, f"closed after {_since(began)}")

    def _close_with_retries(self) -> None:
        for _ in range(_MAX_ATTEMPTS - 1):
            try:
                self._close_once()
            except RateLimitedError as error:
                time.sleep(min(self._timeout, error.seconds))
            except UnavailableError:
                time.sleep(self._pause)
            else:
                return
        self._close_once()

    def _close_once(self) -> None:
        request_id = self._receiver.send(self._alert, Step(StepKind.CLOSE, note="Test over."))
        # An alert that does not exist is not open.
        self._wait(request_id, RequestState.DONE, RequestState.GONE)

    def _wait(self, request_id: str, *wanted: RequestState) -> None:
        """Wait until a request is executed; an empty id means that it already is.

        Raises:
            DeliveryError: it is not executed in time.
        """
        deadline = time.monotonic() + self._timeout
        while request_id:
            state, problem = self._request_state(request_id)
            if state in wanted:
                return
            if state is not RequestState.PENDING:
                raise UnavailableError("accepted, but not executed")
            if time.monotonic() >= deadline:
                raise UnavailableError(f"accepted, but execution is not confirmed{problem}")
            time.sleep(_POLL_INTERVAL)

    def _request_state(self, request_id: str) -> tuple[RequestState, str]:
        """Return the state of a request, and the error if it could not be read."""
        try:
            return self._receiver.request_state(request_id), ""
        except UnavailableError as error:
            return RequestState.PENDING, f": {error}"


def make_probe_alert(settings: AlertingSettings) -> Incident:
    """Return a test alert, marked in its message, tags and details."""
    identity, now = resolve_identity(settings.opsgenie), time.time()
    content = AlertContent(
        message=f"TEST from breakerd on {identity.hostname}: nothing is wrong; closes itself",
        description=_DESCRIPTION,
        entity="breakerd doctor",
        source=settings.opsgenie.source,
        team=identity.team,
        tags=[TAG],
        details={"test": "true", "host": identity.hostname, "environment": identity.environment},
    )
    return Incident(
        id=uuid.uuid4().hex,
        alias=f"breakerd:test:{uuid.uuid4().hex[:12]}",
        breaker="doctor",
        kind="open",
        opened_at=now,
        notify_at=now,
        stages=(Stage(0.0, PRIORITY),),
        content=content,
    )


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"
