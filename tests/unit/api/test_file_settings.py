from __future__ import annotations

from pathlib import Path

import pytest

from breakerd import ConfigError, Settings
from breakerd.api.file_settings import read_file
from breakerd.api.settings import ApiSettings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "breakers.toml"


def test_a_file_is_read_by_all_three_packages(path: Path) -> None:
    path.write_text(
        "wait_time = 20\n[breakers.payments]\nwait_time = 5\n"
        '[opsgenie]\nteam = "platform"\n[alerts]\nresolve_after = 5\n[api]\nport = 0\n'
    )
    settings = read_file(path)
    assert settings.breakers.root == Settings(wait_time=20)
    assert settings.breakers.named["payments"].wait_time == 5
    assert settings.alerting.opsgenie.team == "platform"
    assert settings.alerting.alerts.resolve_after == 5
    assert settings.api == ApiSettings(port=0)


def test_all_that_is_wrong_is_told_at_once_in_the_files_order(path: Path) -> None:
    path.write_text(
        "wait_time = -1\n[api]\nport = 70000\ntoken = 'x'\n"
        "[alerts]\nresolve_after = 'long'\n[fleet]\nhub = 'redis://h'\n"
    )
    with pytest.raises(ConfigError) as caught:
        read_file(path)
    assert [(problem.line, problem.key) for problem in caught.value.problems] == [
        (1, "wait_time"),
        (3, "api.port"),
        (4, "api.token"),
        (6, "alerts.resolve_after"),
        (7, "fleet.name"),
    ]


def test_the_section_must_be_a_table(path: Path) -> None:
    path.write_text("api = 3\n")
    with pytest.raises(ConfigError, match=r"a table \[api\]"):
        read_file(path)
