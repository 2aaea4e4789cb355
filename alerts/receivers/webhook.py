"""Custom webhooks: a signed JSON body, or any text made from a template.

The signature follows Stripe's scheme: the header `X-Breakerd-Signature: t=SECONDS,v1=HEX` holds
the HMAC-SHA256 of `SECONDS.BODY` under the shared key; `verify` checks it. `Idempotency-Key` is the
same whenever a step is sent again.

Source: https://docs.stripe.com/webhooks#verify-manually
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from string import Template
from typing import Any, Final

from pydantic import SecretStr

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.base import AlertState, RequestState
from breakerd.alerts.receivers.http import HttpClient, url_secrets
from breakerd.alerts.receivers.rendering import (
    event_content,
    priority,
    since,
    split_links,
)
from breakerd.alerts.settings.template import FIELDS
from breakerd.breaker.encoding.strict_json import dumps

VERSION: Final = 2
"""Version of the body; incompatible changes raise it."""
SIGNATURE: Final = "X-Breakerd-Signature"
TOLERANCE: Final = 300.0
"""Maximum seconds between the time of a signature and the receiver's clock."""
_MAX_NAMED: Final = 100
"""Maximum number of breakers that the reduced body names; the full one names all."""
_NOT_SENT: Final = {StepKind.ATTACH, StepKind.UPDATE}
"""Steps without a body: what is new is in the next one."""


class WebhookReceiver:
    """Receiver for one HTTP endpoint.

    Args:
        name: name in metrics.
        url: URL to POST to; it may contain a secret.
        timeout: maximum seconds of a request.
        key: signing key; None: not signed.
        headers: additional headers.
        template: the body with `$NAME` for each of `FIELDS`, its values escaped as in a JSON
            string; empty: breakerd's own JSON.
    """

    pages_humans = True
    accepts_attachments = False
    accepts_updates = False
    accepts_notes = True
    sends_whole = True

    def __init__(
        self,
        name: str,
        url: SecretStr,
        timeout: float,
        *,
        key: SecretStr | None = None,
        headers: Mapping[str, SecretStr] | None = None,
        template: str = "",
    ) -> None:
        self.name = name
        self._url = url.get_secret_value()
        self._key = key
        self._template = template
        own = {header: value.get_secret_value() for header, value in (headers or {}).items()}
        secrets = [*url_secrets(self._url), *own.values()]
        sent = {"Content-Type": "application/json", **own}
        self._client = HttpClient(timeout, sent, secrets=secrets)

    def send(self, incident: Incident, step: Step) -> str:
        """Post the step; any 2xx response means that it is done."""
        if step.kind not in _NOT_SENT:
            body = self._body(incident, step).encode()
            headers = {"Idempotency-Key": _idempotency_key(incident, step)}
            if self._key is not None:
                headers[SIGNATURE] = signature(self._key, body, int(time.time()))
            self._client.request("POST", self._url, content=body, headers=headers)
        return ""

    def preview(self, incident: Incident, step: Step) -> str:
        """Return the body of the step, as indented JSON if it is JSON."""
        if step.kind in _NOT_SENT:
            return ""
        body = self._body(incident, step)
        try:
            return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
        except ValueError:
            return body

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

    def _body(self, incident: Incident, step: Step) -> str:
        return render(incident, step, self.name, self._template)


def render(incident: Incident, step: Step, receiver: str, template: str = "") -> str:
    """Return the body of a step: breakerd's own JSON, or what `template` makes of its fields."""
    content = event_content(incident, step, receiver)
    fields = _fields(incident, step, content, receiver)
    if template:
        values = {name: _in_string(value) for name, value in fields.items()}
        return Template(template).substitute(values)
    _, links = split_links(content)
    count = len(incident.members)
    more = {
        "breakers_count": count,
        "links": links,
        "tags": content.tags,
        "details": content.details,
    }
    return dumps({"version": VERSION, **fields, **more}, ensure_ascii=True)


def signature(key: SecretStr, body: bytes, at: int) -> str:
    """Return the value of `X-Breakerd-Signature` for `body`, sent `at` seconds since the epoch."""
    signed = f"{at}.".encode() + body
    digest = hmac.new(key.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def verify(key: SecretStr, body: bytes, header: str, now: float) -> bool:
    """True if `header` is the signature of `body`, made at most `TOLERANCE` seconds from `now`.

    For receivers written in Python. The limited age prevents later replays of an observed request;
    to exclude earlier ones too, remember each `Idempotency-Key` for the same time.

    Args:
        key: the shared key.
        body: the body as received, before any parsing.
        header: value of `X-Breakerd-Signature`.
        now: seconds since the epoch.
    """
    found = re.fullmatch(r"t=([0-9]{1,15}),v1=[0-9a-f]{64}", header)
    if found is None:
        return False
    at = int(found[1])
    return hmac.compare_digest(signature(key, body, at), header) and abs(now - at) <= TOLERANCE


def _fields(incident: Incident, step: Step, content: AlertContent, receiver: str) -> dict[str, Any]:
    delivery = incident.deliveries.get(receiver)
    named = list(incident.members)[: _MAX_NAMED if delivery and delivery.reduced else None]
    values = (
        step.kind.value, incident.alias, incident.breaker, named, incident.kind,
        priority(incident, step), content.message, content.description,
        step.note, incident.opened_at, since(incident), incident.drill,
    )  # fmt: skip
    return dict(zip(FIELDS, values, strict=True))


def _in_string(value: object) -> str:
    """Return `value` escaped as in a JSON string, without the quotes."""
    text = ", ".join(value) if isinstance(value, list) else value
    if isinstance(text, bool | float):
        return dumps(text, ensure_ascii=True)
    return json.dumps(str(text))[1:-1]


def _idempotency_key(incident: Incident, step: Step) -> str:
    what = f"{incident.alias}|{step.kind}|{step.number}|{step.priority}"
    return hashlib.sha256(what.encode()).hexdigest()[:32]
