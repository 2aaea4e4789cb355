from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from breakerd.alerts.storage.database_pointer import FOLDER, DatabasePointer


@pytest.fixture
def config(tmp_path: Path) -> Path:
    config = tmp_path / "breakers.toml"
    config.touch()
    return config


@pytest.fixture
def database(tmp_path: Path) -> Path:
    database = tmp_path / "alerts.db"
    database.touch()
    return database


def files_in(folder: Path) -> list[Path]:
    return sorted((folder / FOLDER).iterdir())


def test_it_names_the_database_that_was_used_last(
    tmp_path: Path, config: Path, database: Path
) -> None:
    pointer = DatabasePointer(tmp_path, config)
    assert pointer.read() is None
    pointer.write(database)
    assert DatabasePointer(tmp_path, config).read() == database
    assert DatabasePointer(tmp_path, tmp_path / "other.toml").read() is None
    database.unlink()
    assert pointer.read() is None


def test_only_its_owner_may_read_it_and_nothing_else_is_left(
    tmp_path: Path, config: Path, database: Path
) -> None:
    before = os.umask(0)
    try:
        DatabasePointer(tmp_path, config).write(database)
    finally:
        os.umask(before)
    (file,) = files_in(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_that_of_a_configuration_that_is_gone_is_dropped(
    tmp_path: Path, config: Path, database: Path
) -> None:
    gone = tmp_path / "gone.toml"
    DatabasePointer(tmp_path, gone).write(database)
    DatabasePointer(tmp_path, config).write(database)
    assert len(files_in(tmp_path)) == 1


@pytest.mark.parametrize("content", [b"", b"[]", b'{"database": 1}', b"\xff", b"[" * 100_000])
def test_one_that_is_damaged_is_replaced(
    tmp_path: Path, config: Path, database: Path, content: bytes
) -> None:
    pointer = DatabasePointer(tmp_path, config)
    pointer.write(database)
    (file,) = files_in(tmp_path)
    file.write_bytes(content)
    assert pointer.read() is None
    pointer.write(database)
    assert pointer.read() == database


def test_what_is_no_file_is_not_waited_for(tmp_path: Path, config: Path, database: Path) -> None:
    pointer = DatabasePointer(tmp_path, config)
    pointer.write(database)
    (file,) = files_in(tmp_path)
    file.unlink()
    os.mkfifo(file)
    assert pointer.read() is None
