"""Examples of docs/receivers.md and docs/migrate-to-jsm.md work."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from breakerd.alerts.receivers.webhook import SIGNATURE, WebhookReceiver, signature
from breakerd.alerts.settings.alerting import AlertsSettings
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.alerts.settings.receivers import ReceiversSettings
from breakerd.breaker.config import validate
from breakerd.breaker.config.document import parse_document
from tests.support.webhook_receiver import RecordingServer
from tests.unit.alerts.receivers.conftest import LIFE, make_incident

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {name: (DOCS / name).read_text() for name in ("receivers.md", "migrate-to-jsm.md")}
EXAMPLES = [
    pytest.param(text, id=f"{name}-{number}")
    for name, page in PAGES.items()
    for number, text in enumerate(re.findall(r"```toml\n(.*?)```", page, re.DOTALL))
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_are_valid(example: str) -> None:
    document = parse_document(Path("f.toml"), example)
    found: dict[str, Any] = dict(document.data)
    validate(OpsGenieSettings, found.get("opsgenie", {}), document=document)
    validate(AlertsSettings, found.get("alerts", {}), document=document)
    assert found.keys() <= {"opsgenie", "alerts", "breakers"}


def test_every_type_of_receiver_is_described() -> None:
    described = re.findall(r"^\| `(\w+)` \|", PAGES["receivers.md"], re.MULTILINE)
    assert described == list(ReceiversSettings.model_fields)


def test_the_body_shown_is_the_body_sent() -> None:
    with RecordingServer() as server:
        receiver = WebhookReceiver("webhook.a", SecretStr(server.url), 10)
        receiver.send(make_incident(), LIFE[0])
        receiver.close()
    (example,) = re.findall(r"```json\n(.*?)```", PAGES["receivers.md"], re.DOTALL)
    assert list(server.requests[0].json) == list(json.loads(example))


def test_the_verification_shown_tells_ours_from_others() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGES["receivers.md"], re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    signed = signature(SecretStr("the key"), b"body", int(time.time()))
    assert names["is_ours"](b"body", {SIGNATURE: signed})
    assert not names["is_ours"](b"other", {SIGNATURE: signed})


def test_links_lead_somewhere() -> None:
    for page in PAGES.values():
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page):
            assert (DOCS / target).exists(), target
