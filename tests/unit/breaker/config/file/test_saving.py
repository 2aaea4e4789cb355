from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from breakerd.breaker.config.file.saving import (
    SaveDetector,
    is_being_written,
    is_cut_off,
    wait_for_writer,
)
from tests.support.driven_file_clock import FileTime

BEFORE = b"a = 1\n[t]\nb = 2\n"


@pytest.fixture
def time() -> FileTime:
    return FileTime()


@pytest.fixture
def detector(path: Path, time: FileTime) -> SaveDetector:
    return SaveDetector(path, 1000, time.clock)


def wait(detector: SaveDetector) -> float:
    return round(detector.wait_time(detector.look(), BEFORE), 6)


def test_a_file_is_at_rest_when_it_has_not_changed_for_a_while(
    detector: SaveDetector, time: FileTime, path: Path
) -> None:
    time.write(path, b"a = 2\n[t]\nb = 2\n")
    assert wait(detector) == 0.3
    time.now += 0.2
    assert wait(detector) == 0.1
    time.write(path, b"a = 20\n[t]\nb = 2\n")
    assert wait(detector) == 0.3
    time.now += 0.3
    assert wait(detector) == 0


@pytest.mark.parametrize("content", [b"", b"a = 1\n", b"a = 1\n[t]\n", b"a = 7\n[t", b"a = 1"])
def test_the_beginning_of_a_file_is_waited_for_longer(
    detector: SaveDetector, time: FileTime, path: Path, content: bytes
) -> None:
    time.write(path, content)
    time.now += 1.9
    assert wait(detector) == 0.1
    time.now += 0.1
    assert wait(detector) == 0


def test_a_file_that_is_open_for_writing_is_waited_for_even_longer(
    detector: SaveDetector, time: FileTime, path: Path
) -> None:
    time.write(path, BEFORE + b"c = 1\n")
    with path.open("a"):
        time.now += 9
        assert wait(detector) == 1
        time.now += 1
        assert wait(detector) == 0, "some programs never close it"


def test_a_clock_that_is_ahead_does_not_hold_it_up(
    detector: SaveDetector, time: FileTime, path: Path
) -> None:
    path.write_bytes(BEFORE + b"c = 1\n")
    os.utime(path, (time.now + 3600, time.now + 3600))
    assert wait(detector) == 0.3
    time.now += 0.3
    assert wait(detector) == 0


def test_a_file_that_is_missing_may_be_back_soon(
    detector: SaveDetector, time: FileTime, path: Path
) -> None:
    detector.look()
    path.unlink()
    look = detector.look()
    assert (look.content, look.problem, look.signature) == (None, "No such file or directory", ())
    assert wait(detector) == 0.3
    time.now += 0.3
    assert wait(detector) == 0


@pytest.mark.parametrize(
    ("before", "content", "cut_off"),
    [
        (b"a = 1\nb = 2\n", b"a = 1\n", True),
        (b"a = 1\n# why\nb = 22\n", b"a = 3\n# why\nb = 2", True),
        (b"a = 1\nb = 2\n", b"b = 2\n", False),
        (b"a = 1\nb = 2\n", b"a = 1\nc = 2\n", False),
        (b"a = 1\nb = 2\n", b"a = 1\nb = 3\n", False),
        (b"a = 1\nb = 2\n", b"a = 1\nb = 2\nc = 3", True),
        (b"a = 1", b"a = 2", False),
        (b"# note\n", b"", True),
        (b"", b"a = 1", False),
    ],
)
def test_the_beginning_of_a_new_version_is_told_by_its_keys(
    before: bytes, content: bytes, *, cut_off: bool
) -> None:
    assert is_cut_off(before, content) == cut_off


def test_who_writes_is_known_by_the_open_file(path: Path) -> None:
    assert not is_being_written(path)
    with path.open("rb"):
        assert not is_being_written(path)
    with path.open("r+b"):
        assert is_being_written(path)
    assert not is_being_written(path)
    assert not is_being_written(path.parent / "none")


def test_without_leases_it_is_not_known(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(fcntl, "fcntl", unsupported)
    with path.open("r+b"):
        assert not is_being_written(path)


def test_whoever_reads_it_first_waits_for_the_writer(path: Path, time: FileTime) -> None:
    began = time.now
    with path.open("w") as writer:
        wait_for_writer(path, time.clock)
        assert time.now - began == pytest.approx(1.5, abs=0.06), "not for ever"
        time.on_sleep = [lambda: None, writer.close]
        began = time.now
        wait_for_writer(path, time.clock)
    assert time.now - began == pytest.approx(0.1)
