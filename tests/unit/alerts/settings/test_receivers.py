from __future__ import annotations

from pathlib import Path

import pytest

from breakerd import ConfigError
from breakerd.alerts.receivers.webhook import FIELDS
from breakerd.alerts.settings.alerting import AlertingSettings, read_settings
from breakerd.breaker.config.document import parse_document

HIDDEN = "hidden-secret"


def read(text: str, **environ: str) -> AlertingSettings:
    return read_settings(parse_document(Path("f.toml"), text), environ)


@pytest.mark.parametrize(
    ("text", "where", "found", "allowed"),
    [
        (
            "[alerts.sinks.pagerdutyy.x]",
            "f.toml:1: alerts.sinks.pagerdutyy",
            "unknown key 'pagerdutyy'",
            "did you mean 'pagerduty'?",
        ),
        (
            "[alerts.sinks.slack.x]\nurll = 'https://h/x'",
            "f.toml:2: alerts.sinks.slack.x.urll",
            "unknown key 'urll'",
            "did you mean 'url'?",
        ),
        (
            "[alerts.sinks.slack.x]\n\nmin_priority = 'P9'",
            "f.toml:3: alerts.sinks.slack.x.min_priority",
            '"P9"',
            'one of "P1", "P2", "P3", "P4", "P5"',
        ),
        (
            "[alerts.sinks.slack.x]\nfallback = 1",
            "f.toml:2: alerts.sinks.slack.x.fallback",
            "1",
            "true or false",
        ),
        (
            "[alerts.sinks.jsm_ops.x]\nuser = 'u'",
            "f.toml:1: alerts.sinks.jsm_ops.x.cloud_id",
            "nothing",
            "text of at least 1 characters",
        ),
        (
            "[alerts.sinks]\nslack = 3",
            "f.toml:2: alerts.sinks.slack",
            "3",
            "a table",
        ),
        (
            "[alerts.sinks.slack]\nurl = 'https://h/x'",
            "f.toml:2: alerts.sinks.slack.url",
            "a value that is not shown",
            "a table",
        ),
        (
            '\n[alerts.sinks.slack."On Call"]',
            "f.toml:2: alerts.sinks.slack.On Call",
            '"On Call"',
            "a name matching ^[a-z0-9_-]{1,50}$",
        ),
        (
            "[alerts.sinks.pagerduty.x]\napi_url = 'https://h:70000'",
            "f.toml:2: alerts.sinks.pagerduty.x.api_url",
            '"https://h:70000"',
            "an address whose port, if given, is 0 to 65535",
        ),
        (
            "[alerts.sinks.webhook.x]\ntemplate = '$foo'",
            "f.toml:2: alerts.sinks.webhook.x.template",
            '"$foo"',
            f"$NAME of {', '.join(FIELDS)}; found $foo",
        ),
        (
            "[alerts.sinks.webhook.x.headers]\n'X Own' = 'v'",
            "f.toml:2: alerts.sinks.webhook.x.headers.X Own",
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
        (f"jsm.x]\nkey = '{HIDDEN} ü'", "letters, digits and signs of ASCII, without spaces"),
        (f"pagerduty.x]\nkey = ['{HIDDEN}']", "text"),
        (f"slack.x]\nurl = '{HIDDEN}'", "an address that begins with https:// or http://"),
        (f"slack.x]\nurl = 'https://h:70000/{HIDDEN}'", "an address whose port"),
        (f"webhook.x]\nurl = 'https://h/{HIDDEN} '", "an address that begins with"),
        (f"webhook.x]\nheaders = {{ A = '{HIDDEN}\\n' }}", "in one line"),
        (f"apprise.x]\nurl = ['{HIDDEN}']", "text"),
    ],
)
def test_a_wrong_secret_is_told_and_not_shown(text: str, allowed: str) -> None:
    with pytest.raises(ConfigError) as failure:
        read("[alerts.sinks." + text.replace("'", '"'))
    (problem,) = failure.value.problems
    assert problem.line == 2
    assert problem.found == "a value that is not shown"
    assert problem.allowed.startswith(allowed) or allowed in problem.allowed
    assert HIDDEN not in str(failure.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as failure:
        read("[alerts.sinks.slack.x]\nfoo = 1\n[alerts.sinks.jsm.y]\nbar = 1")
    assert [problem.line for problem in failure.value.problems] == [2, 4]


def test_no_secret_is_in_a_dump() -> None:
    text = f"""
[opsgenie]
api_key = "{HIDDEN}"
[alerts.sinks.jsm.a]
key = "{HIDDEN}"
[alerts.sinks.jsm_ops.b]
cloud_id = "c"
user = "u"
key = "{HIDDEN}"
[alerts.sinks.pagerduty.c]
key = "{HIDDEN}"
[alerts.sinks.webhook.d]
url = "https://h/{HIDDEN}"
key = "{HIDDEN}"
headers = {{ A = "{HIDDEN}" }}
[alerts.sinks.slack.e]
url = "https://h/{HIDDEN}"
[alerts.sinks.apprise.f]
url = "json://{HIDDEN}"
"""
    settings = read(text)
    for model in (settings.opsgenie, settings.alerts):
        shown = repr(model), str(model), model.model_dump_json(), str(model.model_dump())
        assert not any(HIDDEN in each for each in shown)
    assert HIDDEN not in repr(settings)


def test_names_and_types_make_the_label() -> None:
    settings = read("[alerts.sinks.slack.on-call_2]\n[alerts.sinks.jsm.on-call_2]\nenabled = false")
    assert list(settings.alerts.sinks.named()) == ["slack.on-call_2"]
