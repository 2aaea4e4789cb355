"""A test alert: sent to each receiver as a real one is, confirmed, and closed again."""

import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Final

from breakerd.alerts.content.composer import Content
from breakerd.alerts.doctor.finding import Finding, bad, good
from breakerd.alerts.model.delivery import Stage, Step, StepKind
from breakerd.alerts.model.incident import Incident
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

_PATIENCE: Final = 30.0
"""Seconds until an accepted request must be carried out."""
_LOOK_EVERY: Final = 0.2
_PAUSE: Final = 1.0
_ATTEMPTS: Final = 3
"""So often an alert that may be open is tried to be closed."""


def send_probes(settings: AlertingSettings, patience: float = _PATIENCE) -> Iterator[Finding]:
    """Sends, confirms and closes a marked alert at each receiver; two findings for each.

    Args:
        settings: who is told; their smallest priority counts for nothing here.
        patience: seconds until an accepted request must be carried out.
    """
    for configured in configured_receivers(settings):
        if configured.name == LogReceiver.name:
            continue
        with closing(configured.make()) as receiver:
            yield from Trial(receiver, make_probe_alert(settings), patience).run()


class Trial:
    """One test alert at one receiver.

    Args:
        receiver: the receiver.
        alert: what it is sent.
        patience: seconds until an accepted request must be carried out.
        pause: seconds between two attempts to close it.
    """

    def __init__(
        self,
        receiver: Receiver,
        alert: Incident,
        patience: float = _PATIENCE,
        pause: float = _PAUSE,
    ) -> None:
        self._receiver = receiver
        self._alert = alert
        self._patience = patience
        self._pause = pause
        self._maybe_open = True

    def run(self) -> Iterator[Finding]:
        """Sends and closes it; whatever goes wrong in between, it tries to close."""
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
            found = f"{self._alert.alias} did not arrive: {error}"
            return bad(check, found, "alerts do not arrive either, until that is put right")
        return good(check, f"{self._alert.alias} arrived after {_since(began)}")

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
            return bad(check, found, "look at the receiver, and close it there")
        return good(check, f"closed after {_since(began)}")

    def _close_with_retries(self) -> None:
        for _ in range(_ATTEMPTS - 1):
            try:
                self._try_to_close()
            except RateLimitedError as error:
                time.sleep(min(self._patience, error.seconds))
            except UnavailableError:
                time.sleep(self._pause)
            else:
                return
        self._try_to_close()

    def _try_to_close(self) -> None:
        request_id = self._receiver.send(self._alert, Step(StepKind.CLOSE, note="Test over."))
        # What is not there is not open.
        self._wait(request_id, RequestState.DONE, RequestState.GONE)

    def _wait(self, request_id: str, *wanted: RequestState) -> None:
        """Waits until a request is carried out; an empty one is already.

        Raises:
            DeliveryError: it is not.
        """
        deadline = time.monotonic() + self._patience
        while request_id:
            state, problem = self._request_state(request_id)
            if state in wanted:
                return
            if state is not RequestState.PENDING:
                raise UnavailableError("accepted, but not carried out")
            if time.monotonic() >= deadline:
                raise UnavailableError(f"accepted, and not seen to be carried out{problem}")
            time.sleep(_LOOK_EVERY)

    def _request_state(self, request_id: str) -> tuple[RequestState, str]:
        """What became of a request, and why that is not known, if it is not."""
        try:
            return self._receiver.request_state(request_id), ""
        except UnavailableError as error:
            return RequestState.PENDING, f": {error}"


def make_probe_alert(settings: AlertingSettings) -> Incident:
    """A test alert: marked in its message, its tags and its details."""
    fields, now = resolve_identity(settings.opsgenie), time.time()
    content = Content(
        message=f"[TEST] breakerd on {fields.hostname} tries its alerting: nothing is wrong",
        description="Sent by `breakerd doctor --send-test`. It is closed by itself.",
        entity="breakerd doctor",
        source=settings.opsgenie.source,
        team=fields.team,
        tags=[TAG],
        details={"test": "true", "host": fields.hostname, "environment": fields.environment},
    )
    return Incident(
        id=uuid.uuid4().hex,
        alias=f"breakerd:test:{uuid.uuid4().hex[:12]}",
        breaker="doctor",
        kind="open",
        opened_at=now,
        not_before=now,
        stages=(Stage(0.0, PRIORITY),),
        content=content,
    )


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"
