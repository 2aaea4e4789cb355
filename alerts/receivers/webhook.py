"""A webhook of one's own: a JSON body, signed, or any text made from a template.

The signature is that of Stripe's scheme: the header `X-Breakerd-Signature: t=SECONDS,v1=HEX` holds
the HMAC-SHA256, under the shared key, of `SECONDS.BODY`; `verify` is how to check it.
`Idempotency-Key` is the same whenever the same step is sent again.

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
from breakerd.alerts.receivers.http import HttpClient, secrets_of

VERSION: Final = 1
"""Of the body's form; a change that breaks receivers raises it."""
SIGNATURE: Final = "X-Breakerd-Signature"
TOLERANCE: Final = 300.0
"""Seconds that a signature may be old, or the clocks apart."""
FIELDS: Final = (
    "event", "alias", "breaker", "breakers", "kind", "priority", "message", "description", "note",
    "opened_at", "drill",
)  # fmt: skip
"""The names that a template may use."""
_NAMED: Final = 100
"""Most breakers of an incident that are named."""


class WebhookSink:
    """Some HTTP endpoint.

    Args:
        name: as in metrics.
        url: where to POST; it may hold a secret.
        timeout: seconds that a request may take.
        key: what to sign with; None: not signed.
        headers: sent as well.
        template: the body with `$name` for each of `FIELDS`, its values as in a JSON string;
            empty: our own form.
    """

    pages = True
    attaches = False

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
        secrets = [*secrets_of(self._url), *own.values()]
        sent = {"Content-Type": "application/json", **own}
        self._client = HttpClient(timeout, sent, secrets=secrets)

    def send(self, incident: Incident, step: Step) -> str:
        """Posts the step; what is answered with 2xx is done."""
        if step.kind is not StepKind.ATTACH:
            body = self._body(incident, step).encode()
            headers = {"Idempotency-Key": _idempotency_key(incident, step)}
            if self._key is not None:
                headers[SIGNATURE] = signature(self._key, body, int(time.time()))
            self._client.ask("POST", self._url, content=body, headers=headers)
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

    def _body(self, incident: Incident, step: Step) -> str:
        minimal = incident.delivery_to(self.name).reduced
        content = incident.content.minimal() if minimal else incident.content
        fields = _fields(incident, step, content)
        if not self._template:
            more = {"tags": content.tags, "details": content.details}
            return json.dumps({"version": VERSION, **fields, **more})
        values = {name: _in_string(value) for name, value in fields.items()}
        return Template(self._template).substitute(values)


def signature(key: SecretStr, body: bytes, at: int) -> str:
    """The value of `X-Breakerd-Signature` for `body`, sent `at` seconds since the epoch."""
    signed = f"{at}.".encode() + body
    digest = hmac.new(key.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def verify(key: SecretStr, body: bytes, header: str, now: float) -> bool:
    """Whether `header` is the signature of `body`, made at most `TOLERANCE` seconds from `now`.

    For receivers that are written in Python. The age is what keeps a request from being sent again
    by somebody who has seen it; who wants to be sure remembers `Idempotency-Key` for as long.
    """
    found = re.fullmatch(r"t=([0-9]{1,15}),v1=[0-9a-f]{64}", header)
    if found is None:
        return False
    at = int(found[1])
    return hmac.compare_digest(signature(key, body, at), header) and abs(now - at) <= TOLERANCE


def template_problem(template: str) -> str:
    """What is wrong with a template; empty if nothing is."""
    try:
        Template(template).substitute(dict.fromkeys(FIELDS, ""))
    except KeyError as error:
        return f"$NAME of {', '.join(FIELDS)}; found ${error.args[0]}"
    except ValueError:
        return "$NAME or ${NAME}, and $$ for a dollar sign"
    return ""


def _fields(incident: Incident, step: Step, content: AlertContent) -> dict[str, Any]:
    named = list(incident.members)[:_NAMED]
    values = (
        step.kind.value, incident.alias, incident.breaker, named, incident.kind,
        step.priority or incident.priority, content.message, content.description, step.note,
        incident.opened_at, incident.drill,
    )  # fmt: skip
    return dict(zip(FIELDS, values, strict=True))


def _in_string(value: object) -> str:
    """A value as it may stand between the quotes of a JSON string."""
    text = ", ".join(value) if isinstance(value, list) else value
    if isinstance(text, bool | float):
        return json.dumps(text)
    return json.dumps(str(text))[1:-1]


def _idempotency_key(incident: Incident, step: Step) -> str:
    what = f"{incident.alias}|{step.kind}|{step.number}|{step.priority}"
    return hashlib.sha256(what.encode()).hexdigest()[:32]
