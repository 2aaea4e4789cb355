"""Everything else, through the package apprise: e-mail, SMS, Telegram, ntfy and a hundred more.

Source: https://github.com/caronc/apprise
"""

import logging
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Final

from pydantic import SecretStr

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.base import AlertState, RequestState, UnavailableError
from breakerd.alerts.receivers.log_filter import unlogged

_TYPES: Final = {
    StepKind.CREATE: "failure",
    StepKind.PRIORITY: "failure",
    StepKind.NOTE: "info",
    StepKind.CLOSE: "success",
}


class AppriseSink:
    """Services that apprise knows.

    Args:
        name: as in metrics.
        url: apprise's addresses, with spaces between them, which are secrets.
        timeout: seconds that telling them all may take.
        notes: whether notes are sent as well, and not only openings, escalations and closings.

    Raises:
        ValueError: see `missing`.
    """

    pages = True
    attaches = False

    def __init__(self, name: str, url: SecretStr, timeout: float, *, notes: bool = False) -> None:
        if lacks := missing(url):
            raise ValueError(f"{name} lacks {lacks}")
        self.name = name
        self._timeout = timeout
        self._notes = notes
        self._apprise, _ = _made(url)

    def send(self, incident: Incident, step: Step) -> str:
        """Sends the step as a message.

        Raises:
            UnavailableError: one of the services did not take it, or not in time.
        """
        if step.kind is StepKind.ATTACH or (step.kind is StepKind.NOTE and not self._notes):
            return ""
        content = incident.content
        priority = step.priority or incident.priority
        body = step.note or content.description or content.message
        title = f"{priority} {step.kind.value}: {content.message}"
        with unlogged():
            told = self._apprise.notify(
                body=body, title=title, notify_type=_TYPES[step.kind], timeout=self._timeout
            )
        if not told:
            raise UnavailableError("apprise could not deliver it to all")
        return ""

    def look(self, request_id: str) -> RequestState:  # noqa: ARG002 - there are no open requests
        """Done: nothing is ever under way."""
        return RequestState.DONE

    def state(self, incident: Incident) -> AlertState:  # noqa: ARG002 - messages go one way
        """Unknown."""
        return AlertState.UNKNOWN

    def close(self) -> None:
        """Nothing to let go."""


@lru_cache(maxsize=32)
def missing(url: SecretStr) -> str:
    """What keeps these addresses from being used; empty if nothing does."""
    if find_spec("apprise") is None:
        return "package apprise, which is the extra `apprise`"
    _, refused = _made(url)
    return f"address that apprise knows in place {refused}" if refused else ""


def _made(url: SecretStr) -> tuple[Any, int]:
    """The object of apprise, and which of the addresses it refused, from 1; 0 if none."""
    import apprise

    # It writes addresses into its log.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    made = apprise.Apprise()
    urls = url.get_secret_value().split()
    refused = (number for number, each in enumerate(urls, 1) if not made.add(each))
    return made, next(refused, 0)
