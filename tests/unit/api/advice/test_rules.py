"""Each rule by files that it tells and files that it leaves alone."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest

from breakerd.api.advice.advise import Advice, advise
from breakerd.api.advice.registry import RULES
from breakerd.api.advice.rule import Subject
from breakerd.api.advice.rules import record
from breakerd.api.file_settings import settings_of
from breakerd.api.logging import redact
from breakerd.breaker.config import parse_document

NOW = datetime(2026, 6, 15, tzinfo=UTC).timestamp()

TOLD: dict[str, list[str]] = {
    "window-too-small": [
        "percentile = 0.99 #!",
        "latency_window_size = 19 #!",
        "percentile = 0.99\nlatency_window_size = 300\n[breakers.a]\nlatency_window_size = 50 #!",
        "latency_window_size = 300\n[breakers.a]\npercentile = 0.999 #!",
        "[circuit_breaker]\nlatency_window_size = 5 #!",
    ],
    "minimum-above-window": [
        "minimum_calls = 65 #!",
        "minimum_calls = 20\n[breakers.a]\nlatency_window_size = 19 #!\npercentile = 0.5",
        "trend_analysis_enabled = true\ntrend_analysis_min_sample_count = 100 #!",
    ],
    "slo-above-threshold": [
        "latency_threshold = 500 #!\n[slo]\nsuccess_rate = 0.9\ntimeout = 2",
        "latency_threshold = 500\n[breakers.a.slo]\nsuccess_rate = 0.9\ntimeout = 2 #!",
    ],
    "errors-not-judged": ["error_threshold = 1 #!", "[breakers.a]\nerror_threshold = 1.0 #!"],
    "unit-mistaken": [
        "latency_threshold = 6 #!",
        "wait_time = 1000 #!",
        "[slo]\nsuccess_rate = 0.9\ntimeout = 800 #!",
    ],
    "age-below-threshold": ["latency_max_age = 1 #!"],
    "wait-below-probe-timeout": [
        "wait_time = 5\n[recovery]\nprobe_timeout = 30 #!",
        "[recovery]\nprobe_timeout = 30\n[breakers.a]\nwait_time = 5 #!",
    ],
    "probe-given-up-early": [
        "latency_threshold = 1500\n[recovery]\nprobe_timeout = 1 #!",
        "[recovery]\nprobe_timeout = 1 #!\n[slo]\nsuccess_rate = 0.9\ntimeout = 2",
    ],
    "no-ramp": ["[recovery]\nramp = [] #!"],
    "waits-do-not-grow": [
        "[recovery]\nmax_wait_time = 5 #!",
        "[recovery]\nmax_wait_time = 15\n[breakers.a]\nwait_time = 16 #!",
    ],
    "memory-too-late": ["memory_threshold = 96 #!"],
    "memory-never-healthy": ["memory_threshold = 10\nmemory_hysteresis = 10 #!"],
    "limiter-not-enabled": [
        "[limiter]\nmax_limit = 20 #!",
        "[limiter]\nenabled = false\nmin_limit = 5 #!",
        "[limiter]\nenabled = true\nmax_limit = 9\n[breakers.a.limiter]\nenabled = false #!",
    ],
    "alerting-without-key": [
        '[opsgenie]\nenabled = true #!\nteam = "a"',
        '[alerts.receivers.pagerduty.ops] #!\nmin_priority = "P2"',
        "[alerts.receivers.slack.ops] #!",
        '[alerts.receivers.slack.ops] #!\ntoken = "x"',
    ],
    "no-team": ['[opsgenie]\nenabled = true #!\napi_key = "k"'],
    "receiver-never-reached": [
        (
            '[opsgenie]\nenabled = true\nteam = "a"\napi_key = "k"\nmin_priority = "P1" #!\n'
            'time_before_send_alert = 60\nescalated_alert_priority = "P2"'
        ),
        (
            '[alerts]\nstages = [{priority = "P4"}]\n[alerts.receivers.slack.a]\nurl = "https://h/"\n'
            'min_priority = "P2" #!'
        ),
    ],
    "only-fallbacks": ['[alerts.receivers.slack.a]\nurl = "https://h/"\nfallback = true #!'],
    "nothing-triggers": [
        (
            '[alerts.receivers.slack.a]\nurl = "https://h/"\n[opsgenie]\n'
            "trigger_on_breaker_open = false #!\ntrigger_on_memory_threshold = false\n"
            "trigger_on_latency_threshold = false\ntrigger_on_degraded = false"
        )
    ],
    "environment-unknown": [
        (
            '[opsgenie]\nenabled = true\nteam = "a"\napi_key = "k"\nuse_environments = true\n'
            'environment = "PORD" #!\n[opsgenie.environment_settings.PROD]\npriority = "P1"'
        ),
        '[opsgenie]\nenabled = true\nteam = "a"\napi_key = "k"\nuse_environments = true #!\n',
    ],
    "token-ends": [
        '[alerts.receivers.jsm_ops.a]\ncloud_id = "c"\nuser = "u"\nkey = "k"\n'
        f"token_expires = {day} #!"
        for day in ("2026-06-14", "2026-06-15", "2026-06-28")
    ],
    "stages-fall": [
        '[[alerts.stages]]\npriority = "P2"\n[[alerts.stages]] #!\nafter = 9\npriority = "P3"',
        '[alerts]\nstages = [\n{priority = "P2"},\n{after = 9, priority = "P2"}, #!\n]',
        (
            '[alerts]\ndegraded_stages = [\n{priority = "P2", responders = ["team:a", "team:b"]},\n'
            '{after = 9, priority = "P2", responders = ["team:a"]}, #!\n]'
        ),
        '[opsgenie]\ntime_before_send_alert = 9\nescalated_alert_priority = "P3" #!',
        '[opsgenie]\ntime_before_send_alert = 9\ninitial_alert_priority = "P1" #!',
    ],
    "stages-twice": ["[opsgenie]\ntime_before_send_alert = 60 #!\n[[alerts.stages]]\nafter = 0"],
    "cooldown-above-escalation": [
        "[opsgenie]\nalert_cooldown_seconds = 301 #!",
        "[opsgenie]\nalert_cooldown_seconds = 120 #!\ntime_before_send_alert = 60",
    ],
    "closed-at-once": ["[alerts]\nresolve_after = 0 #!"],
    "maintenance-always": [
        '[alerts.maintenance.a] #!\nbegins = "02:00"\nends = "02:00"',
        (
            '[alerts.maintenance.a] #!\nbegins = "02:00"\nends = "14:00"\nmatchers=["a=b"]\n'
            '[alerts.maintenance.b]\nbegins = "14:00"\nends = "02:00"\nmatchers=["a=b"]'
        ),
        (
            '[alerts.maintenance.a] #!\nbegins = "22:00"\nends = "22:00"\ndays = ["sun", "mon"]\n'
            '[alerts.maintenance.b]\nbegins = "21:00"\nends = "22:30"\n'
            '[alerts.maintenance.c]\nbegins = "22:00"\nends = "21:10"'
        ),
    ],
    "maintenance-never": ['[alerts.maintenance.a]\nbegins = "02:00"\nends = "03:00"\ndays = [] #!'],
    "inhibits-everything": [
        '[alerts.inhibition.a]\nsource = ["breaker=*"] #!\ntarget = ["kind=*"]'
    ],
    "open-loopback": ['[api]\nloopback = "open" #!'],
    "token-weak": ['[api]\ntoken_file = "SHORT" #!', '[api]\nread_token_file = "DULL" #!'],
    "tokens-equal": ['[api]\ntoken_file = "GOOD"\nread_token_file = "GOOD" #!'],
    "no-token": ['[api]\nmade_token_file = "" #!'],
    "audit-not-kept": ['[api]\naudit_file = "" #!'],
    "secret-readable": [
        '[opsgenie]\napi_key = "k" #!',
        '[fleet]\nhub = "redis://localhost"\nname = "a"\npassword = "p" #!',
        '[alerts.receivers.slack.a]\nurl = "https://h/" #!',
        '[alerts.receivers.webhook.a]\nheaders = {A = "b"} #!\nurl_file = "GOOD_URL"',
    ],
    "link-leads-nowhere": [
        '[alerts]\nrunbook_url = "wiki/runbook" #!',
        '[alerts]\ndashboard_url = "ftp://h/x" #!',
        '[alerts]\ndashboard_url = "https://[" #!',
        '[api]\npublic_url = "http://127.0.0.1:8080" #!',
        '[api]\npublic_url = "http://localhost:8080/ops" #!',
    ],
    "redis-in-clear": [
        '[fleet]\nhub = "redis://cache:6379" #!\nname = "a"\npassword_file = "GOOD"',
        '[fleet]\nhub = "redis+cluster://127.0.0.1,10.0.0.1" #!\nname = "a"\npassword_file="GOOD"',
    ],
    "redis-without-password": ['[fleet]\nhub = "rediss://cache" #!\nname = "a"'],
}
"""Files by the rule that tells them, with `#!` where it does; those of other rules are not seen."""

QUIET: dict[str, list[str]] = {
    "window-too-small": [
        "latency_window_size = 20",
        "latency_window_size = 100\npercentile = 0.99",
        "percentile = 1.0",  # told as tolerated
        "[slo]\nsuccess_rate = 0.9\ntimeout = 2\n[breakers.a]\nlatency_window_size = 5",
    ],
    "minimum-above-window": [
        "minimum_calls = 64",
        "trend_analysis_min_sample_count = 100",
    ],
    "slo-above-threshold": [
        "latency_threshold = 2000\n[slo]\nsuccess_rate = 0.9\ntimeout = 2",
        "[slo]\nsuccess_rate = 0.9\ntimeout = 20",
    ],
    "errors-not-judged": [
        "error_threshold = 0.99",
        "error_threshold = 1\n[slo]\nsuccess_rate = 0.9\ntimeout = 1",
    ],
    "unit-mistaken": ["latency_threshold = 10", "wait_time = 600"],
    "age-below-threshold": ["latency_max_age = 2", "latency_max_age = 1\nlatency_threshold = 900"],
    "wait-below-probe-timeout": [
        "wait_time = 5",
        "[recovery]\nprobe_timeout = 60",
        "wait_time = 30\n[recovery]\nprobe_timeout = 30",
    ],
    "probe-given-up-early": ["latency_threshold = 60000", "[recovery]\nprobe_timeout = 1.5"],
    "no-ramp": ["[recovery]\nramp = [0.5]"],
    "waits-do-not-grow": ["wait_time = 300", "[recovery]\nmax_wait_time = 0"],
    "memory-too-late": ["memory_threshold = 95", "memory_threshold = 100"],
    "memory-never-healthy": ["memory_threshold = 10\nmemory_hysteresis = 9"],
    "limiter-not-enabled": [
        "[limiter]\nenabled = false\nmin_limit = 1",
        "[limiter]\nenabled = true\nmax_limit = 5",
    ],
    "alerting-without-key": [
        '[opsgenie]\nenabled = true\nteam = "a"\napi_key_file = "GOOD"',
        "[alerts.receivers.slack.ops]\nenabled = false",
        '[alerts.receivers.pagerduty.ops]\nkey_file = "GOOD"',
    ],
    "no-team": [
        '[opsgenie]\nteam = ""',
        '[opsgenie]\nenabled = true\nteam = "a"\napi_key_file = "GOOD"',
    ],
    "receiver-never-reached": [
        '[alerts.receivers.slack.a]\nurl_file = "GOOD_URL"\nmin_priority = "P1"',
    ],
    "only-fallbacks": [
        (
            '[alerts.receivers.slack.a]\nurl_file = "GOOD_URL"\nfallback = true\n'
            '[alerts.receivers.pagerduty.a]\nkey_file = "GOOD"'
        ),
    ],
    "nothing-triggers": ["[opsgenie]\ntrigger_on_breaker_open = false"],
    "environment-unknown": [
        (
            '[opsgenie]\nenabled = true\nteam = "a"\napi_key_file = "GOOD"\n'
            "use_environments = true\n"
            'environment = "Prod"\n[opsgenie.environment_settings.PROD]\npriority = "P1"'
        ),
    ],
    "token-ends": [
        (
            '[alerts.receivers.jsm_ops.a]\ncloud_id = "c"\nuser = "u"\nkey_file = "GOOD"\n'
            "token_expires = 2026-06-29"
        ),
        (
            '[alerts.receivers.jsm_ops.a]\nenabled = false\ncloud_id = "c"\nuser = "u"\n'
            "token_expires = 2026-01-01"
        ),
    ],
    "stages-fall": [
        (
            '[[alerts.stages]]\npriority = "P3"\n[[alerts.stages]]\nafter = 9\npriority = "P2"\n'
            '[[alerts.stages]]\nafter = 99\npriority = "P2"\nresponders = ["team:a"]'
        ),
        '[opsgenie]\nescalated_alert_priority = "P5"',
    ],
    "stages-twice": ["[[alerts.stages]]\nafter = 0", "[opsgenie]\ntime_before_send_alert = 400"],
    "cooldown-above-escalation": [
        "[opsgenie]\nalert_cooldown_seconds = 300",
        '[opsgenie]\nalert_cooldown_seconds = 600\n[alerts]\nstages = [{priority = "P2"}]',
    ],
    "closed-at-once": ["[alerts]\nresolve_after = 1"],
    "maintenance-always": [
        '[alerts.maintenance.a]\nbegins = "02:00"\nends = "01:59"',
        (
            '[alerts.maintenance.a]\nbegins = "02:00"\nends = "14:00"\nmatchers = ["breaker=x"]\n'
            '[alerts.maintenance.b]\nbegins = "14:00"\nends = "02:00"\nmatchers = ["breaker=y"]'
        ),
        '[alerts.maintenance.a]\nbegins = "00:00"\nends = "00:00"\ndays = ["sat", "sun"]',
    ],
    "maintenance-never": ['[alerts.maintenance.a]\nbegins = "02:00"\nends = "03:00"'],
    "inhibits-everything": [
        '[alerts.inhibition.a]\nsource = ["kind=*"]\ntarget = ["kind=*"]\nequal = ["Host"]',
        '[alerts.inhibition.a]\nsource = ["kind=*"]\ntarget = ["breaker!=*"]',
        '[alerts.inhibition.a]\nsource = ["drill=true"]\ntarget = ["kind=*"]',
    ],
    "open-loopback": ['[api]\nloopback = "open"\ntoken_file = "GOOD"'],
    "token-weak": ['[api]\ntoken_file = "GOOD"'],
    "tokens-equal": ['[api]\ntoken_file = "GOOD"\nread_token_file = "OTHER"'],
    "no-token": ['[api]\nmade_token_file = ""\ntoken_file = "GOOD"'],
    "audit-not-kept": ['[api]\naudit_file = "audit"'],
    "secret-readable": ['[opsgenie]\napi_key = ""', '[alerts.receivers.slack.a]\nurl = ""'],
    "link-leads-nowhere": [
        '[alerts]\nrunbook_url = "https://wiki/{breaker}"',
        '[alerts]\nrunbook_url = ""',
        '[api]\npublic_url = "https://ops.example.org/b"',
    ],
    "redis-in-clear": [
        '[fleet]\nhub = "redis://localhost"\nname = "a"',
        '[fleet]\nhub = "rediss://cache"\nname = "a"\npassword_file = "GOOD"',
    ],
    "redis-without-password": [
        '[fleet]\nhub = "redis://127.0.0.1"\nname = "a"',
        '[fleet]\nhub = "file"',
    ],
}
"""Files that look like those above, and that no rule but perhaps others tells."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the files that the examples name, as the working directory."""
    monkeypatch.chdir(tmp_path)
    good = "0123456789abcdef"
    files = {"GOOD": good, "OTHER": good[::-1], "SHORT": "secret", "DULL": "ab" * 20}
    for name, text in {**files, "GOOD_URL": "https://h/"}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def advice_on(folder: Path, text: str) -> list[Advice]:
    file = folder / "b.toml"
    file.write_text(text)
    file.chmod(0o644)
    document = parse_document(file, text)
    return advise(Subject(document, settings_of(document), environ={}, now=NOW))


