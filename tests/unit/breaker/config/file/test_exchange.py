from __future__ import annotations

import ctypes
import errno
from pathlib import Path

import pytest

from breakerd.breaker.config.file import exchange as module
from breakerd.breaker.config.file.exchange import exchange


def test_two_names_change_their_files(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other ü"
    other.write_text("b = 2\n")
    assert exchange(other, path)
    assert (path.read_text(), other.read_text()) == ("b = 2\n", "a = 1  # one\n")


def test_what_is_missing_is_an_error(path: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "none", path)
    assert path.read_text() == "a = 1  # one\n"


def test_a_system_without_it_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> int:
        ctypes.set_errno(errno.EINVAL)
        return -1

    for there_is in (None, unsupported):
        monkeypatch.setattr(module, "_renameat2", there_is)
        assert not exchange(path, path)
