from __future__ import annotations

from pathlib import Path

import pytest

from breakerd import ConfigError
from breakerd.alerts.settings.alerting import AlertingSettings, read_settings
from breakerd.alerts.settings.template import FIELDS
from breakerd.breaker.config.document import parse_document

HIDDEN = "hidden-secret"


def read(text: str, **environ: str) -> AlertingSettings:
    return read_settings(parse_document(Path("f.toml"), text), environ)


@pytest.mark.parametrize(
    ("text", "where", "found", "allowed"),
    [
        (
            "[alerts.receivers.pagerdutyy.x]",
            "f.toml:1: alerts.receivers.pagerdutyy",
            "unknown key 'pagerdutyy'",
            "did you mean 'pagerduty'?",
        ),
        (
            "[alerts.receivers.slack.x]\nurll = 'https://h/x'",
            "f.toml:2: alerts.receivers.slack.x.urll",
            "unknown key 'urll'",
            "did you mean 'url'?",
        ),
        (
            "[alerts.receivers.slack.x]\n\nmin_priority = 'P9'",
            "f.toml:3: alerts.receivers.slack.x.min_priority",
            '"P9"',
            'one of "P1", "P2", "P3", "P4", "P5"',
        ),
        (
            "[alerts.receivers.slack.x]\nfallback = 1",
            "f.toml:2: alerts.receivers.slack.x.fallback",
            "1",
            "true or false",
        ),
        (
            "[alerts.receivers.jsm_ops.x]\nuser = 'u'",
            "f.toml:1: alerts.receivers.jsm_ops.x.cloud_id",
            "nothing",
            "text of at least 1 characters",
        ),
        (
            "[alerts.receivers]\nslack = 3",
            "f.toml:2: alerts.receivers.slack",
            "3",
            "a table",
        ),
        (
            "[alerts.receivers.apprise]\nurl = 'https://h/x'",
            "f.toml:2: alerts.receivers.apprise.url",
            "text that is not shown",
            "a table with enabled, min_priority, fallback, url, url_file, notes",
        ),
        (
            '\n[alerts.receivers.slack."On Call"]',
            "f.toml:2: alerts.receivers.slack.On Call",
            '"On Call"',
            "a name matching ^[a-z0-9_-]{1,50}$",
        ),
        (
            "[alerts.receivers.pagerduty.x]\napi_url = 'https://h:70000'",
            "f.toml:2: alerts.receivers.pagerduty.x.api_url",
            "text that is not shown",
            "a URL with a port between 0 and 65535",
        ),
        (
            "[alerts.receivers.webhook.x]\ntemplate = '$foo'",
            "f.toml:2: alerts.receivers.webhook.x.template",
            "text that is not shown",
            f"$NAME of {', '.join(FIELDS)}",
        ),
        (
            "[alerts.receivers.webhook.x]\ntemplate = '$prioritty'",
            "f.toml:2: alerts.receivers.webhook.x.template",
            "text that is not shown",
            f"$NAME of {', '.join(FIELDS)}; did you mean $priority?",
        ),
        (
            "[alerts.receivers.webhook.x.headers]\n'X Own' = 'v'",
            "f.toml:2: alerts.receivers.webhook.x.headers.X Own",
            '"X Own"',
            "a name matching ^[A-Za-z0-9-]+$",
        ),
        (
            "[opsgenie]\nflavour = 'JSM'",
            "f.toml:2: opsgenie.flavour",
            '"JSM"',
            'one of "opsgenie", "jsm"',
        ),
    ],
)
def test_each_mistake_is_told_with_its_place(
    text: str, where: str, found: str, allowed: str
) -> None:
    with pytest.raises(ConfigError) as failure:
        read(text)
    problems = [str(problem) for problem in failure.value.problems]
    assert problems == [f"{where}: found {found}; allowed: {allowed}"]


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        (f"jsm.x]\nkey = '{HIDDEN} ü'", "printable ASCII without spaces"),
        (f"pagerduty.x]\nkey = ['{HIDDEN}']", "text"),
        (f"slack.x]\ntoken = '{HIDDEN} x'", "printable ASCII without spaces"),
        (f"slack.x]\nurl = '{HIDDEN}'", "a URL with https:// or http://"),
        (f"slack.x]\nurl = 'https://h:70000/{HIDDEN}'", "a URL with a port"),
        (f"webhook.x]\nurl = 'https://h/{HIDDEN} '", "a URL with https"),
        (f"webhook.x]\nheaders = {{ A = '{HIDDEN}\\n' }}", "on one line"),
        (f"apprise.x]\nurl = ['{HIDDEN}']", "text"),
    ],
)
def test_a_wrong_secret_is_told_and_not_shown(text: str, allowed: str) -> None:
    with pytest.raises(ConfigError) as failure:
        read("[alerts.receivers." + text.replace("'", '"'))
    (problem,) = failure.value.problems
    assert problem.line == 2
    assert problem.found in {"text that is not shown", "a list that is not shown"}
    assert problem.allowed.startswith(allowed) or allowed in problem.allowed
    assert HIDDEN not in str(failure.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as failure:
        read("[alerts.receivers.slack.x]\nfoo = 1\n[alerts.receivers.jsm.y]\nbar = 1")
    assert [problem.line for problem in failure.value.problems] == [2, 4]


def test_no_secret_is_in_a_dump() -> None:
    text = f"""
[opsgenie]
api_key = "{HIDDEN}"
[alerts.receivers.jsm.a]
key = "{HIDDEN}"
[alerts.receivers.jsm_ops.b]
cloud_id = "c"
user = "u"
key = "{HIDDEN}"
[alerts.receivers.pagerduty.c]
key = "{HIDDEN}"
[alerts.receivers.webhook.d]
url = "https://h/{HIDDEN}"
key = "{HIDDEN}"
headers = {{ A = "{HIDDEN}" }}
[alerts.receivers.slack.e]
url = "https://h/{HIDDEN}"
token = "{HIDDEN}"
[alerts.receivers.apprise.f]
url = "json://{HIDDEN}"
"""
    settings = read(text)
    for model in (settings.opsgenie, settings.alerts):
        shown = repr(model), str(model), model.model_dump_json(), str(model.model_dump())
        assert not any(HIDDEN in each for each in shown)
    assert HIDDEN not in repr(settings)


def test_names_and_types_make_the_label() -> None:
    settings = read(
        "[alerts.receivers.slack.on-call_2]\n[alerts.receivers.jsm.on-call_2]\nenabled = false"
    )
    assert list(settings.alerts.receivers.named()) == ["slack.on-call_2"]
