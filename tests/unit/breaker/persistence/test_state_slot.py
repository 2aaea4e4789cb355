"""Which file of several a process gets, and what becomes of those that nobody uses."""

from __future__ import annotations

import errno
import fcntl
import logging
import multiprocessing
import os
import threading
import time
from pathlib import Path

import pytest

from breakerd.breaker.persistence import state_slot
from breakerd.breaker.persistence.snapshot_file import RETENTION
from breakerd.breaker.persistence.state_slot import StateSlot, claim


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "breakers.json"


def saved(path: Path, *ages: float) -> list[Path]:
    """Files as processes saved them so many seconds ago, the first in slot 1."""
    path.parent.mkdir(exist_ok=True)
    files = [path, *(path.with_name(f"breakers.{n}.json") for n in range(2, len(ages) + 1))]
    for file, age in zip(files, ages, strict=True):
        file.write_text("{}")
        os.utime(file, (time.time() - age,) * 2)
    return files


def held_for(slot: StateSlot, seconds: float) -> None:
    """As if the process had claimed it so long ago."""
    assert slot.lock
    os.utime(slot.lock.path, (time.time() - seconds,) * 2)


def test_each_process_gets_a_file_of_its_own(path: Path) -> None:
    slots = [claim(path) for _ in range(3)]
    names = ["breakers.json", "breakers.2.json", "breakers.3.json"]
    assert [slot.path.name for slot in slots] == names
    slots[1].release()
    assert claim(path).path.name == "breakers.2.json"


def test_as_many_as_before_find_the_files_of_before(path: Path) -> None:
    files = saved(path, 86_400, 86_420, 86_390)
    slots = [claim(path) for _ in range(3)]
    assert [slot.path for slot in slots] == files
    assert all(slot.current for slot in slots)


def test_the_latest_run_comes_first(path: Path) -> None:
    """After a reload, in which new processes began before the old ones ended."""
    files = saved(path, 7200, 7200, 60, 50)
    assert [claim(path).path for _ in range(2)] == files[2:]


def test_what_others_have_outlived_is_not_restored(path: Path) -> None:
    saved(path, 5, 7200)
    running = claim(path)
    held_for(running, 7300)  # since before the other one ended
    outlived = claim(path)
    assert outlived.path.name == "breakers.2.json"
    assert not outlived.current


def test_what_ended_just_now_is_restored(path: Path) -> None:
    saved(path, 5, 30)
    held_for(claim(path), 7300)
    assert claim(path).current


def test_what_ended_before_the_others_began_is_restored(path: Path) -> None:
    """All were stopped for a night, and this one is needed later than the others."""
    saved(path, 36_000, 36_000)
    held_for(claim(path), 1200)
    assert claim(path).current


def test_what_nobody_uses_for_long_is_removed(path: Path) -> None:
    files = saved(path, 10, 20, RETENTION + 10)
    lock = path.with_name("breakers.json.3.lock")
    lock.touch()
    claim(path)
    assert not files[2].exists()
    assert not lock.exists()
    assert files[0].exists()
    assert files[1].exists()


def test_what_is_held_is_not_removed(path: Path) -> None:
    slots = [claim(path), claim(path)]
    files = saved(path, RETENTION + 10, RETENTION + 10)
    slots[0].release()
    assert claim(path).path == files[0]
    assert files[1].exists()


def test_other_files_are_let_alone(path: Path) -> None:
    saved(path, 10)
    others = ["breakers.json.damaged-1", "breakers.x.json", "breakers.0.json", "breakers.9999.json"]
    for name in others:
        file = path.with_name(name)
        file.write_text("{}")
        os.utime(file, (1, 1))
    assert claim(path).path == path
    assert all(path.with_name(name).exists() for name in others)


def test_where_files_cannot_be_locked_there_is_one_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with caplog.at_level(logging.WARNING, "breakerd"):
        slot = claim(path)
    assert slot == StateSlot(path, current=True, lock=None)
    slot.release()
    assert "let no other process use it" in caplog.text


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(OSError, match="taken"):
        claim(tmp_path / "taken" / "breakers.json")


def test_a_claim_waits_for_another(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir()
    mutex = path.with_name("breakers.json.lock")
    with mutex.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        monkeypatch.setattr(time, "sleep", lambda _: fcntl.flock(file, fcntl.LOCK_UN))
        assert claim(path).path == path


def test_a_claim_does_not_wait_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir()
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda _: now.append(now.pop() + 1))
    with path.with_name("breakers.json.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError, match="has been locked for 2 s"):
            claim(path)


def test_a_lock_that_may_not_be_opened_keeps_nobody_from_the_others(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim(path).release()
    path.with_name("breakers.json.2.lock").touch()
    refused_once(monkeypatch, "breakers.json.2.lock", PermissionError)
    slot = claim(path)
    assert slot.path == path
    assert claim(path).path.name == "breakers.2.json"


def test_a_claim_that_fails_holds_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim(path).release()
    path.with_name("breakers.json.2.lock").touch()
    refused_once(monkeypatch, "breakers.json.2.lock", OSError)
    with pytest.raises(OSError, match="refused"):
        claim(path)
    assert claim(path).path == path


def refused_once(monkeypatch: pytest.MonkeyPatch, name: str, kind: type[OSError]) -> None:
    """Let opening the file of that name fail, the first time."""
    real, failures = os.open, [kind(errno.EIO, "refused")]

    def open_or_fail(path: str | Path, flags: int, mode: int = 0o777) -> int:
        if Path(path).name == name and failures:
            raise failures.pop()
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", open_or_fail)


def test_a_child_that_is_forked_amid_a_claim_holds_no_lock(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed, forked = threading.Event(), threading.Event()
    real = state_slot._claim

    def claim_slowly(path: Path) -> StateSlot:
        claimed.set()
        assert forked.wait(30)
        return real(path)

    monkeypatch.setattr(state_slot, "_claim", claim_slowly)
    thread = threading.Thread(target=claim, args=(path,))
    thread.start()
    assert claimed.wait(30)
    context = multiprocessing.get_context("fork")
    may_end = context.Event()
    child = context.Process(target=may_end.wait, args=(30,))
    child.start()
    forked.set()
    thread.join()
    monkeypatch.setattr(state_slot, "_claim", real)
    claim(path, patience=0.0)
    may_end.set()
    child.join()
