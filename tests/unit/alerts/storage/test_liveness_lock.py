"""Locks that show which process lives."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from breakerd.alerts.storage.liveness_lock import LivenessLock
from tests.support.forking import in_child


def test_it_is_dead_once_it_is_released(tmp_path: Path) -> None:
    first, second = (LivenessLock(tmp_path / "alerts.db", name) for name in ("first", "second"))
    first.acquire()
    first.acquire()
    assert not second.is_dead("first")
    first.release()
    first.release()
    assert second.is_dead("first")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_another_has_is_refused_and_leaves_nothing_open(tmp_path: Path) -> None:
    first, second = (LivenessLock(tmp_path / "alerts.db", "same") for _ in range(2))
    first.acquire()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(BlockingIOError):
        second.acquire()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    first.release()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_killed_process_is_dead_though_its_child_lives(tmp_path: Path) -> None:
    ready, told = os.pipe()
    parent = os.fork()
    if parent == 0:
        LivenessLock(tmp_path / "alerts.db", "parent").acquire()
        lock = LivenessLock(tmp_path / "alerts.db", "other")
        lock.acquire()
        if os.fork() == 0:  # what it must not keep it has closed by now
            os.write(told, os.getpid().to_bytes(4, "big"))
        signal.pause()
    child = int.from_bytes(os.read(ready, 4), "big")
    try:
        third = LivenessLock(tmp_path / "alerts.db", "third")
        assert not third.is_dead("other")
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        os.kill(child, 0)
        assert third.is_dead("other")
    finally:
        os.kill(child, signal.SIGKILL)
        os.close(ready)
        os.close(told)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_child_neither_releases_nor_deletes_the_lock_of_its_parent(tmp_path: Path) -> None:
    lock, other = (LivenessLock(tmp_path / "alerts.db", name) for name in ("parent", "other"))
    lock.acquire()
    in_child(lock.release)
    assert not other.is_dead("parent")
    lock.release()
