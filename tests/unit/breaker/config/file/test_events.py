from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from breakerd.breaker.config.file import events as file_events
from breakerd.breaker.config.file.events import FileEvents
from breakerd.breaker.testing import ManualClock

TIMEOUT = 20


@pytest.fixture
def wake() -> threading.Event:
    return threading.Event()


@pytest.fixture
def events(path: Path, wake: threading.Event) -> Iterator[FileEvents]:
    events = FileEvents(path, wake)
    yield events
    events.stop()


def test_there_are_none_before_it_follows(events: FileEvents) -> None:
    assert events.problem == "not started"
    assert events.follow()
    assert events.problem == ""
    assert not events.follow(), "it follows already"


def test_a_change_of_the_file_or_of_its_mode_wakes(
    events: FileEvents, wake: threading.Event, path: Path
) -> None:
    events.follow()
    for change in (lambda: path.write_text("new"), lambda: path.chmod(0o640), path.unlink):
        wake.clear()
        change()
        assert wake.wait(TIMEOUT)


def test_a_folder_made_anew_is_followed_anew(tmp_path: Path, wake: threading.Event) -> None:
    path = tmp_path / "etc" / "f"
    path.parent.mkdir()
    events = FileEvents(path, wake)
    try:
        events.follow()
        # It may have the number of the old one, and yet nobody watches it.
        shutil.rmtree(path.parent)
        path.parent.mkdir()
        assert wake.wait(TIMEOUT)
        assert events.follow()
        while wake.is_set():
            wake.clear()
            events.follow()
        path.write_text("new")
        assert wake.wait(TIMEOUT)
    finally:
        events.stop()


def refuse(*_: object, **__: object) -> None:
    raise OSError(24, "inotify instance limit reached")


@pytest.mark.parametrize("step", ["__init__", "schedule", "start"])
def test_where_a_limit_is_reached_it_is_told_and_tried_again_later(
    events: FileEvents, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    clock = ManualClock(1000.0)
    monkeypatch.setattr(file_events, "CLOCK", type("Clock", (), {"monotonic": staticmethod(clock)}))
    before = set(threading.enumerate())
    with monkeypatch.context() as limited, caplog.at_level("INFO"):
        limited.setattr(Observer, step, refuse)
        assert not events.follow()
        clock.advance(61)
        assert not events.follow()
    assert caplog.text.count("no file events, polling every second") == 1
    assert "limit reached" in events.problem
    assert set(threading.enumerate()) <= before, "nothing is left of what was started"
    clock.advance(59)
    assert not events.follow()
    clock.advance(2)
    with caplog.at_level("INFO"):
        assert events.follow()
    assert "file events are back" in caplog.text
    assert events.problem == ""


def test_a_mounted_file_is_watched_itself(
    events: FileEvents, wake: threading.Event, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduled = []
    schedule = BaseObserver.schedule

    def note(observer: BaseObserver, handler: Any, place: str, **more: Any) -> object:
        scheduled.append(place)
        return schedule(observer, handler, place, **more)

    monkeypatch.setattr(Observer, "schedule", note)
    monkeypatch.setattr(file_events, "source_of_mount", lambda _: "/srv/f")
    events.follow()
    assert scheduled[-1] == str(path)
    path.write_text("new")
    assert wake.wait(TIMEOUT)
