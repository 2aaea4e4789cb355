"""What is in force and not in the file is named with its cause, and never with a secret."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from breakerd.api.file_settings import MASKER
from breakerd.breaker.config import ConfigFile
from breakerd.breaker.config_log.drift import FileDrift
from breakerd.breaker.config_log.masking import MASK
from breakerd.breaker.errors import ConfigWriteError
from tests.unit.breaker.config_log.conftest import Process
from tests.unit.breaker.config_log.test_temporary import LATENCY, hold

Start = Callable[[], Process]


def found(process: Process) -> list[tuple[Any, ...]]:
    drift = FileDrift(process.config, MASKER).found()
    return [(".".join(each.key), each.in_force, each.in_file, each.cause) for each in drift]


def test_nothing_differs_at_first(start: Start) -> None:
    assert found(start()) == []


def test_a_temporary_value_is_told_with_its_author(start: Start) -> None:
    process = start()
    hold(process, LATENCY, 700)
    assert found(process) == [("latency_threshold", 700, 500, "temporary")]
    (drifted,) = FileDrift(process.config, MASKER).found()
    assert (drifted.by, drifted.text) == ("alice", "set until the restart: tonight")


def test_an_edit_is_told_until_it_is_in_force(start: Start, file: Path) -> None:
    process = start()
    drift = FileDrift(process.config, MASKER)
    assert drift.found() == []
    file.write_text(file.read_text().replace("500", "900").replace("hidden-1", "hidden-2"))
    assert [(each.key, each.in_force, each.in_file) for each in drift.found()] == [
        (("latency_threshold",), 500, 900),
        (("opsgenie", "api_key"), MASK, MASK),
    ]
    assert {each.cause for each in drift.found()} == {"not applied"}
    process.config.reload()
    assert drift.found() == []


def test_a_refused_file_is_told_key_by_key(start: Start, file: Path) -> None:
    process = start()
    file.write_text(file.read_text().replace("500", "-1"))
    assert not process.config.reload()
    assert found(process) == [("latency_threshold", 500, -1, "refused")]


@pytest.mark.parametrize("text", ["latency_threshold = \n", "\udcff"])
def test_a_file_that_is_no_toml_is_told_as_a_whole(start: Start, file: Path, text: str) -> None:
    process = start()
    file.write_bytes(os.fsencode(text))
    assert not process.config.reload()
    assert found(process) == [("", None, None, "refused")]


def test_a_missing_file_is_told(start: Start, file: Path) -> None:
    process = start()
    file.unlink()
    assert found(process) == [("", None, None, "refused")]


def test_what_could_not_be_written_is_told(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    process = start()

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("breakerd.breaker.config.file.shared_file.atomic_write", refuse)
    with pytest.raises(ConfigWriteError):
        process.change(700)
    assert found(process) == [("latency_threshold", 700, None, "not written")]
    status = process.registry.get().status()
    assert status["config"] is not None
    assert [(each["key"], each["cause"]) for each in status["config"]["drift"]] == [
        ("latency_threshold", "not written")
    ]


def test_a_file_that_is_gone_from_memory_has_no_drift(file: Path) -> None:
    drift = FileDrift(ConfigFile(file))
    with pytest.raises(ReferenceError):
        drift.found()