def test_every_rule_has_examples() -> None:
    names = [rule.name for rule in RULES if rule not in record.RULES]  # they have their own tests
    assert list(TOLD) == names
    assert list(QUIET) == names


@pytest.mark.parametrize("rule", TOLD)
def test_what_a_rule_tells(folder: Path, rule: str) -> None:
    for text in TOLD[rule]:
        found = [each for each in advice_on(folder, text) if each.rule == rule]
        marked = [n for n, line in enumerate(text.splitlines(), 1) if line.endswith("#!")]
        assert [each.line for each in found] == marked, f"{text}\n{found}"
        # The log masks what looks like a secret, and must not take a sentence for one.
        for each in found:
            fields = {"setting": each.key, "reason": each.text}
            assert redact(None, "", dict(fields)) == fields


@pytest.mark.parametrize("rule", QUIET)
def test_what_a_rule_leaves_alone(folder: Path, rule: str) -> None:
    for text in QUIET[rule]:
        assert rule not in [each.rule for each in advice_on(folder, text)], text


@pytest.mark.parametrize("rule", TOLD)
def test_a_comment_silences_it(folder: Path, rule: str) -> None:
    for text in TOLD[rule]:
        allowed = text.replace("#!", f"# breakerd: allow {rule}: a reason")
        assert rule not in [each.rule for each in advice_on(folder, allowed)], text


