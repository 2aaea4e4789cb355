from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from breakerd import ConfigError, ConfigProblem, ConfigWriteError
from breakerd.breaker.config import ConfigFile, Document
from breakerd.breaker.errors import ConfigConflictError
from tests.support.saved_file import save

TIMEOUT = 20


class Keeper:
    """A subscriber that keeps what was put in force, and refuses a file that says `bad`."""

    def __init__(self, name: str = "keeper") -> None:
        self.name = name
        self.seen: list[dict[str, object]] = []
        self._changed = threading.Condition()

    def owns(self, section: str) -> bool:
        return not section.startswith("foreign")

    def prepare(self, document: Document) -> Callable[[], None]:
        if "bad" in document.data:
            line = document.line_of(("bad",))
            raise ConfigError([ConfigProblem(self.name, line, "bad", "bad", "good")])

        def apply() -> None:
            with self._changed:
                self.seen.append(document.data)
                self._changed.notify_all()

        return apply

    def wait_for(self, data: dict[str, object]) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.seen[-1] == data, TIMEOUT)


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def config(path: Path, keeper: Keeper) -> Iterator[ConfigFile]:
    config = ConfigFile(path)
    config.subscribe(keeper)
    yield config
    config.close()


def test_who_joins_gets_the_present_content(config: ConfigFile, keeper: Keeper) -> None:
    assert keeper.seen == [{"a": 1}]
    assert config.status.successful
    assert config.document.data == {"a": 1}


def test_who_finds_its_sections_wrong_does_not_join(path: Path, keeper: Keeper) -> None:
    save(path, "bad = 1\n")
    config = ConfigFile(path)
    with pytest.raises(ConfigError):
        config.subscribe(keeper)
    save(path, "a = 2\n")
    assert config.reload()
    assert keeper.seen == []


def test_who_left_is_told_no_more(config: ConfigFile, keeper: Keeper, path: Path) -> None:
    config.unsubscribe(keeper)
    save(path, "a = 2\n")
    assert config.reload()
    assert keeper.seen == [{"a": 1}]


def test_a_broken_file_makes_no_configuration(path: Path) -> None:
    save(path, "a = \n")
    with pytest.raises(ConfigError):
        ConfigFile(path)


