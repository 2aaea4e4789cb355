from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from watchdog.observers import Observer

from breakerd.breaker.config.file import events as file_events
from breakerd.breaker.config.file import watcher as file_watcher
from breakerd.breaker.config.file.watcher import FileWatcher

TIMEOUT = 20


@pytest.fixture(autouse=True)
def _only_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what no event tells of is not found by looking after all."""
    monkeypatch.setattr(file_watcher, "_POLL_INTERVAL", 1000.0)


class Looks:
    """What a watch found in the file, look by look."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: queue.Queue[str] = queue.Queue()
        self.count = 0

    def __call__(self) -> float:
        self.count += 1
        self.found.put(self.path.read_text() if self.path.exists() else "nothing")
        return 0.0

    def until(self, text: str) -> None:
        """Returns when that was found; raises `queue.Empty` if it never is."""
        while self.found.get(timeout=TIMEOUT) != text:
            pass


@contextmanager
def watching(path: Path, check: Callable[[], float]) -> Iterator[FileWatcher]:
    running = FileWatcher(path, check)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def test_a_write_in_place_is_noticed(path: Path) -> None:
    looks = Looks(path)
    with watching(path, looks):
        path.write_text("new")
        looks.until("new")


def test_an_editor_that_puts_a_new_file_in_place_is_noticed(path: Path, tmp_path: Path) -> None:
    looks = Looks(path)
    with watching(path, looks):
        for text in ("one", "two"):
            other = tmp_path / "breakers.toml~"
            other.write_text(text)
            other.replace(path)
            looks.until(text)


def test_a_file_that_goes_and_comes_back_is_noticed_both_times(path: Path) -> None:
    looks = Looks(path)
    with watching(path, looks):
        path.unlink()
        looks.until("nothing")
        path.write_text("back")
        looks.until("back")


def test_a_config_map_that_is_swapped_is_noticed_each_time(tmp_path: Path) -> None:
    def swap(number: int) -> None:
        folder = tmp_path / f"..{number}"
        folder.mkdir()
        (folder / "breakers.toml").write_text(f"{number}")
        (tmp_path / "..data_tmp").symlink_to(folder.name)
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")
        shutil.rmtree(tmp_path / f"..{number - 1}", ignore_errors=True)

    swap(1)
    path = tmp_path / "breakers.toml"
    path.symlink_to("..data/breakers.toml")
    looks = Looks(path)
    with watching(path, looks):
        for number in (2, 3):
            swap(number)
            looks.until(f"{number}")


def test_a_link_into_another_folder_is_followed(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.toml"
    link.symlink_to(path)
    looks = Looks(link)
    with watching(link, looks):
        path.write_text("new")
        looks.until("new")


def test_without_events_the_file_is_looked_at_now_and_then(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def out_of_watches(*_: object, **__: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(Observer, "schedule", out_of_watches)
    monkeypatch.setattr(file_watcher, "_ONLY_POLL_INTERVAL", 0.02)
    looks = Looks(path)
    with watching(path, looks):
        path.write_text("new content")
        looks.until("new content")
    assert "no file events" in caplog.text


def test_a_storm_of_writes_is_a_few_looks_and_the_last_write_is_seen(path: Path) -> None:
    looks = Looks(path)
    with watching(path, looks):
        for number in range(300):
            path.write_text(f"{number}")
        looks.until("299")
    assert looks.count < 100


def test_looking_does_not_wake_the_watch_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_watcher, "_DEBOUNCE_TIME", 0.0)
    looks = Looks(path)
    with watching(path, looks):
        path.write_text("new")
        looks.until("new")
        # Each look reads the file, so if reading woke the watch, it would never come to rest.
        while looks.count < 50:
            try:
                looks.found.get(timeout=0.2)
            except queue.Empty:
                break
    assert looks.count < 50


def test_a_check_that_fails_is_logged_and_the_next_change_still_noticed(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    looks = Looks(path)
    failed = threading.Event()

    def check() -> float:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("boom")
        return looks()

    with watching(path, check):
        path.write_text("first")
        assert failed.wait(TIMEOUT)
        path.write_text("second")
        looks.until("second")
    assert "config check failed" in caplog.text
    assert "boom" in caplog.text


def test_a_check_may_stop_its_own_watch(path: Path) -> None:
    stopped = threading.Event()

    def check() -> float:
        running.stop()
        stopped.set()
        return 0.0

    running = FileWatcher(path, check)
    running.start()
    path.write_text("new")
    assert stopped.wait(TIMEOUT)


def test_its_threads_end_with_it(path: Path) -> None:
    before = set(threading.enumerate())
    with watching(path, lambda: 0.0):
        mine = set(threading.enumerate()) - before
        assert all(thread.daemon for thread in mine)
    assert "breaker-config" in {thread.name for thread in mine}
    assert not any(thread.is_alive() for thread in mine)


def test_without_events_it_is_polled(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_events, "why_no_events", lambda: "none here")
    monkeypatch.setattr(file_watcher, "_ONLY_POLL_INTERVAL", 0.01)
    monkeypatch.setattr(file_events, "Observer", None)  # cannot be made
    looks = Looks(path)
    with watching(path, looks) as watcher:
        assert not watcher.has_events
        path.write_text("new")
        looks.until("new")


def test_without_events_a_file_that_may_be_read_again_is_noticed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_events, "why_no_events", lambda: "none here")
    monkeypatch.setattr(file_watcher, "_ONLY_POLL_INTERVAL", 0.01)
    modes: queue.Queue[int] = queue.Queue()

    def check() -> float:
        modes.put(path.stat().st_mode & 0o777)
        return 0.0

    with watching(path, check):
        for mode in (0o200, 0o600):
            path.chmod(mode)
            while modes.get(timeout=TIMEOUT) != mode:
                pass


def test_a_check_that_asks_to_be_called_again_is_called_again_without_an_event(path: Path) -> None:
    calls: queue.Queue[int] = queue.Queue()

    def check() -> float:
        calls.put(1)
        return 0.01 if calls.qsize() < 3 else 0.0

    with watching(path, check):
        path.write_text("new")
        for _ in range(3):
            calls.get(timeout=TIMEOUT)


def test_what_changed_before_the_start_is_found(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_watcher, "_POLL_INTERVAL", 0.01)
    looks = Looks(path)
    path.write_text("new")
    with watching(path, looks):
        looks.until("new")


def test_without_a_thread_nothing_is_left(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    running = FileWatcher(path, lambda: 0.0)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    before = set(threading.enumerate())
    with pytest.raises(RuntimeError):
        running.start()
    assert set(threading.enumerate()) <= before
