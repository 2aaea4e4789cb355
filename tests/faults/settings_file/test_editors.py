"""Ways in which people and programs save the file: each is one change, and never half of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.followed_file import TEXT, Followed, followed, with_wait
from tests.support.polling import until

Save = Callable[[Path, str], None]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "breakers.toml"


@pytest.fixture
def here(file: Path) -> Iterator[Followed]:
    with followed(file) as found:
        yield found


def in_place(path: Path, text: str) -> None:
    """As nano, and emacs with `backup-by-copying`: emptied, written, closed."""
    path.write_text(text)


def in_pieces(path: Path, text: str) -> None:
    """As a program that flushes line by line."""
    with path.open("w") as file:
        for line in text.splitlines(keepends=True):
            file.write(line)
            file.flush()


def emptied_first(path: Path, text: str) -> None:
    """As `: > file; cat >> file`, which closes the file in between."""
    path.write_text("")
    with path.open("a") as file:
        file.write(text)


def by_replacement(path: Path, text: str) -> None:
    """As VS Code with atomic saves, ansible's copy and `install`: a new file takes the name."""
    new = path.with_name(".ansible_tmpXYZbreakers.toml")
    new.write_text(text)
    os.utime(new)
    new.replace(path)


def by_backup_and_new_file(path: Path, text: str) -> None:
    """As emacs and vim: the old file becomes the backup, and a new one is written."""
    path.rename(path.with_name(path.name + "~"))
    path.write_text(text)


def with_a_probe(path: Path, text: str) -> None:
    """As vim, which first tries whether it can make files there."""
    probe = path.with_name("4913")
    probe.touch()
    probe.unlink()
    by_backup_and_new_file(path, text)
    path.with_name(path.name + "~").unlink()


def by_copy(path: Path, text: str) -> None:
    """As `cp`, which keeps the file and its name."""
    new = path.with_name("new.toml")
    new.write_text(text)
    shutil.copyfile(new, path)


def with_an_older_time(path: Path, text: str) -> None:
    """As `cp -p`, `rsync -t` and `tar x`: the file is as old as its source."""
    in_place(path, text)
    os.utime(path, (1_000_000_000, 1_000_000_000))


def with_a_time_ahead(path: Path, text: str) -> None:
    """As a machine whose clock is an hour ahead, or before this one's was set back."""
    in_place(path, text)
    ahead = path.stat().st_mtime + 3600
    os.utime(path, (ahead, ahead))


def by_sed(path: Path, text: str) -> None:
    old = path.read_text().splitlines()[0]
    new = text.splitlines()[0]
    subprocess.run(["sed", "-i", f"s/^{old}$/{new}/", str(path)], check=True)


def by_vim(path: Path, text: str, *options: str) -> None:
    new = text.splitlines()[0]
    edit = f"call setline(1, '{new}')"
    command = ["vim", "-Nu", "NONE", "-n", "-es", *options, "-c", edit, "-c", "wq", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)


def by_vim_keeping_a_backup(path: Path, text: str) -> None:
    by_vim(path, text, "-c", "set backup backupcopy=no")


def by_vim_in_place(path: Path, text: str) -> None:
    by_vim(path, text, "-c", "set backup backupcopy=yes")


VIM = pytest.mark.needs("vim")
SAVES = [
    in_place,
    in_pieces,
    emptied_first,
    by_replacement,
    by_backup_and_new_file,
    with_a_probe,
    by_copy,
    with_an_older_time,
    with_a_time_ahead,
    by_sed,
    pytest.param(by_vim, marks=VIM),
    pytest.param(by_vim_keeping_a_backup, marks=VIM),
    pytest.param(by_vim_in_place, marks=VIM),
]


@pytest.mark.parametrize("save", SAVES)
def test_each_save_is_applied_once(here: Followed, file: Path, save: Save) -> None:
    for seconds in (11, 12):
        save(file, with_wait(seconds))
        here.until(seconds)
    assert here.applied == [11, 12]
    until(lambda: here.config.outcomes.counts.applied == 2)  # counted after it is applied
    assert here.config.outcomes.counts.refused == 0


def test_a_touch_is_no_reload_and_a_comment_no_change(here: Followed, file: Path) -> None:
    for _ in range(3):
        file.touch()
    file.chmod(0o600)
    file.write_text(TEXT + "# a comment\n")
    until(lambda: here.config.outcomes.counts.unchanged == 1)
    file.write_text(with_wait(11).replace("\n", "\n\n"))
    here.until(11)
    file.write_text(with_wait(11))
    until(lambda: here.config.outcomes.counts.unchanged == 2)
    assert here.applied == [11]
    assert here.config.outcomes.counts.applied == 1
    assert here.config.outcomes.counts.refused == 0
    assert here.config.document.text == with_wait(11), "later changes edit the file as it is now"


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_line_ends_and_marks_of_other_systems_are_no_change(
    here: Followed, file: Path, mark: str, line_end: str
) -> None:
    text = (mark + TEXT + "# seen\n").replace("\n", line_end)
    file.write_bytes(text.encode())
    until(lambda: here.config.outcomes.counts.unchanged == 1)
    file.write_bytes(text.replace("10 #", "11 #").encode())
    here.until(11)
    assert here.applied == [11]
    here.config.change({("wait_time",): 12})
    assert file.read_bytes() == text.replace("10 #", "12 #").encode()


def test_a_file_that_is_being_written_is_neither_taken_nor_refused(
    here: Followed, file: Path
) -> None:
    with file.open("w") as writer:
        writer.write("wait_time = 11\nlatency_thr")
        writer.flush()
        # As if nobody had written for a while: what is there is no TOML.
        before = file.stat().st_mtime - 1
        os.utime(file, (before, before))
        assert here.config.refresh() > 0
        assert here.config.status.successful
        writer.write("eshold = 300\n[breakers.payments]\n")
    here.until(11)
    assert here.applied == [11]
    assert here.config.outcomes.counts.refused == 0


def test_a_refused_file_is_told_until_it_is_mended(here: Followed, file: Path) -> None:
    file.write_text("wait_time = -1\n" + TEXT[TEXT.index("latency") :])
    assert "breakers.toml:1: wait_time" in here.until_refused()
    file.touch()
    file.write_text(file.read_text() + "# still wrong\n")
    until(lambda: here.config.refresh() == 0)
    assert "breakers.toml:1: wait_time" in here.until_refused()
    assert here.config.outcomes.counts.refused == 1
    assert here.in_force == 10
    file.write_text(with_wait(11))
    here.until(11)
    assert here.applied == [11]


def test_a_refused_file_that_is_taken_back_is_no_change(here: Followed, file: Path) -> None:
    file.write_text("wait_time = -1\n" + TEXT[TEXT.index("latency") :])
    here.until_refused()
    file.write_text(TEXT)
    here.until(10)
    assert here.applied == []
