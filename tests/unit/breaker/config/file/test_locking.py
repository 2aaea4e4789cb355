from __future__ import annotations

import errno
import fcntl
import os
import threading
from pathlib import Path

import pytest

from breakerd.breaker.config.file.locking import LockTimeoutError, file_lock

TIMEOUT = 20


def test_one_holds_it_and_others_wait(path: Path) -> None:
    got = threading.Event()

    def wait_for_it() -> None:
        with file_lock(path, TIMEOUT):
            got.set()

    thread = threading.Thread(target=wait_for_it)
    with file_lock(path, TIMEOUT):
        thread.start()
        with pytest.raises(LockTimeoutError), file_lock(path, 0):
            pass
        assert not got.is_set()
    thread.join(TIMEOUT)
    assert got.is_set()


def test_the_file_that_is_there_now_is_locked(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = tmp_path / "new"
    new.write_text("b = 2\n")
    flock = fcntl.flock

    def replace_first(descriptor: int, operation: int) -> None:
        if new.exists():
            new.replace(path)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", replace_first)
    with file_lock(path, 0), pytest.raises(LockTimeoutError), file_lock(path, 0):
        pass


def test_a_child_that_was_forked_meanwhile_does_not_keep_it(path: Path) -> None:
    with file_lock(path, 0):
        held = next(
            int(each.name)
            for each in Path("/proc/self/fd").iterdir()
            if each.exists() and each.samefile(path)
        )
        copy = os.dup(held)  # as a child has it
    try:
        with file_lock(path, 0):
            pass
    finally:
        os.close(copy)


def test_there_is_nothing_to_lock_in_a_missing_file(tmp_path: Path) -> None:
    with file_lock(tmp_path / "none", 0):
        pass


def test_nothing_is_left_and_a_read_only_folder_is_enough(path: Path) -> None:
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        with file_lock(path, 0):
            assert list(path.parent.iterdir()) == [path]
    finally:
        path.parent.chmod(0o755)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF])
def test_a_file_system_without_locks_is_told(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: int,
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with file_lock(path, 0):
        assert "file cannot be locked" in caplog.text


def test_a_network_file_system_locks_what_is_open_for_writing(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    flock = fcntl.flock

    def as_nfs(descriptor: int, operation: int) -> None:
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        if operation & fcntl.LOCK_EX and flags & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", as_nfs)
    with file_lock(path, 0), pytest.raises(LockTimeoutError), file_lock(path, 0):
        pass
    assert caplog.text == ""
