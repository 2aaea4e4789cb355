"""Services of the package apprise: e-mail, SMS, Telegram, ntfy and a hundred more.

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
from breakerd.alerts.receivers.log_filter import suppress_request_logs
from breakerd.alerts.receivers.rendering import (
    content_for,
    further_names,
    headline,
    stage_text,
    without_repeats,
)

_MAX_NAMES: Final = 1000
"""Maximum number of characters of the names of breakers."""
_TYPES: Final = {
    StepKind.CREATE: "failure",
    StepKind.PRIORITY: "failure",
    StepKind.NOTE: "info",
    StepKind.CLOSE: "success",
}


class AppriseReceiver:
    """Receiver for any services that apprise supports.

    Args:
        name: name in metrics.
        url: apprise URLs, separated by spaces; they are secrets.
        timeout: maximum seconds for all of them together.
        notes: True to send notes too, and not only openings, escalations and closings.

    Raises:
        ValueError: the URLs cannot be used, see `missing_requirement`.
    """

    pages_humans = True
    accepts_attachments = False
    accepts_updates = False
    sends_whole = True

    def __init__(self, name: str, url: SecretStr, timeout: float, *, notes: bool = False) -> None:
        if missing := missing_requirement(url):
            raise ValueError(f"{name} has no {missing}")
        self.name = name
        self._timeout = timeout
        self.accepts_notes = notes
        self._apprise, _ = _make_apprise(url)

    def send(self, incident: Incident, step: Step) -> str:
        """Send the step as a message.

        Raises:
            UnavailableError: a service did not accept it, or not in time.
        """
        if step.kind not in _TYPES or (step.kind is StepKind.NOTE and not self.accepts_notes):
            return ""
        title, body = render(incident, step, self.name)
        with suppress_request_logs():
            # Without the format, mails show the body as HTML, in one line.
            delivered = self._apprise.notify(
                body=body,
                title=title,
                notify_type=_TYPES[step.kind],
                body_format="text",
                timeout=self._timeout,
            )
        if not delivered:
            raise UnavailableError("apprise could not deliver to all services")
        return ""

    def preview(self, incident: Incident, step: Step) -> str:
        """Return the title of the message, and below it the body."""
        return "\n\n".join(render(incident, step, self.name)) if step.kind in _TYPES else ""

    def request_state(self, request_id: str) -> RequestState:  # noqa: ARG002 - no open requests
        """Return `DONE`: requests are never pending."""
        return RequestState.DONE

    def alert_state(self, incident: Incident) -> AlertState:  # noqa: ARG002 - messages are one-way
        """Return `UNKNOWN`: messages are one-way."""
        return AlertState.UNKNOWN

    def close(self) -> None:
        """Do nothing: there are no open connections."""


def render(incident: Incident, step: Step, receiver: str) -> tuple[str, str]:
    """Return title and body of a step. The title alone fits into a short message."""
    title = headline(incident, step, receiver)
    if step.kind is StepKind.NOTE:
        return title, step.note
    if step.kind is StepKind.CLOSE:
        return title, step.note or title
    content = content_for(incident, receiver)
    names = further_names(incident, content, _MAX_NAMES)
    text = without_repeats(content.description, content)
    parts = [stage_text(step, content), names, text]
    return title, "\n\n".join(filter(None, parts)) or title


@lru_cache(maxsize=32)
def missing_requirement(url: SecretStr) -> str:
    """Return what is missing to use these URLs; empty if nothing is."""
    if find_spec("apprise") is None:
        return "package apprise (the extra `apprise`)"
    _, invalid = _make_apprise(url)
    return f"URL supported by apprise in place {invalid}" if invalid else ""


def _make_apprise(url: SecretStr) -> tuple[Any, int]:
    """Return apprise's object, and the position of the first invalid URL, from 1; 0 if none."""
    import apprise

    # apprise logs addresses, which are secrets.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    services = apprise.Apprise()
    urls = url.get_secret_value().split()
    invalid = (number for number, each in enumerate(urls, 1) if not services.add(each))
    return services, next(invalid, 0)
