"""Incoming webhooks of Slack, and of products that accept the same form, such as Mattermost.

Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

import re
from typing import Any, Final

from pydantic import SecretStr

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.base import AlertState, RequestState, UnavailableError
from breakerd.alerts.receivers.http import HttpClient, url_secrets

_MAX_SECTION: Final = 2900
"""Maximum number of characters of one block; Slack accepts 3,000."""
_SIGNS: Final = {
    StepKind.CREATE: ":rotating_light:",
    StepKind.PRIORITY: ":arrow_double_up:",
    StepKind.NOTE: ":memo:",
    StepKind.CLOSE: ":white_check_mark:",
}


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

    def __init__(self, name: str, url: SecretStr, timeout: float) -> None:
        self.name = name
        self._url = url.get_secret_value()
        self._client = HttpClient(timeout, secrets=url_secrets(self._url))

    def send(self, incident: Incident, step: Step) -> str:
        """Post the step as a message."""
        if step.kind is not StepKind.ATTACH:
            response = self._client.request("POST", self._url, json=_message(incident, step))
            if response.text.lstrip().startswith("<"):
                raise UnavailableError("response is a web page, not the webhook's")
        return ""

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


def _message(incident: Incident, step: Step) -> dict[str, Any]:
    content = incident.content
    priority = step.priority or incident.priority
    texts = [f"{_SIGNS[step.kind]} *{priority}* {_escaped(content.message)}"]
    if step.note:
        texts.append(_escaped(step.note))
    if step.kind is StepKind.CREATE and content.description:
        texts.append(f"```{_escaped(content.description)}```")
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": text}} for text in texts]
    return {"text": "\n".join(texts[:2]), "blocks": blocks}


def _escaped(text: str) -> str:
    """Return `text` with Slack's control characters escaped, cut to the length of a block."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if len(escaped) <= _MAX_SECTION:
        return escaped
    return re.sub(r"&[a-z]*$", "", escaped[:_MAX_SECTION]) + "…"
