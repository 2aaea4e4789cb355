"""`breakerd check`, and that a running process says the same of a file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from breakerd import Alerting, Registry
from breakerd.api.app import create_app
from breakerd.api.config_subscriber import AdminConfigSubscriber
from tests.support.command import Result, run
from tests.support.saved_file import save

SECRET = "S3CRET" + "k" * 20
GOOD = "wait_time = 10\n[alerts]\ndatabase = '{folder}/x.db'\n"


def check(file: Path) -> Result:
    return run("check", file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "b.toml"


GO_BREAKER_FILES = {
    "zeros": """\
memory_threshold = 90.0
latency_threshold = 1500
percentile = 0.95
wait_time = 0                          # warned
trend_analysis_min_sample_count = 0    # warned
""",
    "edges": """\
memory_threshold = 100.0               # warned
latency_threshold = 1                  # warned
percentile = 1.0                       # warned
wait_time = 10
""",
    "percent": """\
latency_threshold = 500
percentile = 95.0                      # warned
""",
    "attributes": """\
[opsgenie]
enabled = false
[opsgenie.api_custom_attributes]
version = 3                            # warned
use_environments = false               # warned
""",
}


@pytest.mark.parametrize("name", GO_BREAKER_FILES)
def test_a_file_of_go_breaker_is_good_with_warnings(file: Path, name: str) -> None:
    text = GO_BREAKER_FILES[name]
    file.write_text(text)
    warned = [n for n, line in enumerate(text.splitlines(), 1) if line.endswith("# warned")]
    done = check(file)
    assert (done.code, done.out) == (0, f"{file}: no errors\n")
    warnings = done.err.splitlines()
    assert [warning.split(": ")[:2] for warning in warnings] == [
        ["warning", f"{file}:{line}"] for line in warned
    ]


MISPLACED = {
    "a number as key": "[opsgenie]\napi_key = 1234567890123",
    "a list as key": f'[opsgenie]\napi_key = ["{SECRET}"]',
    "a misspelt key": f'[opsgenie]\napi_kye = "{SECRET}"',
    "a table as key": f'[alerts.receivers.pagerduty.p]\nkey = {{value = "{SECRET}"}}',
    "headers as text": f'[alerts.receivers.webhook.w]\nheaders = "Authorization: {SECRET}"',
    "headers as list": f'[alerts.receivers.webhook.w]\nheaders = ["Authorization: {SECRET}"]',
    "a header as list": f'[alerts.receivers.webhook.w]\nheaders = {{A = ["{SECRET}"]}}',
    "a header of two lines": f'[alerts.receivers.webhook.w]\nheaders = {{A = "a\\n{SECRET}"}}',
    "a header in a name": f'[alerts.receivers.webhook.w]\nheaders = {{"X {SECRET}" = "v"}}',
    "a receiver as text": f'[alerts.receivers.slack]\ns = "https://h/{SECRET}"',
    "a type as text": f'[alerts.receivers]\nslack = "https://h/{SECRET}"',
    "receivers as text": f'[alerts]\nreceivers = "https://h/{SECRET}"',
    "an unknown key": f'[alerts]\nslack_url = "https://h/{SECRET}"',
    "an address with a space": f'[alerts.receivers.slack.s]\nurl = "https://h/ {SECRET}"',
    "a key with a space": f'[alerts.receivers.pagerduty.p]\nkey = "a {SECRET}"',
    "credentials in an address": f'[opsgenie]\napi_url = "https://u:{SECRET}@proxy/"',
    "a key as address": f'[opsgenie]\napi_url = "{SECRET}"',
    "a key as file": f'[opsgenie]\napi_key_file = "{SECRET}"',
    "a token": f'[api]\ntoken = "{SECRET}"',
    "a token as file": f'[api]\ntoken_file = "{SECRET}"',
    "a token as list": f'[api]\nread_token_file = ["{SECRET}"]',
    "a section as text": f'opsgenie = "{SECRET}"',
    "another section as text": f'api = "{SECRET}"',
    "breakers as text": f'breakers = "{SECRET}"',
    "a breaker as text": f'[breakers]\npayments = "{SECRET}"',
    "the root as text": f'circuit_breaker = "{SECRET}"',
    "a number as text": f'wait_time = "{SECRET}"',
    "an open text": f'[opsgenie]\napi_key = "{SECRET}',
    "no text": f"[opsgenie]\napi_key = {SECRET}",
    "the same twice": f'[opsgenie]\napi_key = "{SECRET}"\napi_key = "{SECRET}x"',
    "a table twice": f"[opsgenie.{SECRET}]\n[opsgenie.{SECRET}]",
    "a template": f'[alerts.receivers.webhook.w]\ntemplate = "{SECRET} $"',
    "a name in a template": f'[alerts.receivers.webhook.w]\ntemplate = "pass${SECRET}"',
    "an attribute": f'[opsgenie.api_custom_attributes]\nsecret = ["{SECRET}"]',
    "a user as list": f'[alerts.receivers.jsm_ops.j]\ncloud_id = "x"\nuser = ["{SECRET}"]',
    "a hub": f'[fleet]\nhub = "redis://:{SECRET}@h"\nname = "x"',
    "a hub that is a word": f'[fleet]\nhub = "{SECRET}"',
    "a password as name": f'[fleet]\nname = "{SECRET} "',
    "a password as list": f'[fleet]\npassword = ["{SECRET}"]',
    "a password as file": f'[fleet]\npassword_file = "{SECRET}"',
    "a choice": f'[opsgenie]\nregion = "{SECRET}"',
    "a NUL": f'[opsgenie]\napi_key = "{SECRET}\\u0000"',
}


@pytest.mark.parametrize("mistake", MISPLACED)
def test_no_secret_is_shown_whatever_is_wrong_about_it(file: Path, mistake: str) -> None:
    file.write_text(MISPLACED[mistake] + "\n")
    done = check(file)
    assert done.code == 2
    assert done.out == ""
    assert "found " in done.err
    assert "allowed: " in done.err
    assert "S3CRET" not in done.err
    assert "1234567890123" not in done.err


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _content(content: bytes) -> Callable[[Path], None]:
    return lambda path: save(path, content.decode("latin-1"), encoding="latin-1")


HOSTILE: dict[str, tuple[Callable[[Path], None], str]] = {
    "nested": (_content(b"x = " + b"[" * 1000 + b"]" * 1000), "found deeper nesting"),
    "long key": (_content(b"a." * 100_000 + b"a = 1"), "found a key of too many parts"),
    "long number": (_content(b"wait_time = " + b"9" * 5000), "found a number of too many digits"),
    "long hex number": (_content(b"wait_time = 0x" + b"f" * 5000), "a number of too many digits"),
    "infinite": (_content(b"wait_time = 1e999"), "wait_time: found inf"),
    "NUL in a path": (_content(b'[api]\ntoken_file = "a\\u0000"'), "found a NUL character"),
    "NUL in a name": (_content(b'[breakers."a\\u0000"]'), "found a NUL character"),
    "bytes": (_content(b"wait_time = 1\xff"), "found byte 0xff at offset 13"),
    "UTF-16": (_content("wait_time = 1".encode("utf-16")), "found byte 0xff at offset 0"),
    "large": (_content(b"#" * 1_100_000), "found more than 1,048,576 bytes"),
    "directory": (Path.mkdir, "found a directory"),
    "FIFO": (_fifo, "found a FIFO"),
    "device": (_device, "found a device"),
    "missing": (lambda _: None, "found No such file or directory"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_check_and_a_running_process_say_the_same(tmp_path: Path, file: Path, kind: str) -> None:
    make, found = HOSTILE[kind]
    save(file, GOOD.format(folder=tmp_path))
    with (
        Registry.from_file(file, watch=False) as registry,
        Alerting.from_file(file, registry) as alerting,
    ):
        assert registry.config is not None
        admin = create_app(registry, alerting).state.admin
        registry.config.subscribe(AdminConfigSubscriber(admin))
        file.unlink()
        make(file)
        done = check(file)
        assert done.code == 2
        assert f"{file}" in done.err
        assert found in done.err
        assert not registry.config.reload()
        told = [str(problem) for problem in registry.config.status.problems]
        assert told == done.err.splitlines()
        assert registry.get().settings.wait_time == 10


def test_a_byte_order_mark_is_passed_over_and_kept(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbflatency_threshold = 800\r\n")
    assert check(file).code == 0
    with Registry.from_file(file, watch=False) as registry:
        registry.change("default", {"wait_time": 5})
    assert file.read_bytes() == b"\xef\xbb\xbflatency_threshold = 800\r\nwait_time = 5\r\n"
