from __future__ import annotations

from pathlib import Path

import pytest
from watchdog.observers import Observer

from breakerd.alerts.doctor.finding import CheckStatus
from breakerd.api.cli.commands import file_check
from breakerd.api.cli.commands.file_check import check_file


def test_a_file_that_is_followed(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    assert check_file(tmp_path / "f").status is CheckStatus.OK


def test_without_a_file_there_is_nothing_to_follow() -> None:
    assert check_file(None).status is CheckStatus.UNKNOWN


@pytest.mark.parametrize(
    ("source", "status"),
    [("/srv/f", CheckStatus.WARNING), ("/srv/f//deleted", CheckStatus.FAIL)],
)
def test_a_single_mounted_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, status: CheckStatus
) -> None:
    monkeypatch.setattr(file_check, "source_of_mount", lambda _: source)
    found = check_file(tmp_path / "f")
    assert found.status is status
    assert "mount the folder" in found.advice


def test_a_limit_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(24, "inotify instance limit reached")

    monkeypatch.setattr(Observer, "start", refuse)
    found = check_file(tmp_path / "f")
    assert found.status is CheckStatus.WARNING
    assert "inotify instance limit reached" in found.found
    assert "fs.inotify.max_user_instances" in found.advice
