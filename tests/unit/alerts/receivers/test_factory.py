from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from breakerd.alerts.receivers import factory
from breakerd.alerts.receivers.apprise import AppriseReceiver
from breakerd.alerts.receivers.base import Receiver
from breakerd.alerts.receivers.factory import (
    ConfiguredReceiver,
    configured_receivers,
    incomplete_receivers,
)
from breakerd.alerts.receivers.jsm import JsmReceiver
from breakerd.alerts.receivers.jsm_ops import JsmOpsReceiver
from breakerd.alerts.receivers.log import LogReceiver
from breakerd.alerts.receivers.opsgenie import OpsGenieReceiver
from breakerd.alerts.receivers.pagerduty import PagerDutyReceiver
from breakerd.alerts.receivers.slack import SlackBotReceiver, SlackReceiver
from breakerd.alerts.receivers.webhook import WebhookReceiver
from breakerd.alerts.settings.alerting import AlertingSettings, read_settings
from breakerd.breaker.config.document import parse_document

EVERY = """
[opsgenie]
enabled = true
api_key = "genie"

[alerts.receivers.jsm.a]
key = "integration"
[alerts.receivers.jsm_ops.b]
cloud_id = "cloud"
user = "me@example.com"
key = "token"
[alerts.receivers.pagerduty.c]
key = "routing"
min_priority = "P2"
[alerts.receivers.webhook.d]
url = "https://example.com/hook"
headers = { X-Own = "value" }
[alerts.receivers.slack.e]
url = "https://hooks.slack.com/services/T/B/x"
[alerts.receivers.apprise.f]
url = "json://127.0.0.1"
fallback = true
"""


def settings(text: str, **environ: str) -> AlertingSettings:
    return read_settings(parse_document(Path("f.toml"), text), environ)


def made(configured: ConfiguredReceiver) -> Receiver:
    receiver = configured.make()
    receiver.close()
    return receiver


def test_each_table_is_a_receiver() -> None:
    found = {each.name: each for each in configured_receivers(settings(EVERY))}
    receivers = {name: made(each) for name, each in found.items()}
    assert {name: type(receiver) for name, receiver in receivers.items()} == {
        "opsgenie": OpsGenieReceiver,
        "jsm.a": JsmReceiver,
        "jsm_ops.b": JsmOpsReceiver,
        "pagerduty.c": PagerDutyReceiver,
        "webhook.d": WebhookReceiver,
        "slack.e": SlackReceiver,
        "apprise.f": AppriseReceiver,
    }
    assert all(
        receiver.name == name and receiver.pages_humans for name, receiver in receivers.items()
    )
    assert [name for name, receiver in receivers.items() if receiver.accepts_attachments] == [
        "opsgenie"
    ]
    assert found["pagerduty.c"].min_priority == "P2"
    assert [name for name, each in found.items() if each.fallback] == ["apprise.f"]


def test_slack_with_a_token_is_a_bot_whatever_webhook_there_is() -> None:
    text = '[alerts.receivers.slack.a]\nurl = "https://h/x"\ntoken = "t"\nchannel = "#ops"'
    (only,) = configured_receivers(settings(text))
    receiver = made(only)
    assert isinstance(receiver, SlackBotReceiver)
    assert receiver.name == "slack.a"
    assert receiver.accepts_updates


def test_slacks_token_is_read_from_the_environment() -> None:
    text = '[alerts.receivers.slack.on-call]\nchannel = "C0123456789"'
    wanted = settings(text, BREAKERD_SLACK_ON_CALL_TOKEN="xoxb-hidden")
    assert [type(made(each)) for each in configured_receivers(wanted)] == [SlackBotReceiver]
    assert "xoxb-hidden" not in repr(wanted)


def test_another_token_makes_another_receiver() -> None:
    text = '[alerts.receivers.slack.a]\ntoken = "t"\nchannel = "#ops"'
    for change in ('"t"', '"u"'), ('"#ops"', '"#dev"'):
        assert identities(text) != identities(text.replace(*change))


