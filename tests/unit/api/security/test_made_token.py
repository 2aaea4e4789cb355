from __future__ import annotations

import errno
import multiprocessing
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from breakerd.api.security.made_token import MadeToken


def value(made: MadeToken) -> str:
    token = made.get()
    assert token is not None, made.problem
    return token.get_secret_value()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_once_for_its_user_alone(tmp_path: Path) -> None:
    made = MadeToken()
    assert not (tmp_path / "var").exists(), "not before it is needed"
    before = os.umask(0)
    try:
        token = value(made)
    finally:
        os.umask(before)
    assert mode(tmp_path / "var") == 0o700
    assert mode(tmp_path / "var/token") == 0o600
    assert len(token) == 43, "256 bits"
    assert value(made) == value(MadeToken()) == token
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["token"]
    assert token not in repr(made.get())


def test_the_place_is_that_of_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = MadeToken("a/b/token")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    value(made)
    assert (tmp_path / "a/b/token").is_file()


def race(file: str, start: Callable[[], object], found: multiprocessing.Queue[str]) -> None:
    made = MadeToken(file)
    start()
    found.put(value(made))


def test_processes_that_start_together_have_the_same(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, found = context.Barrier(4), context.Queue()
    file = str(tmp_path / "var/token")
    processes = [context.Process(target=race, args=(file, barrier.wait, found)) for _ in range(4)]
    for process in processes:
        process.start()
    tokens = [found.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert len(set(tokens)) == 1
    assert (tmp_path / "var/token").read_text().strip() == tokens[0]
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["token"]


def test_whoever_is_second_takes_the_first_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = Path.hardlink_to

    def link_late(path: Path, target: Path) -> None:
        path.write_text("of another")
        path.chmod(0o600)
        link(path, target)

    monkeypatch.setattr(Path, "hardlink_to", link_late)
    assert value(MadeToken()) == "of another"
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["token"]


def test_what_others_could_read_is_tightened(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("mine\n")
    path.chmod(0o644)
    assert value(MadeToken("token")) == "mine"
    assert mode(path) == 0o600


def linked(path: Path) -> None:
    path.with_name("real").write_text("a token")
    path.symlink_to("real")


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


WRONG: dict[str, Callable[[Path], object]] = {
    "found a symbolic link": linked,
    "a symbolic link": dangling,
    "found no regular file": os.mkfifo,
    "no regular file": Path.mkdir,
    "found an empty file": Path.touch,
    "more than 4,096 bytes": lambda path: path.write_text("x" * 4097),
    "beyond printable ASCII": lambda path: path.write_text("a\nb"),
    "characters beyond printable": lambda path: path.write_bytes(b"\xff" * 9),
}


@pytest.mark.parametrize("found", WRONG)
def test_what_is_no_token_is_refused_and_left_alone(tmp_path: Path, found: str) -> None:
    path = tmp_path / "token"
    WRONG[found](path)
    before = path.lstat()
    made = MadeToken("token")
    assert made.get() is None
    assert made.problem is not None
    assert found in made.problem
    assert path.lstat().st_ino == before.st_ino
    path.rmdir() if path.is_dir() else path.unlink()
    value(made)
    assert made.problem is None


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("not mine")
    monkeypatch.setattr(os, "geteuid", lambda: (tmp_path / "token").stat().st_uid + 1)
    made = MadeToken("token")
    assert made.get() is None
    assert "found a file of user" in str(made.problem)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EPERM])
def test_a_disk_that_takes_no_file(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    made = MadeToken()
    assert made.get() is None
    assert made.problem == os.strerror(number)
    assert list(Path("var").iterdir()) == []


def test_a_path_that_cannot_be(tmp_path: Path) -> None:
    assert MadeToken("a\0b").get() is None
    assert MadeToken("").get() is None
    assert MadeToken("").problem is None
    assert list(tmp_path.iterdir()) == []


def test_a_token_that_anybody_may_have_written_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("known-to-all\n")
    path.chmod(0o666)
    made = MadeToken(str(path))
    assert made.get() is None
    assert "anybody may write" in str(made.problem)
    assert path.read_text() == "known-to-all\n"
