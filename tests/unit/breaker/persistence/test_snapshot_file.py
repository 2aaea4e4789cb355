from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path

import pytest

from breakerd import Breaker, Registry, State
from breakerd.breaker.persistence.snapshot_file import SnapshotFile
from breakerd.breaker.testing import EventLog, ManualClock, simulate_call


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "breakers.json"


def registry(clock: ManualClock) -> Registry:
    return Registry(clock=clock, memory=lambda: 0.1)


def test_what_an_operator_wants_outlives_the_process(path: Path, clock: ManualClock) -> None:
    before = registry(clock)
    before.get().force_open("database moves")
    before.get("a").disable()
    before.get("b").observe()
    before.get("c").trip()
    before.save(path)
    after = registry(clock)
    after.restore(path)
    assert after.get().status()["note"] == "database moves"
    assert [after.get(name).state for name in ("default", "a", "b", "c")] == [
        State.FORCED_OPEN,
        State.DISABLED,
        State.OBSERVE,
        State.OPEN,
    ]


def test_a_breaker_made_later_takes_up_its_own(path: Path, clock: ManualClock) -> None:
    before = registry(clock)
    simulate_call(before.get("lazy"), clock, 123)
    before.save(path)
    again = registry(clock)
    again.restore(path)
    assert again.names() == ["default"]
    again.save(path)
    third = registry(clock)
    third.restore(path)
    assert third.get("lazy").status()["recent_latencies_ms"] == [123]


def test_listeners_hear_what_was_restored(path: Path, clock: ManualClock, log: EventLog) -> None:
    before = registry(clock)
    before.get("a").trip()
    before.save(path)
    after = registry(clock)
    after.subscribe(log)
    after.restore(path)
    after.get("a")
    assert [event.breaker for event in log] == ["a"]


def test_a_month_later_a_breaker_that_is_not_made_any_more_is_dropped(
    path: Path, clock: ManualClock
) -> None:
    snapshot = Breaker(clock=clock).snapshot()
    SnapshotFile(path).write(
        {"old": snapshot | {"saved_at": time.time() - 31 * 86400}, "new": snapshot}
    )
    assert list(SnapshotFile(path).read()) == ["new"]


def test_without_a_file_nothing_happens(path: Path, clock: ManualClock) -> None:
    registry(clock).restore(path)
    assert not path.parent.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"version": 9, "breakers": {}}',
        b'{"version": 1}',
        b'{"version": 1, "breakers": {"a": 1}}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_is_set_aside_and_hinders_nothing(
    path: Path, clock: ManualClock, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    made = registry(clock)
    with caplog.at_level(logging.WARNING, "breakerd.breaker.persistence.snapshot_file"):
        made.restore(path)
    assert made.get().state is State.CLOSED
    assert "damaged state quarantined" in caplog.text
    (aside,) = path.parent.iterdir()
    assert aside.name.startswith("breakers.json.damaged-")
    assert aside.read_bytes() == content
    made.save(path)
    registry(clock).restore(path)


def test_one_damaged_breaker_does_not_take_the_others_along(path: Path, clock: ManualClock) -> None:
    before = registry(clock)
    before.get("good").disable()
    before.get("bad").disable()
    before.save(path)
    content = json.loads(path.read_text())
    content["breakers"]["bad"]["failures"] = "many"
    path.write_text(json.dumps(content))
    after = registry(clock)
    after.restore(path)
    assert after.get("good").state is State.DISABLED
    assert after.get("bad").state is State.CLOSED
    assert [file.name.partition(".damaged")[0] for file in path.parent.iterdir()] == [path.name]


def test_what_cannot_be_read_is_left_alone(
    path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    path.mkdir(parents=True)
    with caplog.at_level(logging.WARNING, "breakerd.breaker.persistence.snapshot_file"):
        registry(clock).restore(path)
    assert "state read failed" in caplog.text
    assert path.is_dir()


def test_a_failed_save_leaves_the_file_as_it_was(path: Path, clock: ManualClock) -> None:
    made = registry(clock)
    made.save(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        SnapshotFile(path).write({"a": {"number": float("nan")}})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_the_file_is_for_its_owner(path: Path, clock: ManualClock) -> None:
    registry(clock).save(path)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_file_is_neither_read_nor_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "breakers.json"
    os.mkfifo(path) if kind == "pipe" else path.mkdir()
    assert SnapshotFile(path).read() == {}
    with pytest.raises(OSError, match="is not a regular file"):
        SnapshotFile(path).write({})
    assert not path.is_file()
