"""Temporary values are in force in all processes of the host, until the last of them ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from breakerd.breaker.config import Key
from breakerd.breaker.config.following.temporary import (
    Temporaries,
    TemporaryValue,
    print_of,
    value_at,
    without,
)
from breakerd.breaker.config_log.presence import Presence
from breakerd.breaker.errors import ConfigError, NotStoredError
from tests.support.forking import in_child
from tests.support.polling import until
from tests.unit.breaker.config_log.conftest import Process

Start = Callable[[], Process]
LATENCY: Key = ("latency_threshold",)


def hold(process: Process, key: Key, value: object) -> None:
    over = print_of(value_at(process.config.lasting.data, key))
    new = TemporaryValue(key, value, over, "alice", 1_000.0, "tonight")

    def change(present: Temporaries) -> Temporaries:
        return (*without(present, [key]), new)

    process.log.temporary.change(change)
    process.log.note_temporary()


def end(process: Process, key: Key) -> None:
    process.log.temporary.change(lambda present: without(present, [key]))
    process.log.note_temporary()


def test_one_is_in_force_everywhere_and_not_in_the_file(start: Start, file: Path) -> None:
    before = file.read_text()
    one, two = start(), start()
    hold(one, LATENCY, 700)
    assert one.latency == 700
    until(lambda: two.latency == 700)
    assert start().latency == 700, "a process that starts later has it too"
    assert file.read_text() == before
    rows = two.logged(2)
    assert [row.temporary for row in rows] == [(), ("latency_threshold",)]
    end(two, LATENCY)
    until(lambda: one.latency == 500)


def test_it_ends_with_the_last_process(start: Start) -> None:
    one, two = start(), start()
    hold(one, LATENCY, 700)
    one.close()
    until(lambda: two.latency == 700)
    two.close()
    assert start().latency == 500


def test_another_change_does_not_write_it(start: Start, file: Path) -> None:
    process = start()
    hold(process, LATENCY, 700)
    process.registry.change("default", {"wait_time": 7})
    assert process.latency == 700
    assert "latency_threshold = 500" in file.read_text()
    assert "wait_time = 7" in file.read_text()


def test_a_change_of_its_key_ends_it_everywhere(start: Start) -> None:
    one, two = start(), start()
    hold(one, LATENCY, 700)
    until(lambda: two.latency == 700)
    two.change(500)  # what the file has already
    assert two.latency == 500
    until(lambda: one.latency == 500)
    assert start().latency == 500


def test_an_edit_of_its_key_counts_more(start: Start, file: Path) -> None:
    one, two = start(), start()
    hold(one, LATENCY, 700)
    until(lambda: two.latency == 700)
    file.write_text(file.read_text() + "\n# a comment\n")
    for each in (one, two):
        each.config.reload()
        assert each.latency == 700
    file.write_text(file.read_text().replace("500", "900"))
    for each in (one, two):
        each.config.reload()
        assert (each.latency, each.config.temporary) == (900, ())
    file.write_text(file.read_text().replace("900", "500"))
    one.config.reload()
    until(lambda: one.log._unseen is None)
    assert start().latency == 500, "it does not come back with the old value"


def test_an_edit_that_does_not_fit_it_counts_more(start: Start, file: Path) -> None:
    process = start()
    hold(process, ("limiter", "max_limit"), 20)
    file.write_text(file.read_text() + "[limiter]\nmin_limit = 50\n")
    assert process.config.reload()
    limiter = process.registry.get().settings.limiter
    assert (limiter.min_limit, limiter.max_limit, process.config.temporary) == (50, None, ())


def test_an_invalid_one_changes_nothing(start: Start) -> None:
    process = start()
    with pytest.raises(ConfigError):
        hold(process, LATENCY, "fast")
    assert (process.latency, process.config.temporary) == (500, ())


def test_one_that_cannot_be_told_changes_nothing(start: Start, database: Path) -> None:
    process = start()
    place = database.with_name("breakerd-config-temporary.json")
    place.mkdir()
    with pytest.raises(NotStoredError, match="breakerd-config-temporary"):
        hold(process, LATENCY, 700)
    assert process.latency == 500


@pytest.mark.parametrize("text", ["{", "[]", '{"values": {"x": [[1]]}}', '{"values": 1}'])
def test_a_damaged_file_is_taken_for_empty(start: Start, database: Path, text: str) -> None:
    process = start()
    hold(process, LATENCY, 700)
    database.with_name("breakerd-config-temporary.json").write_text(text)
    until(lambda: process.latency == 500)
    hold(process, LATENCY, 800)
    assert process.latency == 800


def test_a_value_of_another_process_that_is_invalid_here_is_refused(
    start: Start, database: Path
) -> None:
    process = start()
    over = print_of(500)
    value = f'[["latency_threshold"], "fast", "{over}", "", 1.0, ""]'
    text = f'{{"values": {{"{process.config.path}": [{value}]}}}}'
    database.with_name("breakerd-config-temporary.json").write_text(text)
    assert not process.log.temporary.follow()
    assert process.latency == 500


def test_a_process_is_alone_only_if_nobody_else_is_there(tmp_path: Path) -> None:
    one, two = Presence(tmp_path / "lock"), Presence(tmp_path / "lock")
    assert one.enter()
    assert not one.enter()
    assert not two.enter()
    one.leave()
    one.leave()
    assert not Presence(tmp_path / "lock").enter()
    two.leave()


def test_a_child_does_not_stand_for_its_parent(tmp_path: Path) -> None:
    one = Presence(tmp_path / "lock")
    assert one.enter()

    def look() -> bool:
        return Presence(tmp_path / "lock").enter()

    assert not in_child(look)
    one.leave()
    assert in_child(look)
