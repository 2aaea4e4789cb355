"""Incoming webhooks of Slack, and of products that accept the same form.

A webhook can only post: each step is a message of its own.

Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

from typing import Final

from pydantic import SecretStr

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.base import AlertState, RequestState, UnavailableError
from breakerd.alerts.receivers.http import HttpClient, url_secrets
from breakerd.alerts.receivers.slack.messages import alone, readable

_NOT_SENT: Final = {StepKind.ATTACH, StepKind.UPDATE}


class SlackReceiver:
    """Receiver for one channel.

    Args:
        name: name in metrics.
        url: URL of the webhook, which is a secret.
        timeout: maximum seconds of a request.
    """

    pages_humans = True
    accepts_attachments = False
    accepts_updates = False
    accepts_notes = True
    sends_whole = True

    def __init__(self, name: str, url: SecretStr, timeout: float) -> None:
        self.name = name
        self._url = url.get_secret_value()
        self._client = HttpClient(timeout, secrets=url_secrets(self._url))

    def send(self, incident: Incident, step: Step) -> str:
        """Post the step as a message."""
        if step.kind not in _NOT_SENT:
            content = alone(incident, step, self.name)
            response = self._client.request("POST", self._url, json=content)
            if response.text.lstrip().startswith("<"):
                raise UnavailableError("response is a web page, not the webhook's")
        return ""

    def preview(self, incident: Incident, step: Step) -> str:
        """Return the message of the step as indented JSON."""
        sent = step.kind not in _NOT_SENT
        return readable([alone(incident, step, self.name)]) if sent else ""

    def request_state(self, request_id: str) -> RequestState:  # noqa: ARG002 - no open requests
        """Return `DONE`: requests are never pending."""
        return RequestState.DONE

    def alert_state(self, incident: Incident) -> AlertState:  # noqa: ARG002 - webhooks are one-way
        """Return `UNKNOWN`: a webhook cannot be asked."""
        return AlertState.UNKNOWN

    def keep_ready(self) -> None:
        """Keep sockets for when the process has no file descriptor left."""
        self._client.keep_ready(self._url)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
