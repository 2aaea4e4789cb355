"""A small file is created for its user only, and is replaced as a whole or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from breakerd.breaker.storage.small_file import create_file, replace_text


def test_it_is_created_empty_and_kept_if_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "modes.json"
    create_file(path)
    assert path.read_bytes() == b""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("kept")
    create_file(path)
    assert path.read_text() == "kept"


def test_its_text_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "modes.json"
    path.write_text("a long text of before")
    replace_text(path, "né")
    assert path.read_bytes() == "né".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_disk_that_fails_leaves_it_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "modes.json"
    path.write_text("before")
    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        replace_text(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
