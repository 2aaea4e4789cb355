from __future__ import annotations

from pathlib import Path

import pytest

from breakerd.breaker.config.file.locking import file_lock
from breakerd.breaker.fleet.revisions import revisions_file
from breakerd.breaker.fleet.revisions.revision import Revision
from breakerd.breaker.fleet.revisions.revisions_file import KEPT, RevisionsFile


def revision(name: str, at: float = 1.0) -> Revision:
    return Revision((name,), 1, (None,), "ada", at, f"{name}{at}")


@pytest.fixture
def file(tmp_path: Path) -> RevisionsFile:
    return RevisionsFile(tmp_path / "var" / "revisions.json")


def test_processes_add_to_each_others(file: RevisionsFile) -> None:
    assert file.read("shop") == ()
    other = RevisionsFile(file.path)
    file.change("shop", [revision("a", 1.0), revision("b")], (), 2.0)
    other.change("shop", [revision("a", 0.5), revision("c")], (), 2.0)
    file.change("shop", [revision("b", 2.0)], ["c"], 2.0)
    assert file.read("shop") == (revision("a", 1.0), revision("b", 2.0))
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert not list(file.path.parent.glob(".*"))


def test_those_of_another_fleet_and_old_ones_are_dropped(file: RevisionsFile) -> None:
    file.change("shop", [revision("a")], (), 2.0)
    assert file.read("other") == ()
    file.change("shop", [revision("b", KEPT)], (), KEPT + 1.5)
    assert file.read("shop") == (revision("b", KEPT),)
    file.change("other", [revision("c")], (), 2.0)
    assert file.read("shop") == ()


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"fleet": "shop", "revisions": ["x"]}', "[" * 100_000, "\udcff"]
)
def test_a_damaged_file_is_taken_for_empty(
    file: RevisionsFile, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(text.encode(errors="surrogateescape"))
    assert file.read("shop") == ()
    assert "revisions file is not read" in caplog.text
    file.change("shop", [revision("a")], (), 2.0)
    assert file.read("shop") == (revision("a"),)


def test_one_that_cannot_be_written_is_told_once(
    file: RevisionsFile, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.path.parent.write_text("a file in the place of the folder")
    for _ in range(2):
        file.change("shop", [revision("a")], (), 2.0)
    assert caplog.text.count("revisions are not kept on disk") == 1
    file.path.parent.unlink()
    file.change("shop", [revision("a")], (), 2.0)
    assert file.read("shop")
    monkeypatch.setattr(revisions_file, "_LOCK_TIME", 0.0)
    with file_lock(file.path, 0):
        file.change("shop", [revision("b")], (), 2.0)
    assert caplog.text.count("another process keeps it locked") == 1
