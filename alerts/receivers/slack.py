"""Incoming webhooks of Slack, and of whatever takes the same form, such as Mattermost.

Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

import re
from typing import Any, Final

from pydantic import SecretStr

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.base import AlertState, RequestState, UnavailableError
from breakerd.alerts.receivers.http import HttpClient, secrets_of

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
        self._url = url.get_secret_value()
        self._client = HttpClient(timeout, secrets=secrets_of(self._url))

    def send(self, incident: Incident, step: Step) -> str:
        """Posts the step as a message."""
        if step.kind is not StepKind.ATTACH:
            answer = self._client.ask("POST", self._url, json=_message(incident, step))
            if answer.text.lstrip().startswith("<"):
                raise UnavailableError("a web page answers in place of the webhook")
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
    texts = [f"{_SIGNS[step.kind]} *{priority}* {_escaped(content.message)}"]
    if step.note:
        texts.append(_escaped(step.note))
    if step.kind is StepKind.CREATE and content.description:
        texts.append(f"```{_escaped(content.description)}```")
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": text}} for text in texts]
    return {"text": "\n".join(texts[:2]), "blocks": blocks}


def _escaped(text: str) -> str:
    """Without what means something to Slack, and no longer than a block may be."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if len(escaped) <= _SECTION:
        return escaped
    return re.sub(r"&[a-z]*$", "", escaped[:_SECTION]) + "…"
