from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from breakerd.alerts.doctor.finding import CheckStatus, Finding
from breakerd.api.cli.commands import record_check
from breakerd.api.cli.commands.record_check import check_record
from breakerd.breaker.fleet.hub.file.inspection import FileInspection
from breakerd.breaker.record.settings import HistorySettings

PLACE = Path("record.db")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "record.db"


def check(path: Path, *, enabled: bool = True) -> dict[str, Finding]:
    return {each.check: each for each in check_record(HistorySettings(enabled=enabled), path)}


def make(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE slots (id INTEGER)")
    path.chmod(0o600)


def test_a_file_that_is_still_to_be_made_is_not_made(path: Path) -> None:
    found = check(path)
    assert found["record"].status is CheckStatus.OK
    assert "does not exist yet" in found["record"].found
    assert not path.exists()


def test_a_good_file(path: Path) -> None:
    make(path)
    found = check(path)
    assert found["record"].found == f"{path} is readable and writable"
    assert "record mode" not in found
    path.chmod(0o644)
    assert check(path)["record mode"].advice == f"chmod 0600 {path}"


def test_none_is_kept(path: Path) -> None:
    assert check(path, enabled=False)["record"].status is CheckStatus.UNKNOWN


def test_what_cannot_be_written(path: Path) -> None:
    path.write_bytes(b"no database, but long enough to be taken for one" * 30)
    assert check(path)["record"].status is CheckStatus.FAIL
    path.unlink()
    os.mkfifo(path)
    assert check(path)["record"].status is CheckStatus.FAIL


@pytest.mark.parametrize(
    ("state", "check_name", "words"),
    [
        (FileInspection(PLACE, locked=True), "record", "is locked for a second"),
        (FileInspection(PLACE, free=5 * 2**20), "record disk", "5 MiB are free on the disk of"),
        (FileInspection(PLACE, network="nfs"), "record disk", "on a network file system (nfs)"),
    ],
)
def test_what_may_stop_working(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    state: FileInspection,
    check_name: str,
    words: str,
) -> None:
    monkeypatch.setattr(record_check, "inspect_file", lambda _: state)
    finding = check(path)[check_name]
    assert finding.status is CheckStatus.WARNING
    assert words in finding.found
