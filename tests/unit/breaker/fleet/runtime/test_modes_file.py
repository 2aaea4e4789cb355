from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from breakerd.breaker.config.file.locking import file_lock
from breakerd.breaker.fleet.messages import Register
from breakerd.breaker.fleet.runtime.modes_file import ModesFile

DAY = 86_400.0
DISABLED = Register("payments", "disabled", "e1", 100.0, "id1", "a note", "ada")


@pytest.fixture
def file(tmp_path: Path) -> ModesFile:
    return ModesFile(tmp_path / "var" / "modes.json")


def test_a_mode_is_read_again(file: ModesFile) -> None:
    file.add([DISABLED], 100.0)
    assert file.read() == (DISABLED,)
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_the_later_mode_of_a_breaker_stays(file: ModesFile) -> None:
    later = DISABLED._replace(mode="observe", at=200.0)
    file.add([later], 200.0)
    file.add([DISABLED, DISABLED._replace(breaker="search")], 200.0)
    assert set(file.read()) == {later, DISABLED._replace(breaker="search")}


def test_the_end_of_a_mode_is_kept_for_a_week(file: ModesFile) -> None:
    ended = DISABLED._replace(mode="")
    file.add([ended], 100.0 + 6 * DAY)
    assert file.read() == (ended,)
    file.add([], 100.0 + 8 * DAY)
    assert file.read() == ()


def test_what_is_unchanged_is_not_written(file: ModesFile) -> None:
    file.add([DISABLED], 100.0)
    before = file.path.stat()
    file.add([DISABLED], 100.0)
    assert file.path.stat() == before


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{}",
        '{"modes": 3}',
        '{"modes": [3]}',
        '{"modes": [[]]}',
        '{"modes": [["payments", 5]]}',
        '{"modes": [["payments", "disabled", "e", "noon"]]}',
    ],
)
def test_a_file_of_something_else_is_empty_and_told(
    file: ModesFile, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    file.path.parent.mkdir()
    file.path.write_text(content)
    assert file.read() == ()
    assert "modes file is not read" in caplog.text


def test_a_pipe_is_not_waited_for(file: ModesFile) -> None:
    file.path.parent.mkdir()
    os.mkfifo(file.path)
    assert file.read() == ()


def test_a_mode_of_a_newer_version_loses_what_is_not_known(file: ModesFile) -> None:
    file.path.parent.mkdir()
    file.path.write_text(json.dumps({"version": 2, "modes": [[*DISABLED, "new", 7]]}))
    assert file.read() == (DISABLED,)


def test_what_cannot_be_written_is_told_once(
    file: ModesFile, caplog: pytest.LogCaptureFixture
) -> None:
    file.path.parent.write_text("no folder")
    for number in range(3):
        file.add([DISABLED._replace(at=200.0 + number)], 100.0)
    assert caplog.text.count("modes are not kept on disk") == 1
    file.path.parent.unlink()
    file.add([DISABLED], 100.0)
    assert file.read() == (DISABLED,)


def test_what_several_processes_add_is_all_kept(
    file: ModesFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("breakerd.breaker.fleet.runtime.modes_file._LOCK_TIME", 60.0)
    count, each = 4, 25
    children = []
    for process in range(count):
        child = os.fork()
        if child == 0:
            own = ModesFile(file.path)
            for number in range(each):
                own.add([Register(f"b{process}-{number}", "disabled", "e", 5.0)], 5.0)
            os._exit(0)
        children.append(child)
    assert all(os.waitpid(child, 0)[1] == 0 for child in children)
    assert len(file.read()) == count * each


def test_a_file_that_stays_locked_is_told(
    file: ModesFile, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file.add([DISABLED], 100.0)
    monkeypatch.setattr("breakerd.breaker.fleet.runtime.modes_file._LOCK_TIME", 0.0)
    with file_lock(file.path, 1.0):
        file.add([DISABLED._replace(mode="", at=200.0)], 200.0)
    assert "keeps it locked" in caplog.text
    assert file.read() == (DISABLED,)


def test_what_cannot_be_added_is_told(file: ModesFile) -> None:
    assert file.add([DISABLED], 100.0)
    other = DISABLED._replace(breaker="search")
    with file_lock(file.path, 1.0):
        assert not file.add([other], 100.0)
    assert file.add([other], 100.0)
    assert set(file.read()) == {DISABLED, other}


def test_a_file_that_cannot_be_read_is_told_once(
    file: ModesFile, caplog: pytest.LogCaptureFixture
) -> None:
    file.path.parent.mkdir()
    file.path.write_text("[]")
    for _ in range(3):
        file.read()
    assert len(caplog.records) == 1
    file.path.write_text("")
    file.read()
    file.path.write_text("[]")
    file.read()
    assert len(caplog.records) == 2