def test_one_word_makes_opsgenie_an_integration_of_jsm() -> None:
    text = EVERY.replace("[opsgenie]", '[opsgenie]\nflavour = "jsm"')
    (first, *_) = configured_receivers(settings(text))
    receiver = made(first)
    assert isinstance(receiver, JsmReceiver)
    assert receiver.name == first.name == "jsm"
    assert receiver._alerts == "https://api.atlassian.com/jsm/ops/integration/v2/alerts"


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[opsgenie]\napi_key = "k"',
        "[opsgenie]\nenabled = true",
        '[alerts.receivers.slack.a]\nurl = "https://h/x"\nenabled = false',
        "[alerts.receivers.slack.a]",
    ],
)
def test_without_any_receiver_it_is_the_log(text: str) -> None:
    (only,) = configured_receivers(settings(text))
    assert isinstance(made(only), LogReceiver)


def test_the_log_stands_beside_what_is_a_fallback_only() -> None:
    text = '[alerts.receivers.slack.a]\nurl = "https://h/x"\nfallback = true'
    assert [each.name for each in configured_receivers(settings(text))] == ["log", "slack.a"]


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("[alerts.receivers.jsm.a]", {"jsm.a": "key"}),
        ('[alerts.receivers.jsm_ops.a]\ncloud_id = "c"\nuser = "u"', {"jsm_ops.a": "key"}),
        ("[alerts.receivers.pagerduty.a]\nkey = ''", {"pagerduty.a": "key"}),
        ("[alerts.receivers.webhook.a]", {"webhook.a": "url"}),
        ("[alerts.receivers.slack.a]", {"slack.a": "url or token"}),
        ("[alerts.receivers.slack.a]\ntoken = 't'", {"slack.a": "channel"}),
        ("[alerts.receivers.slack.a]\nchannel = '#ops'", {"slack.a": "url or token"}),
        ("[alerts.receivers.apprise.a]", {"apprise.a": "url"}),
        (
            "[alerts.receivers.apprise.a]\nurl = 'nonsense://x'",
            {"apprise.a": "URL supported by apprise in place 1"},
        ),
        ("[alerts.receivers.slack.a]\nenabled = false", {}),
        (EVERY, {}),
    ],
)
def test_what_a_receiver_lacks_is_told_and_it_is_not_made(
    text: str, missing: dict[str, str]
) -> None:
    wanted = settings(text)
    assert incomplete_receivers(wanted) == missing
    assert not missing.keys() & {each.name for each in configured_receivers(wanted)}


def test_what_lacks_its_secret_is_never_made_by_mistake() -> None:
    (receiver,) = settings("[alerts.receivers.slack.a]").alerts.receivers.slack.values()
    with pytest.raises(ValueError, match=r"slack\.a has no url or token"):
        factory._make("slack.a", receiver, 10)


# --- what makes it another receiver


def identities(text: str, **environ: str) -> dict[str, Any]:
    return {each.name: each.identity for each in configured_receivers(settings(text, **environ))}


def test_unchanged_receivers_are_the_same() -> None:
    assert identities(EVERY) == identities(EVERY)
    assert len({hash(identity) for identity in identities(EVERY).values()}) == 7


@pytest.mark.parametrize(
    ("before", "after", "other"),
    [
        ('"genie"', '"rotated"', {"opsgenie"}),
        ('api_key = "genie"', 'api_key = "genie"\nregion = "eu"', {"opsgenie"}),
        ('api_key = "genie"', 'api_key = "genie"\nteam = "other"', set()),
        ('"integration"', '"rotated"', {"jsm.a"}),
        ('"cloud"', '"other"', {"jsm_ops.b"}),
        ('"token"', '"rotated"', {"jsm_ops.b"}),
        ('"token"', '"token"\ntoken_expires = 2027-03-01', set()),
        ('"routing"', '"rotated"', {"pagerduty.c"}),
        ('"P2"', '"P1"', set()),
        ("com/hook", "com/other", {"webhook.d"}),
        ('"value"', '"rotated"', {"webhook.d"}),
        ("T/B/x", "T/B/y", {"slack.e"}),
        ("fallback = true", "notes = true", {"apprise.f"}),
        ("fallback = true", "fallback = false", set()),
    ],
)
def test_what_changes_makes_it_another(before: str, after: str, other: set[str]) -> None:
    old, new = identities(EVERY), identities(EVERY.replace(before, after))
    assert {name for name in old if old[name] != new[name]} == other


def test_another_time_out_makes_all_others() -> None:
    old, new = identities(EVERY), identities(EVERY + "\n[alerts]\nrequest_timeout = 3.0\n")
    unchanged = {name for name in old if old[name] == new[name]}
    assert unchanged == set()
