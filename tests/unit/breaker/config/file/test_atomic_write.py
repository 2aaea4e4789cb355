from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from breakerd.breaker.config.file import atomic_write as module
from breakerd.breaker.config.file.atomic_write import FileChangedError, atomic_write
from breakerd.breaker.config.file.exchange import exchange
from breakerd.breaker.config.file.saving import Clock, SaveDetector

BEFORE = b"a = 1  # one\n"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def test_the_file_is_another_one_with_the_same_mode(path: Path) -> None:
    path.chmod(0o640)
    before = path.stat()
    atomic_write(path, b"a = 2\n", BEFORE)
    assert path.read_text() == "a = 2\n"
    assert path.stat().st_ino != before.st_ino
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(path.parent.iterdir()) == [path]


@AS_ROOT
def test_the_owner_stays(path: Path) -> None:
    os.chown(path, 1234, 2345)
    atomic_write(path, b"a = 2\n", BEFORE)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 2345)


def test_a_link_is_followed_and_stays_one(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    atomic_write(link, b"a = 2\n", BEFORE)
    assert link.is_symlink()
    assert path.read_text() == "a = 2\n"


def test_a_read_only_file_is_left_alone_even_by_root(path: Path) -> None:
    path.chmod(0o444)
    with pytest.raises(PermissionError, match="read-only"):
        atomic_write(path, b"a = 2\n", BEFORE)
    assert path.read_text() == "a = 1  # one\n"


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic_write(tmp_path / "none.toml", b"a = 2\n", BEFORE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EACCES, errno.EROFS])
def test_what_cannot_be_replaced_is_written_in_place(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(module, "exchange", failing_with(number))
    before = path.stat().st_ino
    atomic_write(path, b"a=2", BEFORE)
    assert path.read_text() == "a=2"
    assert path.stat().st_ino == before
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", failing_with(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"):
        atomic_write(path, b"a = 2\n", BEFORE)
    assert path.read_text() == "a = 1  # one\n"
    assert list(path.parent.iterdir()) == [path]


def test_what_changed_before_is_left_alone(path: Path) -> None:
    path.write_text("a = 3\n")
    with pytest.raises(FileChangedError):
        atomic_write(path, b"a = 2\n", BEFORE)
    assert path.read_text() == "a = 3\n"
    assert list(path.parent.iterdir()) == [path]


def test_what_somebody_has_open_for_writing_is_left_alone(path: Path) -> None:
    with path.open("a"), pytest.raises(FileChangedError):
        atomic_write(path, b"a = 2\n", BEFORE)
    assert path.read_bytes() == BEFORE


@pytest.mark.parametrize("way", ["in place", "by another file"])
def test_a_save_in_the_last_moment_wins(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    saved: list[str] = []

    def save_first(one: Path, other: Path) -> bool:
        if not saved:
            saved.append(way)
            edited = path if way == "in place" else tmp_path / "edited"
            edited.write_text("a = 3\n")
            edited.replace(path)
        return exchange(one, other)

    monkeypatch.setattr(module, "exchange", save_first)
    with pytest.raises(FileChangedError):
        atomic_write(path, b"a = 2\n", BEFORE)
    assert path.read_text() == "a = 3\n"
    assert list(path.parent.iterdir()) == [path]


def test_without_an_exchange_it_is_replaced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "exchange", lambda *_: False)
    atomic_write(path, b"a = 2\n", BEFORE)
    assert path.read_text() == "a = 2\n"


@pytest.mark.parametrize("content", [b"a = 2\n", b""])
def test_others_need_not_wait_for_what_is_complete(path: Path, content: bytes) -> None:
    saving = SaveDetector(path, 1_000_000, Clock())
    atomic_write(path, content, BEFORE)
    assert saving.wait_time(saving.look(), BEFORE) == 0, "nor where the end of it was removed"


def failing_with(number: int) -> object:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail
