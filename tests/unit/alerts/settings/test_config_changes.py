"""Changes of the settings: by request, in the file, in the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from breakerd import (
    Alerting,
    ConfigError,
    ConfigWriteError,
    Registry,
)
from tests.unit.alerts.conftest import World

FILE = """
[opsgenie]
enabled = true
priority = "P4"   # ours
team = "t"
environment = "prod"
bookmaker_id = "b"

[alerts]
database = "{folder}/x.db"
"""


def test_settings_that_are_wrong_change_nothing(world: World) -> None:
    alerting = world.start()
    with pytest.raises(ConfigError, match="priority"):
        alerting.change({"priority": "P9"})
    assert alerting.settings.opsgenie.priority == "P3"


def test_a_key_is_not_taken_from_a_request(world: World) -> None:
    alerting = world.start()
    with pytest.raises(ConfigError, match="OPSGENIE_API_KEY") as caught:
        alerting.change({"api_key": "new-secret"})
    assert "new-secret" not in str(caught.value)


@pytest.mark.parametrize("shared", [True, False])
def test_changes_go_into_the_file(tmp_path: Path, *, shared: bool) -> None:
    path = tmp_path / "breakers.toml"
    path.write_text(FILE.format(folder=tmp_path))
    with Registry.from_file(path) if shared else Registry() as registry:
        alerting = Alerting.from_file(path, registry)
        with alerting:
            assert alerting.settings.opsgenie.priority == "P4"
            alerting.change({"priority": "P2", "tags": ["a:b"]})
            assert alerting.settings.opsgenie.tags == ("a:b",)
            assert 'priority = "P2"   # ours' in path.read_text()
            path.chmod(0o444)
            with pytest.raises(ConfigWriteError, match=r"opsgenie\.enabled: active"):
                alerting.change({"enabled": False})
            assert not alerting.settings.opsgenie.enabled


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "breakers.toml"
    path.write_text(
        FILE.format(folder=tmp_path) + '\n[opsgenie.contact_details]\nphone_number = "1"'
    )
    monkeypatch.setenv("OPSGENIE_API_KEY", "from-outside")
    monkeypatch.setenv("OPSGENIE_REGION", "EU")
    monkeypatch.setenv("Environment", "uat")
    alerting = Alerting.from_file(path, Registry())
    assert alerting.settings.opsgenie.environment == "uat"
    assert alerting.opsgenie_status()["api_url"] == "https://api.eu.opsgenie.com"
    with alerting:
        assert alerting.paging


def test_all_problems_of_both_sections_are_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "breakers.toml"
    path.write_text('[opsgenie]\npriority = "P9"\ntagz = []\n[alerts]\nresolve_after = -1\n')
    monkeypatch.setenv("OPSGENIE_REGION", "moon")
    with pytest.raises(ConfigError) as caught:
        Alerting.from_file(path, Registry())
    assert [(p.where, p.line, p.key) for p in caught.value.problems] == [
        (str(path), 2, "opsgenie.priority"),
        (str(path), 3, "opsgenie.tagz"),
        (str(path), 5, "alerts.resolve_after"),
        ("environment", 0, "region"),
    ]


def test_a_shared_file_that_is_wrong_leaves_nothing_open(tmp_path: Path) -> None:
    path = tmp_path / "breakers.toml"
    path.write_text(FILE.format(folder=tmp_path))
    with Registry.from_file(path, watch=False) as registry:
        assert registry.config is not None
        path.write_text(path.read_text().replace('"P4"', '"P9"'))
        assert registry.config.reload(), "no one who knows of alerts is there yet"
        path.write_text(path.read_text().replace('"P9"', '"P4"'))
        with pytest.raises(ConfigError, match="P9"):
            Alerting.from_file(path, registry)
        registry.config.reload()
        Alerting.from_file(path, registry).close()


def test_what_was_closed_does_not_follow_the_file_any_more(tmp_path: Path) -> None:
    path = tmp_path / "breakers.toml"
    path.write_text(FILE.format(folder=tmp_path))
    with Registry.from_file(path, watch=False) as registry:
        alerting = Alerting.from_file(path, registry)
        alerting.close()
        alerting.close()
        path.write_text(path.read_text().replace('"P4"', '"P5"'))
        assert registry.config is not None
        assert registry.config.reload()
        assert alerting.settings.opsgenie.priority == "P4"
