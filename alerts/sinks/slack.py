"""Incoming webhooks of Slack, and of whatever takes the same form, such as Mattermost.

Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

from typing import Any, Final

from pydantic import SecretStr

from alerts.delivery import Step, StepKind
from alerts.incident import Incident
from alerts.sinks.http import HttpClient
from alerts.sinks.protocol import AlertState, RequestState
from alerts.words import shorten

_SECTION: Final = 2900
"""Characters of one block; Slack takes 3,000."""
_SIGNS: Final = {
    StepKind.CREATE: ":rotating_light:",
    StepKind.PRIORITY: ":arrow_double_up:",
    StepKind.NOTE: ":memo:",
    StepKind.CLOSE: ":white_check_mark:",
}


class SlackSink:
    """One channel.

    Args:
        name: as in metrics.
        url: of the webhook, which is a secret.
        timeout: seconds that a request may take.
    """

    pages = True
    attaches = False

    def __init__(self, name: str, url: SecretStr, timeout: float) -> None:
        self.name = name
        self._url = url
        self._client = HttpClient(timeout)

    def send(self, incident: Incident, step: Step) -> str:
        """Posts the step as a message."""
        if step.kind is not StepKind.ATTACH:
            self._client.ask("POST", self._url.get_secret_value(), json=_message(incident, step))
        return ""

    def look(self, request_id: str) -> RequestState:  # noqa: ARG002 - there are no open requests
        """Done: nothing is ever under way."""
        return RequestState.DONE

    def state(self, incident: Incident) -> AlertState:  # noqa: ARG002 - a webhook goes one way
        """Unknown."""
        return AlertState.UNKNOWN

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def _message(incident: Incident, step: Step) -> dict[str, Any]:
    content = incident.content
    priority = step.priority or incident.priority
    title = f"{_SIGNS[step.kind]} *{priority}* {_escaped(content.message)}"
    texts = [title]
    if step.note:
        texts.append(_escaped(step.note))
    if step.kind is StepKind.CREATE and content.description:
        texts.append(f"```{_escaped(shorten(content.description, _SECTION))}```")
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": shorten(text, _SECTION + 50)}}
        for text in texts
    ]
    return {"text": "\n".join(texts[:2]), "blocks": blocks}


def _escaped(text: str) -> str:
    """The three characters that mean something to Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
