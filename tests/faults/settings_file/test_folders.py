"""Folders, links and rights around the file, which change while it is followed."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd.breaker.config.file import watcher
from tests.support.followed_file import TEXT, Followed, followed, with_wait
from tests.support.polling import until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "etc" / "service"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def file(folder: Path) -> Path:
    return folder / "breakers.toml"


@pytest.fixture
def here(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Followed]:
    """A file that is followed by events alone."""
    monkeypatch.setattr(watcher, "_POLL_INTERVAL", 1000.0)
    with followed(file) as found:
        assert found.config.watch_report.by == "events"
        yield found


def swap(volume: Path, seconds: int) -> None:
    """Swap a ConfigMap as the kubelet does: a new folder, and `..data` renamed onto it."""
    new = volume / f"..2026_01_02_03_04_{seconds:02}.123"
    new.mkdir()
    (new / "breakers.toml").write_text(with_wait(seconds))
    (volume / "..data_tmp").symlink_to(new.name)
    old = volume / "..data"
    before = old.resolve() if old.exists() else None
    (volume / "..data_tmp").replace(old)
    if before:
        shutil.rmtree(before)


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A mounted ConfigMap with one key."""
    made = tmp_path / "volume"
    made.mkdir()
    swap(made, 10)
    (made / "breakers.toml").symlink_to("..data/breakers.toml")
    return made


def test_each_swap_of_a_config_map_is_applied_once(
    volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "_POLL_INTERVAL", 1000.0)
    with followed(volume / "breakers.toml", None) as here:
        for seconds in range(11, 15):
            swap(volume, seconds)
            here.until(seconds)
        assert here.applied == [11, 12, 13, 14]
        assert here.config.outcomes.counts.refused == 0


def test_swaps_in_a_row_end_in_the_last(volume: Path) -> None:
    with followed(volume / "breakers.toml", None) as here:
        for seconds in range(11, 41):
            swap(volume, seconds)
        here.until(40)
        assert here.applied[-1] == 40
        assert here.applied == sorted(set(here.applied)), "none is applied twice, or goes back"
        assert here.config.outcomes.counts.refused == 0


def test_a_swap_while_the_file_is_read_is_seen(
    volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with followed(volume / "breakers.toml", None) as here:
        reading, go_on = threading.Event(), threading.Event()
        look = type(here.config._file).look

        def slow_look(file: object) -> object:
            found = look(file)  # type: ignore[arg-type]
            if b"11 #" in (found[0].content or b"") and not go_on.is_set():
                reading.set()
                go_on.wait(60)
            return found

        monkeypatch.setattr(type(here.config._file), "look", slow_look)
        swap(volume, 11)
        assert reading.wait(60)
        swap(volume, 12)
        swap(volume, 13)
        go_on.set()
        here.until(13)


@pytest.mark.parametrize("how", ["moved", "removed"])
def test_a_folder_that_is_replaced_is_followed(
    here: Followed, folder: Path, file: Path, how: str
) -> None:
    for seconds in (11, 12):
        if how == "moved":
            new = folder.with_name("new")
            new.mkdir()
            (new / file.name).write_text(with_wait(seconds))
            folder.rename(folder.with_name(f"old-{seconds}"))
            new.rename(folder)
        else:
            shutil.rmtree(folder)
            folder.mkdir()
            file.write_text(with_wait(seconds))
        here.until(seconds)
        file.write_text(with_wait(seconds + 10))
        here.until(seconds + 10)
    assert here.config.watch_report.by == "events"


def test_a_link_to_a_folder_that_is_swapped_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "_POLL_INTERVAL", 1000.0)
    for seconds in (10, 11):
        (tmp_path / f"release-{seconds}").mkdir()
        (tmp_path / f"release-{seconds}" / "breakers.toml").write_text(with_wait(seconds))
    current = tmp_path / "current"
    current.symlink_to("release-10")
    with followed(current / "breakers.toml", None) as here:
        (tmp_path / "next").symlink_to("release-11")
        (tmp_path / "next").replace(current)
        here.until(11)
        (tmp_path / "release-11" / "breakers.toml").write_text(with_wait(12))
        here.until(12)
        assert here.applied == [11, 12]


def test_a_file_that_goes_is_told_and_counts_when_it_is_back(here: Followed, file: Path) -> None:
    file.unlink()
    assert "No such file" in here.until_refused()
    assert here.in_force == 10
    file.write_text(TEXT)
    here.until(10)
    file.unlink()
    here.until_refused()
    file.write_text(with_wait(11))
    here.until(11)
    assert here.applied == [11]
    assert here.config.outcomes.counts.refused == 2


def test_a_folder_that_goes_is_told_and_counts_when_it_is_back(
    here: Followed, folder: Path, file: Path
) -> None:
    away = folder.with_name("away")
    folder.rename(away)
    assert "No such file" in here.until_refused()
    file_away = away / file.name
    file_away.write_text(with_wait(11))
    away.rename(folder)
    here.until(11)
    assert here.applied == [11]


@pytest.mark.parametrize("kind", ["folder", "fifo", "loop"])
def test_what_is_no_file_is_told_and_never_waited_for(
    here: Followed, file: Path, kind: str
) -> None:
    file.unlink()
    if kind == "folder":
        file.mkdir()
    elif kind == "fifo":
        os.mkfifo(file)
    else:
        file.symlink_to(file.name)
    until(lambda: "No such file" not in here.until_refused())
    (file.rmdir if kind == "folder" else file.unlink)()
    file.write_text(with_wait(11))
    here.until(11)


def test_other_files_in_the_folder_wake_nobody(
    here: Followed, folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    refresh = here.config.refresh

    def look() -> float:
        looks.append(1)
        return refresh()

    monkeypatch.setattr(here.config._watcher, "_check", look)
    for number in range(200):
        (folder / "breakerd.db-wal").write_text(f"{number}")
    file.write_text(with_wait(11))
    here.until(11)
    assert len(looks) < 20
