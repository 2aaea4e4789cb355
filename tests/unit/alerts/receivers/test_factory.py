from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from breakerd.alerts.receivers import factory
from breakerd.alerts.receivers.apprise import AppriseSink
from breakerd.alerts.receivers.base import Sink
from breakerd.alerts.receivers.factory import ConfiguredSink, configured_sinks, unusable_sinks
from breakerd.alerts.receivers.jsm import JsmSink
from breakerd.alerts.receivers.jsm_ops import JsmOpsSink
from breakerd.alerts.receivers.log import LogSink
from breakerd.alerts.receivers.opsgenie import OpsGenieSink
from breakerd.alerts.receivers.pagerduty import PagerDutySink
from breakerd.alerts.receivers.slack import SlackSink
from breakerd.alerts.receivers.webhook import WebhookSink
from breakerd.alerts.settings.alerting import AlertingSettings, read_settings
from breakerd.breaker.config.document import parse_document

EVERY = """
[opsgenie]
enabled = true
api_key = "genie"

[alerts.sinks.jsm.a]
key = "integration"
[alerts.sinks.jsm_ops.b]
cloud_id = "cloud"
user = "me@example.com"
key = "token"
[alerts.sinks.pagerduty.c]
key = "routing"
min_priority = "P2"
[alerts.sinks.webhook.d]
url = "https://example.com/hook"
headers = { X-Own = "value" }
[alerts.sinks.slack.e]
url = "https://hooks.slack.com/services/T/B/x"
[alerts.sinks.apprise.f]
url = "json://127.0.0.1"
fallback = true
"""


def settings(text: str, **environ: str) -> AlertingSettings:
    return read_settings(parse_document(Path("f.toml"), text), environ)


def made(configured: ConfiguredSink) -> Sink:
    sink = configured.make()
    sink.close()
    return sink


def test_each_table_is_a_receiver() -> None:
    found = {each.name: each for each in configured_sinks(settings(EVERY))}
    sinks = {name: made(each) for name, each in found.items()}
    assert {name: type(sink) for name, sink in sinks.items()} == {
        "opsgenie": OpsGenieSink,
        "jsm.a": JsmSink,
        "jsm_ops.b": JsmOpsSink,
        "pagerduty.c": PagerDutySink,
        "webhook.d": WebhookSink,
        "slack.e": SlackSink,
        "apprise.f": AppriseSink,
    }
    assert all(sink.name == name and sink.pages for name, sink in sinks.items())
    assert [name for name, sink in sinks.items() if sink.attaches] == ["opsgenie"]
    assert found["pagerduty.c"].min_priority == "P2"
    assert [name for name, each in found.items() if each.fallback] == ["apprise.f"]


def test_one_word_makes_opsgenie_an_integration_of_jsm() -> None:
    text = EVERY.replace("[opsgenie]", '[opsgenie]\nflavour = "jsm"')
    (first, *_) = configured_sinks(settings(text))
    sink = made(first)
    assert isinstance(sink, JsmSink)
    assert sink.name == first.name == "jsm"
    assert sink._alerts == "https://api.atlassian.com/jsm/ops/integration/v2/alerts"


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[opsgenie]\napi_key = "k"',
        "[opsgenie]\nenabled = true",
        '[alerts.sinks.slack.a]\nurl = "https://h/x"\nenabled = false',
        "[alerts.sinks.slack.a]",
    ],
)
def test_without_any_receiver_it_is_the_log(text: str) -> None:
    (only,) = configured_sinks(settings(text))
    assert isinstance(made(only), LogSink)


def test_the_log_stands_beside_what_is_a_fallback_only() -> None:
    text = '[alerts.sinks.slack.a]\nurl = "https://h/x"\nfallback = true'
    assert [each.name for each in configured_sinks(settings(text))] == ["log", "slack.a"]


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("[alerts.sinks.jsm.a]", {"jsm.a": "key"}),
        ('[alerts.sinks.jsm_ops.a]\ncloud_id = "c"\nuser = "u"', {"jsm_ops.a": "key"}),
        ("[alerts.sinks.pagerduty.a]\nkey = ''", {"pagerduty.a": "key"}),
        ("[alerts.sinks.webhook.a]", {"webhook.a": "url"}),
        ("[alerts.sinks.slack.a]", {"slack.a": "url"}),
        ("[alerts.sinks.apprise.a]", {"apprise.a": "url"}),
        (
            "[alerts.sinks.apprise.a]\nurl = 'nonsense://x'",
            {"apprise.a": "address that apprise knows in place 1"},
        ),
        ("[alerts.sinks.slack.a]\nenabled = false", {}),
        (EVERY, {}),
    ],
)
def test_what_a_receiver_lacks_is_told_and_it_is_not_made(
    text: str, missing: dict[str, str]
) -> None:
    wanted = settings(text)
    assert unusable_sinks(wanted) == missing
    assert not missing.keys() & {each.name for each in configured_sinks(wanted)}


def test_what_lacks_its_secret_is_never_made_by_mistake() -> None:
    (sink,) = settings("[alerts.sinks.slack.a]").alerts.sinks.slack.values()
    with pytest.raises(ValueError, match=r"slack\.a cannot be made: it lacks url"):
        factory._made("slack.a", sink, 10)


# --- what makes it another receiver


def identities(text: str, **environ: str) -> dict[str, Any]:
    return {each.name: each.identity for each in configured_sinks(settings(text, **environ))}


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
