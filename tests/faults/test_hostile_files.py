"""Files that chance and malice made: refused with a place, or valid, soon and in little memory.

A fault names its case; `tests.support.hostile.judge.case(NUMBER)` makes the file again.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from breakerd import ConfigError
from breakerd.api.file_settings import read_file
from tests.support.hostile.judge import case, judge_bombs, judge_cases
from tests.support.hostile.seeds import seeds
from tests.support.thoroughness import THOROUGH

FILES = int(os.environ.get("HOSTILE_FILES", "100000" if THOROUGH else "3000"))
PROCESSES = os.cpu_count() or 1
PARTS = 25 if THOROUGH else 1
"""Tests that share the files, so that each ends in time."""


@pytest.mark.parametrize("number", range(len(seeds())))
def test_the_files_that_hostile_ones_are_made_from_are_valid(tmp_path: Path, number: int) -> None:
    path = tmp_path / "breakers.toml"
    path.write_bytes(seeds()[number].encode())
    read_file(path)


def test_a_case_is_always_the_same() -> None:
    assert case(7) == case(7)
    assert case(7) != case(8)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.parametrize("part", range(PARTS))
def test_each_is_refused_with_a_place_or_valid(tmp_path: Path, part: int) -> None:
    found = judge_cases(range(part, FILES, PARTS), tmp_path, PROCESSES)
    assert not found.faults, "\n".join(found.faults[:20])
    assert found.refused + found.valid == len(range(part, FILES, PARTS))
    assert min(found.refused, found.valid) > found.refused // 50, found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_none_takes_long_or_needs_much_memory(tmp_path: Path) -> None:
    found = judge_bombs(tmp_path, PROCESSES)
    assert not found.faults, "\n".join(found.faults[:20])


@pytest.mark.parametrize(
    "kind", ["folder", "fifo", "device", "loop", "link to a device", "nothing"]
)
def test_what_is_no_file_is_told_and_never_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "breakers.toml"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    with pytest.raises(ConfigError) as caught:
        read_file(path)
    assert caught.value.problems[0].where == str(path)
