from __future__ import annotations

from pathlib import Path

import pytest

from breakerd.breaker.config import ConfigFile
from breakerd.breaker.fleet.settings.config_subscriber import FleetConfigSubscriber
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings

REDIS = '[fleet]\nhub = "redis://h"\nname = "shop"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "breakers.toml"
    file.write_text(REDIS)
    return file


def follow(path: Path) -> tuple[ConfigFile, FleetConfigSubscriber, list[FleetSettings]]:
    config, applied = ConfigFile(path), list[FleetSettings]()
    subscriber = FleetConfigSubscriber(config, applied.append, {})
    config.subscribe(subscriber)
    return config, subscriber, applied


def test_a_reload_applies_what_has_changed(path: Path) -> None:
    config, subscriber, applied = follow(path)
    path.write_text(f'wait_time = 3\n{REDIS}role = "web"\n')
    assert config.reload()
    assert [each.role for each in applied] == ["web"]
    path.write_text(f'wait_time = 4\n{REDIS}role = "web"\n')
    assert config.reload()
    assert len(applied) == 1, "nothing in the section has changed"
    assert subscriber.settings == applied[-1]


def test_an_invalid_section_changes_nothing(path: Path) -> None:
    config, subscriber, applied = follow(path)
    path.write_text('[fleet]\nhub = "redis://h"\n')
    assert not config.reload()
    assert config.status.problems[0].key == "fleet.name"
    assert applied == []
    assert subscriber.settings.name == "shop"


def test_a_password_that_changes_in_its_file_is_applied(path: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one")
    path.write_text(f'{REDIS}password_file = "{secret}"\n')
    _, subscriber, applied = follow(path)
    subscriber.follow_secrets(0.0)
    secret.write_text("two")
    subscriber.follow_secrets(1.9)
    assert applied == []
    subscriber.follow_secrets(2.0)
    assert [each.password.get_secret_value() for each in applied if each.password] == ["two"]
    subscriber.follow_secrets(4.0)
    assert len(applied) == 1


def test_a_password_file_with_something_else_is_told_once(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one")
    path.write_text(f'{REDIS}password_file = "{secret}"\n')
    _, subscriber, applied = follow(path)
    secret.write_bytes(b"\xff\xfe")
    for now in (0.0, 2.0, 4.0):
        subscriber.follow_secrets(now)
    assert applied == []
    assert caplog.messages == []
    assert subscriber.settings.password is not None
