"""Which hub is checked, and how that in a file is judged."""

from __future__ import annotations

import builtins
import os
import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from breakerd.alerts.doctor.finding import Finding
from breakerd.api.cli.fleet_checks.checks import check_fleet
from breakerd.api.cli.fleet_checks.file_checks import judge_file
from breakerd.breaker.fleet.hub.factory import hub_file
from breakerd.breaker.fleet.hub.file.hub import FileHub
from breakerd.breaker.fleet.hub.file.inspection import FileInspection, inspect_file
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from tests.support.fleet_reports import MadeMember

ROOMY = FileInspection(Path("/srv/fleet.db"), exists=True, mode=0o600, free=2**30)


def brief(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(each.check, each.status.value) for each in findings]


def check(hub: str, folder: Path) -> list[Finding]:
    return list(check_fleet(FleetSettings(hub=hub, name="shop"), str(folder / "breakerd.db")))


def test_no_hub_is_no_failure(tmp_path: Path) -> None:
    (found,) = check("none", tmp_path)
    assert (found.status.value, "each process decides alone" in found.found) == ("unknown", True)


def test_a_file_to_be_made_and_one_in_use(tmp_path: Path) -> None:
    (first, disk) = check("file", tmp_path / "new" / "folder")
    assert "does not exist yet" in first.found
    assert disk.check == "hub disk"
    assert list(tmp_path.iterdir()) == []
    hub = FileHub(hub_file(tmp_path / "breakerd.db"))
    hub.exchange(MadeMember("a").report())
    found = check("file", tmp_path)
    assert found[0].status.value == "ok"
    assert "readable and writable" in found[0].found
    assert [each.check for each in found] == ["hub", "hub disk"], "its mode is right"
    assert hub.exchange(MadeMember("a").report()).members == 1
    hub.close()


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        (found,) = check(f"redis://127.0.0.1:{taken.getsockname()[1]}", tmp_path)
    assert (found.check, found.status.value) == ("hub", "fail")
    assert "cannot be reached" in found.found


def test_the_package_redis_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name == "breakerd.breaker.fleet.hub.redis.inspection":
            raise ModuleNotFoundError("no", name=missing)
        return real(name, *arguments, **more)

    monkeypatch.delitem(sys.modules, "breakerd.breaker.fleet.hub.redis.inspection", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    missing = "redis"
    (found,) = check("redis://cache", tmp_path)
    assert (found.status.value, found.advice) == ("fail", "pip install 'breakerd[redis]'")
    missing = "other"
    with pytest.raises(ModuleNotFoundError):
        check("redis://cache", tmp_path)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [("hub", "ok"), ("hub disk", "ok")]),
        ({"problem": "damaged"}, [("hub", "fail"), ("hub disk", "ok")]),
        ({"locked": True}, [("hub", "warning"), ("hub disk", "ok")]),
        ({"network": "nfs4"}, [("hub", "ok"), ("hub disk", "warning")]),
        ({"free": 2**20}, [("hub", "ok"), ("hub disk", "warning")]),
        ({"mode": 0o644}, [("hub", "ok"), ("hub disk", "ok"), ("hub mode", "warning")]),
        ({"exists": False, "mode": 0}, [("hub", "ok"), ("hub disk", "ok")]),
    ],
)
def test_what_is_said_of_a_file(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert brief(list(judge_file(ROOMY._replace(**changes)))) == expected


def test_a_file_that_somebody_keeps_locked(tmp_path: Path) -> None:
    path = tmp_path / "fleet.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as stopped:
        stopped.execute("PRAGMA journal_mode = WAL")
        stopped.execute("BEGIN IMMEDIATE")
        assert inspect_file(path).locked
    found = inspect_file(path)
    assert (found.locked, found.problem, found.exists) == (False, "", True)


def test_a_file_that_is_none_of_a_database(tmp_path: Path) -> None:
    path = tmp_path / "fleet.db"
    path.write_text("not a database, " * 100)
    assert "not a database" in inspect_file(path).problem
    assert "not a database, " in path.read_text()


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "is not writable" in inspect_file(tmp_path / "fleet.db").problem


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    spaced = tmp_path / "with space"
    spaced.mkdir()
    text = f"host:/x {tmp_path} nfs4 rw 0 0\n/dev/a / ext4 rw 0 0\nbroken\n"
    mounts.write_text(text)
    assert inspect_file(tmp_path / "a.db", mounts).network == "nfs4"
    mounts.write_text(text + f"/dev/b {str(spaced).replace(' ', chr(92) + '040')} ext4 rw 0 0\n")
    assert inspect_file(spaced / "a.db", mounts).network == ""
    assert inspect_file(tmp_path / "a.db", tmp_path / "none").network == ""