def test_a_breaker_is_not_told_what_the_root_was(folder: Path) -> None:
    text = "percentile = 0.99\n[breakers.a]\nwait_time = 3\n[breakers.b]\npercentile = 0.995\n"
    found = advice_on(folder, text)
    assert [(each.line, each.key, each.rule) for each in found] == [
        (1, "percentile", "window-too-small"),
        (5, "breakers.b.percentile", "window-too-small"),
    ]


def test_no_secret_is_shown(folder: Path) -> None:
    (folder / "SECRET").write_text("S3CRET")
    text = textwrap.dedent("""\
        # breakerd: allow S3CRET+key
        [opsgenie]
        enabled = true
        api_key = "S3CRETk"
        [alerts]
        dashboard_url = "S3CRET"
        [alerts.receivers.slack.a]
        url = "https://h/S3CRET"
        [api]
        token_file = "SECRET"
        """)
    found = advice_on(folder, text)
    assert {each.rule for each in found} > {"secret-readable", "token-weak", "link-leads-nowhere"}
    assert "S3CRET" not in " ".join(map(str, found)).replace("rule 'S3CRET", "")


def test_a_file_that_only_its_user_reads_may_hold_secrets(folder: Path) -> None:
    file = folder / "b.toml"
    file.write_text('[opsgenie]\napi_key = "k"\n')
    file.chmod(0o640)
    document = parse_document(file, file.read_text())
    assert advise(Subject(document, settings_of(document), environ={}, now=NOW)) == []
    file.unlink()
    assert advise(Subject(document, settings_of(document), environ={}, now=NOW)) == []


def test_tokens_of_the_environment_are_named_by_their_variable(folder: Path) -> None:
    document = parse_document(folder / "b.toml", "wait_time = 20\n")
    environ = {"BREAKERD_TOKEN": "short", "BREAKERD_READ_TOKEN": "short"}
    found = advise(Subject(document, settings_of(document), environ=environ, now=NOW))
    assert [(each.line, each.rule) for each in found] == [
        (0, "token-weak"),
        (0, "token-weak"),
        (0, "tokens-equal"),
    ]
    assert "in BREAKERD_TOKEN" in found[0].text
    assert str(found[0]).startswith(f"{document.path}: api.token_file: ")


def test_defaults_are_quiet(folder: Path) -> None:
    assert advice_on(folder, "") == []
    assert advice_on(folder, "[breakers.a]\n[breakers.b.limiter]\n") == []