def test_a_reload_puts_the_new_content_in_force(
    config: ConfigFile, keeper: Keeper, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = config.status.last_success_at
    save(path, "a = 2\n")
    with caplog.at_level(logging.INFO, "breakerd.breaker.config"):
        assert config.reload()
    assert keeper.seen[-1] == {"a": 2}
    assert config.status.last_success_at >= before
    assert "configuration applied" in caplog.text


def test_a_bad_edit_changes_nothing_for_anybody_and_is_told_once(
    config: ConfigFile, keeper: Keeper, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    second = Keeper("second")
    config.subscribe(second)
    before = config.status.last_success_at
    save(path, "a = 2\nbad = 1\n")
    assert not config.reload()
    assert not config.reload()
    assert keeper.seen == second.seen == [{"a": 1}]
    assert [problem.where for problem in config.status.problems] == ["keeper", "second"]
    assert config.status.last_success_at == before
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "keeper:2: bad: found bad" in record.getMessage()


def test_a_file_that_is_no_toml_or_is_gone_changes_nothing(
    config: ConfigFile, keeper: Keeper, path: Path
) -> None:
    save(path, "a = \n")
    assert not config.reload()
    assert config.status.problems[0].line == 1
    path.unlink()
    assert not config.reload()
    assert config.status.problems[0].found == "No such file or directory"
    save(path, "a = 3\n")
    assert config.reload()
    assert keeper.seen == [{"a": 1}, {"a": 3}]
    assert config.status.problems == ()


def test_a_bad_edit_that_is_taken_back_is_good_again(
    config: ConfigFile, keeper: Keeper, path: Path
) -> None:
    save(path, "bad = 1\n")
    assert not config.reload()
    save(path, "a = 1  # one\n")
    assert config.reload()
    assert keeper.seen[-1] == {"a": 1}


def test_a_change_is_in_force_then_in_the_file(
    config: ConfigFile, keeper: Keeper, path: Path
) -> None:
    path.chmod(0o640)
    config.change({("a",): 2, ("t", "b"): "x"})
    assert keeper.seen[-1] == {"a": 2, "t": {"b": "x"}}
    assert path.read_text() == 'a = 2  # one\n\n[t]\nb = "x"\n'
    assert path.stat().st_mode & 0o777 == 0o640
    assert config.document.text == path.read_text()


def test_a_wrong_change_is_neither(config: ConfigFile, keeper: Keeper, path: Path) -> None:
    with pytest.raises(ConfigError):
        config.change({("bad",): 1})
    assert keeper.seen == [{"a": 1}]
    assert path.read_text() == "a = 1  # one\n"
    assert config.status.successful


def test_its_own_write_is_no_reload(config: ConfigFile, keeper: Keeper, path: Path) -> None:
    config.change({("a",): 2})
    config.refresh()  # what the watch does when it is woken
    assert keeper.seen == [{"a": 1}, {"a": 2}]
    save(path, "a = 3\n")
    config.refresh()
    assert keeper.seen == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_what_others_edited_meanwhile_stays_and_comes_into_force(
    config: ConfigFile, keeper: Keeper, path: Path
) -> None:
    save(path, "# theirs\nb = 5\na = 1\n")
    config.change({("a",): 2})
    assert path.read_text() == "# theirs\nb = 5\na = 2\n"
    assert keeper.seen[-1] == {"a": 2, "b": 5}
    assert config.status.successful


def test_a_wrong_edit_of_others_stays_but_does_not_come_into_force(
    config: ConfigFile, keeper: Keeper, path: Path
) -> None:
    save(path, "a = 1\nbad = 1\n")
    config.change({("a",): 2})
    assert path.read_text() == "a = 2\nbad = 1\n"
    assert keeper.seen[-1] == {"a": 2}
    assert not config.status.successful
    save(path, "a = 1  # one\n")
    assert config.reload()
    assert keeper.seen[-1] == {"a": 1}


def test_a_file_that_is_no_toml_is_not_written_over(
    config: ConfigFile, keeper: Keeper, path: Path
) -> None:
    save(path, "a = \n")
    with pytest.raises(ConfigWriteError, match=r"TOML 1\.0"):
        config.change({("t", "b"): 2})
    assert path.read_text() == "a = \n"
    assert keeper.seen[-1] == {"a": 1, "t": {"b": 2}}


def test_an_edit_that_cannot_take_the_change_comes_into_force_without_it(
    config: ConfigFile, keeper: Keeper, path: Path
) -> None:
    save(path, "t = 1\n")
    with pytest.raises(ConfigConflictError, match="no table"):
        config.change({("t", "b"): 2})
    assert path.read_text() == "t = 1\n"
    assert keeper.seen == [{"a": 1}, {"t": 1}]


def test_a_wrong_edit_that_cannot_take_the_change_stops_it(
    config: ConfigFile, keeper: Keeper, path: Path
) -> None:
    save(path, "bad = 1\nt = 1\n")
    with pytest.raises(ConfigConflictError, match="no table"):
        config.change({("t", "b"): 2})
    assert keeper.seen == [{"a": 1}]


def test_a_read_only_file_holds_the_change_in_memory(
    config: ConfigFile, keeper: Keeper, path: Path
) -> None:
    path.chmod(0o444)
    with pytest.raises(ConfigWriteError, match=r"^a: active, but not written to .*read-only"):
        config.change({("a",): 2})
    assert keeper.seen[-1] == {"a": 2}
    assert path.read_text() == "a = 1  # one\n"
    assert config.reload(), "an unchanged file undoes nothing"
    assert keeper.seen[-1] == {"a": 2}

    path.chmod(0o644)
    config.change({("b",): 3})
    assert path.read_text() == "a = 2  # one\nb = 3\n", "it is written with the next change"


def test_what_could_not_be_written_ends_with_the_next_edit(
    config: ConfigFile, keeper: Keeper, path: Path
) -> None:
    path.chmod(0o444)
    with pytest.raises(ConfigWriteError):
        config.change({("a",): 2})
    path.chmod(0o644)
    save(path, "c = 1\n")
    assert config.reload()
    assert keeper.seen[-1] == {"c": 1}
    config.change({("b",): 3})
    assert path.read_text() == "c = 1\nb = 3\n"


def test_edits_are_applied_while_it_watches_and_not_after(
    config: ConfigFile, keeper: Keeper, path: Path
) -> None:
    before = set(threading.enumerate())
    config.watch()
    config.watch()  # once is enough
    (thread,) = [t for t in set(threading.enumerate()) - before if t.name == "breaker-config"]
    save(path, "a = 2\n")
    assert keeper.wait_for({"a": 2})
    config.close()
    assert not thread.is_alive()
    save(path, "a = 3\n")
    assert keeper.seen[-1] == {"a": 2}


def test_a_bad_edit_is_refused_while_it_watches(
    config: ConfigFile, keeper: Keeper, path: Path
) -> None:
    config.watch()
    save(path, "bad = 1\n")
    save(path, "bad = 2\n")
    config.refresh()  # what the watch does when it is woken
    assert not config.status.successful
    save(path, "a = 2\n")
    assert keeper.wait_for({"a": 2})
    assert keeper.seen == [{"a": 1}, {"a": 2}]


def test_a_storm_of_good_and_bad_edits_ends_with_the_last(
    config: ConfigFile, keeper: Keeper, path: Path
) -> None:
    config.watch()
    for number in range(200):
        save(path, "bad = 1\n" if number % 2 else f"a = {number}\n")
    save(path, "a = 1000\n")
    assert keeper.wait_for({"a": 1000})
    assert len(keeper.seen) < 100


def test_changes_from_many_threads_all_arrive(config: ConfigFile, path: Path) -> None:
    config.watch()

    def change(number: int) -> None:
        for value in range(10):
            config.change({(f"k{number}",): value})

    threads = [threading.Thread(target=change, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert config.document.data == {"a": 1} | {f"k{number}": 9 for number in range(8)}
    assert path.read_text() == config.document.text


def test_the_log_tells_which_keys_were_written_and_not_the_values(
    config: ConfigFile, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "breakerd.breaker.config"):
        config.change({("t", "api_key"): "hunter2"})
    assert "t.api_key" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_relative_path_holds_when_the_process_changes_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "daemon.toml").write_text("a = 1")
    config = ConfigFile("daemon.toml")
    monkeypatch.chdir("/")
    (tmp_path / "daemon.toml").write_text("a = 2")
    assert config.reload()
    assert "a = 2" in config.document.text
