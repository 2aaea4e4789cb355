from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from breakerd.breaker.config.file.reading import (
    FileReadError,
    mark_of,
    read_bytes,
    read_secret_text,
    without_mark,
)

MARK = "\ufeff"


def test_a_regular_file_is_read_behind_links_too(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    assert read_bytes(link, 100) == b"a = 1  # one\n"


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("directory", "a directory"),
        ("fifo", "a FIFO"),
        ("socket", "a socket"),
        ("device", "a device"),
        ("missing", "No such file or directory"),
        ("loop", "Too many levels of symbolic links"),
        ("large", "more than 12 bytes"),
        ("nul", "a path with a NUL character"),
    ],
)
def test_anything_else_is_told_and_never_waited_for(tmp_path: Path, kind: str, found: str) -> None:
    path: str | Path = tmp_path / "file"
    match kind:
        case "directory":
            os.mkdir(path)  # noqa: PTH102
        case "fifo":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(path))
        case "device":
            path = "/dev/zero"
        case "loop":
            os.symlink(path, path)  # noqa: PTH211
        case "large":
            Path(path).write_bytes(b"x" * 13)
        case "nul":
            path = "a\0b"
    with pytest.raises(FileReadError) as caught:
        read_bytes(path, 12)
    assert str(caught.value) == found


def test_a_fifo_that_comes_in_between_is_not_waited_for(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    regular = path.stat()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    monkeypatch.setattr(os, "stat", lambda *_, **__: regular)
    with pytest.raises(FileReadError, match="a FIFO"):
        read_bytes(fifo, 12)


@pytest.mark.parametrize(
    ("content", "text"),
    [(b" key\r\n", "key"), (b"\xef\xbb\xbfkey", "key"), (b"", ""), (" ü ".encode(), "ü")],
)
def test_a_secret_is_the_text_in_its_file(path: Path, content: bytes, text: str) -> None:
    path.write_bytes(content)
    assert read_secret_text(path) == text


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"k\xffey", r"not UTF-8 text \(at byte 1\)"),
        (b"k\0ey", "a NUL character"),
        (b"k" * 65_537, "more than 65,536 bytes"),
    ],
)
def test_what_is_no_secret_is_told_without_it(path: Path, content: bytes, found: str) -> None:
    path.write_bytes(content)
    with pytest.raises(FileReadError, match=found):
        read_secret_text(path)


def test_a_byte_order_mark_can_be_taken_off_and_kept() -> None:
    assert without_mark(f"{MARK}a{MARK}") == f"a{MARK}"
    assert (mark_of(f"{MARK}a"), mark_of("a")) == (MARK, "")
