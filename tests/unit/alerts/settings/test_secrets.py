from __future__ import annotations

import os
from pathlib import Path

import pytest

from breakerd import Alerting, ConfigError, Registry
from breakerd.alerts.settings.alerting import AlertingSettings, read_settings
from breakerd.alerts.settings.secrets import read_secrets
from breakerd.breaker.config.document import parse_document

RECEIVER = "[alerts.receivers.pagerduty.on-call]\n"


def read(text: str, **environ: str) -> AlertingSettings:
    return read_settings(parse_document(Path("f.toml"), text), environ)


def key_of(settings: AlertingSettings) -> str | None:
    key = settings.opsgenie.api_key
    return key.get_secret_value() if key else None


def receiver_key_of(settings: AlertingSettings) -> str | None:
    key = settings.alerts.receivers.pagerduty["on-call"].key
    return key.get_secret_value() if key else None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("from-file\n")
    return path


def test_a_variable_wins_over_files_and_a_file_over_the_setting(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("from-other-file")
    text = f'[opsgenie]\napi_key = "from-setting"\napi_key_file = "{file}"\n'
    assert key_of(read('[opsgenie]\napi_key = "from-setting"')) == "from-setting"
    assert key_of(read(text)) == "from-file"
    variables = {"OPSGENIE_API_KEY_FILE": str(other)}
    assert key_of(read(text, **variables)) == "from-other-file"
    assert key_of(read(text, OPSGENIE_API_KEY="from-env", **variables)) == "from-env"


def test_a_receiver_has_its_secret_from_the_same_places(file: Path) -> None:
    text = f'{RECEIVER}key = "from-setting"\n'
    variable = "BREAKERD_PAGERDUTY_ON_CALL_KEY"
    assert receiver_key_of(read(text)) == "from-setting"
    assert receiver_key_of(read(f'{text}key_file = "{file}"')) == "from-file"
    assert receiver_key_of(read(text, **{f"{variable}_FILE": str(file)})) == "from-file"
    assert receiver_key_of(read(text, **{variable: " from-env\n"})) == "from-env"
    assert receiver_key_of(read(RECEIVER)) is None


def test_an_address_may_be_a_secret_as_well() -> None:
    settings = read("[alerts.receivers.slack.ops]", BREAKERD_SLACK_OPS_URL="https://h/x")
    url = settings.alerts.receivers.slack["ops"].url
    assert url is not None
    assert url.get_secret_value() == "https://h/x"


def test_variables_make_no_receivers() -> None:
    settings = read("", BREAKERD_SLACK_OPS_URL="https://h/x")
    assert settings.alerts.receivers.named() == {}


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    garbled = tmp_path / "garbled"
    garbled.write_bytes(b"\xff\xfe")
    text = f'[opsgenie]\napi_key_file = "{tmp_path}/none"\n{RECEIVER}key_file = "{garbled}"'
    with pytest.raises(ConfigError) as failure:
        read(text)
    assert [(problem.key, problem.found) for problem in failure.value.problems] == [
        ("opsgenie.api_key_file", "a file that cannot be read: No such file or directory"),
        (
            "alerts.receivers.pagerduty.on-call.key_file",
            "a file that cannot be read: not UTF-8 text (at byte 0)",
        ),
    ]
    assert [problem.line for problem in failure.value.problems] == [2, 4]
    assert str(tmp_path) not in str(failure.value), "the path may be the secret itself"


def test_a_file_that_a_variable_names_is_told_by_the_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as failure:
        read("", OPSGENIE_API_KEY_FILE=str(tmp_path))
    assert str(failure.value).startswith(
        "environment: OPSGENIE_API_KEY_FILE: found a file that cannot be read: a directory; "
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"a\0b", "a NUL character"), (b"x" * 70_000, "more than 65,536 bytes"), (None, "a FIFO")],
)
def test_a_file_that_can_hold_no_secret_is_told(
    tmp_path: Path, content: bytes | None, found: str
) -> None:
    file = tmp_path / "odd"
    if content is None:
        os.mkfifo(file)
    else:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=found):
        read(f'[opsgenie]\napi_key_file = "{file}"')


def test_a_byte_order_mark_is_no_part_of_a_secret(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfSECRET1\r\n")
    assert key_of(read(f'[opsgenie]\napi_key_file = "{file}"')) == "SECRET1"


def test_what_is_wrong_in_a_file_is_told_and_not_shown(file: Path) -> None:
    file.write_text("two words")
    with pytest.raises(ConfigError) as failure:
        read(f'{RECEIVER}key_file = "{file}"')
    (problem,) = failure.value.problems
    assert problem.key == "alerts.receivers.pagerduty.on-call.key"
    assert "two words" not in str(failure.value)


@pytest.mark.parametrize(
    "text",
    ["alerts = 1", "[alerts]\nreceivers = 1", "[alerts.receivers]\nslack = 1", "opsgenie = 1"],
)
def test_what_is_no_table_is_told_as_such(text: str) -> None:
    with pytest.raises(ConfigError) as failure:
        read(text)
    assert len(failure.value.problems) == 1


# --- rotation


def test_a_file_that_holds_something_else_has_changed(file: Path) -> None:
    document = parse_document(Path("f.toml"), f'{RECEIVER}key_file = "{file}"')
    secrets = read_secrets(document, {})
    assert not secrets.changed()
    file.write_text("rotated")
    assert secrets.changed()
    assert not read_secrets(document, {}).changed()


def test_a_file_that_is_swapped_has_changed(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "mounted"
    link.symlink_to(file)
    secrets = read_secrets(parse_document(Path("f.toml"), f'{RECEIVER}key_file = "{link}"'), {})
    rotated = tmp_path / "next"
    rotated.write_text("rotated")
    link.unlink()
    link.symlink_to(rotated)
    assert secrets.changed()


@pytest.mark.parametrize("state", ["rewritten", "missing", "empty", "garbled"])
def test_what_is_no_other_secret_is_no_change(file: Path, state: str) -> None:
    secrets = read_secrets(parse_document(Path("f.toml"), f'{RECEIVER}key_file = "{file}"'), {})
    if state == "rewritten":
        file.write_text("from-file")
    elif state == "missing":
        file.unlink()
    elif state == "empty":
        file.write_text("")
    else:
        file.write_bytes(b"\xff")
    assert not secrets.changed()


def test_a_variable_hides_the_file(file: Path) -> None:
    document = parse_document(Path("f.toml"), f'{RECEIVER}key_file = "{file}"')
    secrets = read_secrets(document, {"BREAKERD_PAGERDUTY_ON_CALL_KEY": "from-env"})
    file.write_text("rotated")
    assert not secrets.changed()


def test_a_secret_that_cannot_be_taken_up_is_told_once(
    file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = tmp_path / "breakers.toml"
    database = tmp_path / "x.db"
    config.write_text(f'{RECEIVER}key_file = "{file}"\n[alerts]\ndatabase = "{database}"\n')
    with Registry.from_file(config) as registry:
        alerting = Alerting.from_file(config, registry)

        def look() -> list[str]:
            caplog.clear()
            assert alerting._config is not None
            alerting._config._secrets_checked_at = float("-inf")
            alerting._config.follow_secrets()
            return [vars(record)["event"] for record in caplog.records]

        file.write_text("two words")
        assert look() == ["secret reload failed"]
        assert "two words" not in caplog.text
        assert receiver_key_of(alerting.settings) == "from-file"
        assert look() == []
        file.write_text("rotated")
        with caplog.at_level("INFO"):
            assert look()[-1] == "secret reloaded"
        assert receiver_key_of(alerting.settings) == "rotated"
        alerting.close()
