"""Each configuration in force is in the log once, with its author, also of a killed process."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from breakerd.breaker.config.following.origin import Origin, Way, changing_as
from breakerd.breaker.config_log import ConfigLog, ConfigRow
from breakerd.breaker.config_log.masking import MASK
from breakerd.breaker.config_log.table import ConfigTable
from breakerd.breaker.errors import ConfigWriteError
from tests.support.forking import in_child
from tests.support.polling import until
from tests.unit.breaker.config_log.conftest import Process

Start = Callable[[], Process]
ALICE = Origin(Way.HTTP, "alice", "full token", "black friday")


def ways(rows: list[ConfigRow]) -> list[tuple[str, str]]:
    return [(row.origin.way.value, row.origin.by) for row in rows]


def test_a_change_is_logged_with_author_reason_and_difference(start: Start) -> None:
    process = start()
    process.logged(1)
    with changing_as(ALICE):
        process.change(700)
    first, second = process.logged(2)
    assert (first.number, first.origin.way, first.changes) == (1, Way.START, None)
    assert (second.number, second.origin) == (2, ALICE)
    assert second.changes is not None
    assert [(each.key, each.before, each.after) for each in second.changes] == [
        (("latency_threshold",), 500, 700)
    ]
    assert second.digest != first.digest
    assert second.process.endswith(f":{os.getpid()}")


def test_all_processes_write_one_row_for_each_change(start: Start, file: Path) -> None:
    one, two, three = start(), start(), start()
    one.logged(1)
    with changing_as(ALICE):
        two.change(700)
    for each in (one, three):
        each.config.reload()
        assert each.latency == 700
    file.write_text(file.read_text().replace("700", "800"))
    for each in (one, two, three):
        each.config.reload()
    rows = three.logged(3)
    for each in (one, two, three):
        until(partial(_is_noted, each))
    assert ways(rows) == [("start", ""), ("http", "alice"), ("file", "")]
    assert len(one.log.rows()) == 3


def _is_noted(process: Process) -> bool:
    return process.log._unseen is None


def test_a_restart_with_the_same_file_is_no_new_row(start: Start) -> None:
    process = start()
    process.logged(1)
    process.close()
    again = start()
    until(lambda: again.log._unseen is None)
    assert len(again.log.rows()) == 1


def test_a_process_killed_before_it_could_confirm_is_known_by_its_author(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start()
    process.logged(1)
    with monkeypatch.context() as killed:
        killed.setattr(ConfigLog, "changed", lambda *_, **__: None)
        with changing_as(ALICE):
            process.change(700)
    assert len(process.log.rows()) == 1
    rows = start().logged(2)
    assert ways(rows) == [("start", ""), ("http", "alice")]
    assert rows[1].origin.reason == "black friday"


def test_what_was_begun_and_never_written_is_not_logged(
    start: Start,
) -> None:
    process = start()
    process.logged(1)
    process.config.journal.writing(process.config.preview({("wait_time",): 7}).active)
    with changing_as(ALICE):
        process.change(700)
    rows = process.logged(2)
    assert [row.data.get("wait_time") for row in rows] == [None, None]
    assert ways(rows) == [("start", ""), ("http", "alice")]


def test_a_file_that_cannot_be_written_is_told(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start()
    process.logged(1)
    monkeypatch.setattr("breakerd.breaker.config.file.shared_file.atomic_write", _refuse)
    with pytest.raises(ConfigWriteError):
        process.change(700)
    rows = process.logged(2)
    assert [row.written for row in rows] == [True, False]


def _refuse(*_: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_no_secret_is_in_the_log_and_its_change_is(
    start: Start, file: Path, database: Path
) -> None:
    process = start()
    process.logged(1)
    file.write_text(file.read_text().replace("hidden-1", "hidden-2"))
    process.config.reload()
    first, second = process.logged(2)
    assert first.digest == second.digest
    assert second.changes is not None
    assert [(each.key, each.secret) for each in second.changes] == [(("opsgenie", "api_key"), True)]
    assert second.data["opsgenie"] == {"api_key": MASK, "team": "core"}
    process.close()
    for each in database.parent.iterdir():
        assert b"hidden" not in each.read_bytes()
        assert each.stat().st_mode & 0o077 == 0


def test_a_database_that_fails_costs_only_the_log(start: Start, database: Path) -> None:
    database.parent.mkdir()
    database.mkdir()
    process = start()
    process.change(700)
    assert process.latency == 700
    assert process.log.rows() == []
    assert process.log.problem
    assert process.log.row(1) is None
    assert process.log.with_digest("0") is None
    database.rmdir()
    with changing_as(ALICE):
        process.change(800)
    rows = process.logged(2)
    assert ways(rows)[-1] == ("http", "alice")
    assert rows[-1].data["latency_threshold"] == 800
    assert not process.log.problem


def test_a_thousand_are_kept(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("breakerd.breaker.config_log.table.KEPT", 3)
    process = start()
    process.logged(1)
    for milliseconds in range(600, 606):
        process.change(milliseconds)
    rows = process.logged(3)
    assert [row.number for row in rows] == [5, 6, 7]
    assert rows[0].changes is None


def test_large_ones_are_kept_as_far_as_they_fit(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start()
    process.logged(1)
    monkeypatch.setattr("breakerd.breaker.config_log.table._MAX_BYTES", 1)
    process.change(600)
    process.change(700)
    assert [row.number for row in process.logged(1)] == [3]


def test_rows_of_another_program_are_left_out(start: Start) -> None:
    process = start()
    process.logged(1)
    process.change(600)
    table = process.log._table
    assert isinstance(table, ConfigTable)
    table._database.write("UPDATE configs SET way = ? WHERE number = 1", [("sorcery",)])
    assert [row.number for row in process.log.rows()] == [2]


def test_a_forked_child_keeps_its_own(start: Start) -> None:
    process = start()
    process.logged(1)

    def child() -> None:
        assert process.log.rows() == []
        process.log.start()
        with changing_as(ALICE):
            process.change(700)
        assert ways(process.logged(2))[-1] == ("http", "alice")
        process.log.close()

    in_child(child)
    process.config.reload()
    assert ways(process.logged(2)) == [("start", ""), ("http", "alice")]


def test_rows_are_found_by_number_and_by_digest(start: Start) -> None:
    process = start()
    first = process.logged(1)[0]
    process.change(600)
    second = process.logged(2)[1]
    assert process.log.row(1) == first
    for missing in (-1, 0, 3, 1 << 80):
        assert process.log.row(missing) is None
    assert process.log.rows(1, before=1) == []
    assert process.log.with_digest(second.digest[:12]) == second
    assert process.log.with_digest("f" * 16) is None
    assert [row.number for row in process.log.rows(1, before=2)] == [1]
