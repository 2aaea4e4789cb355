"""The file while others save it: people in several steps, other processes at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from breakerd import ConfigError
from breakerd.breaker.config import ConfigFile, Document, Key
from breakerd.breaker.config.file.locking import file_lock
from breakerd.breaker.config.file.shared_file import Patience
from breakerd.breaker.errors import ConfigConflictError
from tests.support.driven_file_clock import FileTime

BEFORE = b"a = 1  # one\n[t]\nb = 2\n"
NEW = b"a = 3  # three\n[t]\nb = 2\n"


class Reader:
    """A subscriber that keeps what was applied."""

    def __init__(self) -> None:
        self.seen: list[dict[str, object]] = []
        self.on_apply: Callable[[], object] = lambda: None

    def owns(self, _: str) -> bool:
        return True

    def prepare(self, document: Document) -> Callable[[], None]:
        def apply() -> None:
            self.seen.append(document.data)
            self.on_apply()

        return apply


@pytest.fixture
def time(path: Path) -> FileTime:
    time = FileTime()
    time.write(path, BEFORE)
    time.now += 60
    return time


@pytest.fixture
def config(path: Path, time: FileTime) -> ConfigFile:
    return ConfigFile(path, clock=time.clock)


@pytest.fixture
def reader(config: ConfigFile) -> Reader:
    reader = Reader()
    config.subscribe(reader)
    return reader


def in_force(reader: Reader) -> dict[str, object]:
    return reader.seen[-1]


@pytest.mark.parametrize("part", [b"", b"a = 3  # three\n", b"a = 3  # thr", b"a ="])
def test_a_change_during_a_save_is_refused_and_the_save_is_not_touched(
    config: ConfigFile, reader: Reader, time: FileTime, path: Path, part: bytes
) -> None:
    time.write(path, part)
    began = time.now
    with pytest.raises(ConfigConflictError, match="is being saved by somebody else: nothing was"):
        config.change({("a",): 2})
    assert 1.4 < time.now - began < 2
    assert path.read_bytes() == part
    assert reader.seen == [{"a": 1, "t": {"b": 2}}]
    time.write(path, NEW)
    time.now += 0.3
    assert config.refresh() == 0
    assert in_force(reader) == {"a": 3, "t": {"b": 2}}
    assert config.status.successful


def test_a_change_waits_for_a_save_that_ends_in_time(
    config: ConfigFile, reader: Reader, time: FileTime, path: Path
) -> None:
    time.write(path, b"")
    time.on_sleep = [lambda: time.write(path, b"a = 3\n"), lambda: time.write(path, NEW)]
    config.change({("c",): 1})
    assert path.read_bytes() == b"a = 3  # three\nc = 1\n[t]\nb = 2\n"
    assert in_force(reader) == {"a": 3, "c": 1, "t": {"b": 2}}


def test_the_watch_waits_and_says_for_how_long(
    config: ConfigFile, reader: Reader, time: FileTime, path: Path
) -> None:
    time.write(path, NEW)
    assert config.refresh() == pytest.approx(0.3)
    time.now += 0.2
    assert config.refresh() == pytest.approx(0.1)
    assert len(reader.seen) == 1
    time.now += 0.11
    assert config.refresh() == 0
    assert in_force(reader) == {"a": 3, "t": {"b": 2}}


def test_a_file_that_is_emptied_on_purpose_is_read_after_two_seconds(
    config: ConfigFile, reader: Reader, time: FileTime, path: Path
) -> None:
    time.write(path, b"")
    time.now += 1.9
    assert config.refresh() > 0
    assert len(reader.seen) == 1
    time.now += 0.2
    assert config.refresh() == 0
    assert in_force(reader) == {}


def test_what_is_no_toml_is_told_as_long_as_it_is_none(
    config: ConfigFile, reader: Reader, time: FileTime, path: Path
) -> None:
    time.write(path, b"a =")
    assert config.refresh() == pytest.approx(0.3), "it changes at this moment"
    assert config.status.successful
    time.now += 0.31
    assert config.refresh() == pytest.approx(1.69), "its rest may be missing"
    assert not config.status.successful
    time.write(path, BEFORE)
    assert config.refresh() == 0, "it is what was read before"
    assert config.status.successful
    assert in_force(reader) == {"a": 1, "t": {"b": 2}}


def test_a_reload_waits_until_the_file_is_saved(
    config: ConfigFile, reader: Reader, time: FileTime, path: Path
) -> None:
    time.write(path, b"a = 3\n")
    time.on_sleep = [lambda: time.write(path, NEW)]
    assert config.reload()
    assert in_force(reader) == {"a": 3, "t": {"b": 2}}
    with path.open("a"):
        time.write(path, BEFORE + b"c = 1\n")
        with pytest.raises(ConfigConflictError):
            config.reload()
    assert len(reader.seen) == 2


def test_nobody_waits_for_writes_of_its_own_or_of_other_processes(
    config: ConfigFile, reader: Reader, time: FileTime, path: Path
) -> None:
    # Another one as in another process: they share nothing but the file.
    other = ConfigFile(path)
    for number in range(5):
        config.change({("a",): number})
        other.change({("t", "b"): number})
        # `other` writes with the time of this machine, which `config` does not have.
        time.now = path.stat().st_mtime + 0.31
    began = time.now
    config.change({("c",): 1})
    assert time.now == began
    assert in_force(reader) == {"a": 4, "c": 1, "t": {"b": 4}}


def test_an_edit_between_the_look_and_the_write_is_taken_in_first(
    config: ConfigFile, reader: Reader, time: FileTime, path: Path
) -> None:
    seen: list[object] = []

    def plan(document: Document) -> Mapping[Key, object]:
        seen.append(document.data["a"])
        if len(seen) == 1:
            time.write(path, NEW)
        return {("c",): document.data["a"]}

    config.change(plan)
    assert seen == [1, 3], "the change is made for what is in force by then"
    assert path.read_bytes() == b"a = 3  # three\nc = 3\n[t]\nb = 2\n"
    assert in_force(reader) == {"a": 3, "c": 3, "t": {"b": 2}}


def test_what_a_change_leads_to_may_be_another_change(
    config: ConfigFile, reader: Reader, time: FileTime, path: Path
) -> None:
    def react() -> None:
        if "d" not in config.document.data:
            config.change({("d",): 1})

    reader.on_apply = react
    config.change({("c",): 1})
    assert config.document.data == {"a": 1, "c": 1, "d": 1, "t": {"b": 2}}
    assert path.read_text() == config.document.text
    # So may what others have changed, when it is taken in by a change.
    time.write(path, NEW)
    time.now += 1
    config.change({("e",): 1})
    assert config.document.data == {"a": 3, "d": 1, "e": 1, "t": {"b": 2}}
    assert path.read_text() == config.document.text


def test_a_lock_that_is_never_given_back_is_told(config: ConfigFile, path: Path) -> None:
    with (
        file_lock(path, 0),
        pytest.raises(ConfigConflictError, match="has been locked by another process"),
    ):
        config.change({("a",): 2}, Patience(1.5, lock=0))
    assert path.read_bytes() == BEFORE


def test_a_wrong_change_is_told_without_waiting_again(config: ConfigFile, time: FileTime) -> None:
    began = time.now
    with pytest.raises(ConfigError):
        config.change({("a",): "\0"})
    assert time.now == began
