from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from breakerd import Breaker, Registry, State, StateAutosaver
from tests.support.polling import until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "breakers.json"


def test_state_is_saved_at_the_end_and_restored_at_the_start(path: Path) -> None:
    with Registry() as registry, StateAutosaver(registry, path):
        registry.get().disable()
    with Registry() as registry, StateAutosaver(registry, path):
        assert registry.get().state is State.DISABLED


def test_state_is_saved_meanwhile(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = threading.Event()
    with Registry() as registry:
        save = registry.save

        def save_and_tell(target: Path) -> None:
            save(target)
            saved.set()

        monkeypatch.setattr(registry, "save", save_and_tell)
        with StateAutosaver(registry, path, interval=0.01):
            assert saved.wait(30)
            assert path.exists()


def test_what_cannot_be_saved_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "taken").touch()
    path = tmp_path / "taken" / "breakers.json"
    with Registry() as registry, caplog.at_level(logging.WARNING, "breakerd.breaker.autosave"):
        keeper = StateAutosaver(registry, path, interval=3600)
        with keeper:
            assert not keeper.save()
            assert not keeper.save()
            assert "File exists" in registry.not_running()["state"]
            assert caplog.text.count("state save failed") == 1
            (tmp_path / "taken").unlink()
            assert keeper.save()
            assert "state" not in registry.not_running()


def test_whatever_keeps_the_state_from_being_saved_is_told_and_tried_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = threading.Semaphore(0)

    def fail(_: Path) -> None:
        attempts.release()
        raise ValueError("no JSON")

    with Registry() as registry:
        monkeypatch.setattr(registry, "save", fail)
        with StateAutosaver(registry, path, interval=0.01):
            assert attempts.acquire(timeout=30)
            assert attempts.acquire(timeout=30)
            assert "no JSON" in registry.not_running()["state"]


def test_a_thread_that_has_ended_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StateAutosaver, "_run", lambda *_: None)
    with Registry() as registry, StateAutosaver(registry, path):
        until(lambda: "has ended" in registry.not_running().get("state", ""))


def test_a_closed_one_is_closed_in_a_child_too(path: Path) -> None:
    keeper = StateAutosaver(Registry(), path)
    keeper.start()
    keeper.close()
    keeper.after_fork()
    assert "closed" in keeper.not_running()["state"]


def test_a_command_of_the_parent_is_not_undone_by_an_older_state(path: Path) -> None:
    """As where a module that `gunicorn --preload` imports disables a breaker."""
    with Registry() as registry, StateAutosaver(registry, path):
        registry.get().force_open()
    registry = Registry()
    registry.get().disable()
    registry.get().lifecycle.sleep()  # as in a forked child
    registry.restore(path)
    assert registry.get().state is State.DISABLED


def test_a_newer_state_comes_before_a_command_of_the_parent(path: Path) -> None:
    registry = Registry()
    registry.get().disable()
    registry.get().lifecycle.sleep()  # as in a forked child
    with Registry() as other, StateAutosaver(other, path):
        other.get().force_open()
    registry.restore(path)
    assert registry.get().state is State.FORCED_OPEN


def test_a_command_that_comes_amid_the_restoring_is_not_undone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Registry() as registry, StateAutosaver(registry, path):
        registry.get().disable()
    registry = Registry()
    operator = threading.Thread(target=registry.get().force_open)
    restore = Breaker.restore

    def restore_late(breaker: Breaker, data: dict[str, Any]) -> None:
        operator.start()
        operator.join(0.1)  # the command waits for this, not this for the command
        restore(breaker, data)

    monkeypatch.setattr(Breaker, "restore", restore_late)
    registry.restore(path)
    operator.join()
    assert registry.get().state is State.FORCED_OPEN
    registry.close()
