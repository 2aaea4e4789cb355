"""Hub in a file: locked, deleted, forked, and looked at for commands."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from breakerd.breaker.fleet.hub.factory import hub_file
from breakerd.breaker.fleet.hub.file.hub import LOCKED_LIMIT, FileHub
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.messages import Act, Register, Slot
from tests.support.fleet_hubs import DrivenTime
from tests.support.fleet_reports import POOL, MadeMember, pool_of
from tests.support.forking import in_child

LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE record SET value = value")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
print("committed", flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return hub_file(tmp_path / "breakerd.db")


@pytest.fixture
def hub(path: Path, time: DrivenTime) -> Iterator[FileHub]:
    made = FileHub(path, time, time.new_id, time)
    yield made
    made.close()


@contextmanager
def locked(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that was stopped in the middle of a transaction."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOCKER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    process.send_signal(signal.SIGSTOP)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_it_lies_beside_the_database_of_alerting(path: Path) -> None:
    assert path.name == "breakerd-fleet.db"


def test_its_files_are_private(hub: FileHub, path: Path) -> None:
    hub.exchange(MadeMember("a").report())
    files = list(path.parent.glob(path.name + "*"))
    assert len(files) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_several_processes_share_it(hub: FileHub, path: Path) -> None:
    hub.exchange(MadeMember("a").report())

    def exchange() -> int:
        return FileHub(path).exchange(MadeMember("b").report()).members

    assert in_child(exchange) >= 1
    assert {each.info.id for each in hub.members()} == {"a", "b"}


def test_the_host_has_no_sums_of_its_own_where_it_is_all_there_is(hub: FileHub) -> None:
    for id_ in ("a", "b"):
        view = hub.exchange(MadeMember(id_, "h", "z", one_host=True).report(Slot(1000, 4, 1)))
    assert [each.scope for each in view.breakers[0].scopes] == ["fleet"]
    assert hub.members()[0].info.host == "h"
    of_host, sketch = hub.pool(POOL, "host:h")
    assert (of_host.scope, of_host.members, of_host.totals.calls) == ("host:h", 2, 8)
    assert (of_host._replace(scope="fleet"), sketch) == hub.pool(POOL, "fleet")
    assert hub.pool(POOL, "zone:z")[0].members == 0


def test_a_child_does_not_use_what_it_inherits(hub: FileHub) -> None:
    hub.exchange(MadeMember("a").report())

    def exchange() -> str:
        try:
            hub.exchange(MadeMember("b").report())
        except HubUnavailableError as error:
            return str(error)
        return "it did"

    assert "forked" in in_child(exchange)
    assert hub.exchange(MadeMember("c").report()).members == 2


def test_a_stopped_process_blocks_nobody_for_long(
    hub: FileHub, path: Path, time: DrivenTime
) -> None:
    one = MadeMember("a")
    before = hub.exchange(one.report(Slot(int(time.now), 2)))
    with locked(path) as process:
        with pytest.raises(HubUnavailableError, match="locked"):
            hub.exchange(one.report())
        time.now += LOCKED_LIMIT - 0.1
        with pytest.raises(HubUnavailableError, match="locked"):
            hub.exchange(one.report())
        time.now += 0.1
        with pytest.raises(HubUnavailableError):
            hub.exchange(one.report())
        after = hub.exchange(one.report(Slot(int(time.now), 2)))
        assert after.epoch > before.epoch
        process.send_signal(signal.SIGCONT)
        assert process.communicate("\n")[0] == "committed\n"
    view = hub.exchange(one.report(Slot(int(time.now), 3)))
    assert view.epoch == after.epoch
    assert pool_of(view).slots[0].calls == 3


def test_a_short_lock_changes_nothing(hub: FileHub, path: Path, time: DrivenTime) -> None:
    one = MadeMember("a")
    before = hub.exchange(one.report())
    for _ in range(3):
        with locked(path), pytest.raises(HubUnavailableError):
            hub.exchange(one.report())
        assert hub.exchange(one.report()).epoch == before.epoch
        time.now += 3


def test_one_that_was_stopped_uses_the_new_file(path: Path, time: DrivenTime) -> None:
    stopped, other = (FileHub(path, time, time.new_id, time) for _ in range(2))
    stopped.exchange(MadeMember("a").report())
    other.exchange(MadeMember("b").report())
    other._database.replace()
    epoch = other.exchange(MadeMember("b", incarnation=2).report()).epoch
    view = stopped.exchange(MadeMember("a", incarnation=2).report())
    assert (view.epoch, view.members) == (epoch, 2)
    stopped.close()
    other.close()


def test_another_file_in_its_place_is_replaced_once(path: Path, time: DrivenTime) -> None:
    one, other = (FileHub(path, time, time.new_id, time) for _ in range(2))
    for each in (one, other):
        each.exchange(MadeMember("a").report())
    one._database.replace()
    epoch = one.exchange(MadeMember("b").report()).epoch
    other._database.replace()
    assert other.exchange(MadeMember("c").report()).epoch == epoch, "it is another file already"
    one.close()
    other.close()


def test_what_is_no_database_is_put_aside(hub: FileHub, path: Path) -> None:
    path.write_bytes(b"not ours" * 1000)
    assert hub.exchange(MadeMember("a").report()).members == 1
    assert any("damaged" in file.name for file in path.parent.iterdir())


def test_a_missing_table_is_made_again(hub: FileHub, path: Path) -> None:
    one = MadeMember("a")
    hub.exchange(one.report())
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("DROP TABLE heard")
    assert hub.exchange(one.report()).members == 1


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    hub = FileHub(tmp_path / "file" / "fleet.db")
    with pytest.raises(HubUnavailableError, match=r"Not a directory|File exists"):
        hub.exchange(MadeMember("a").report())
    assert hub.problem
    hub.close()


def test_a_command_is_noticed_by_a_look(hub: FileHub, path: Path, time: DrivenTime) -> None:
    other = FileHub(path, time, time.new_id, time)
    one = MadeMember("a")
    other.exchange(one.report())
    before = other.command_mark()
    hub.exchange(MadeMember("b").report())
    hub.members()
    assert other.command_mark() == before, "an exchange is no command"
    hub.act(Act("x", "trip", "payments"))
    assert (first := other.command_mark()) != before
    hub.set_mode(Register("payments", "disabled", id="1"))
    assert other.command_mark() not in {before, first}
    other.close()


def test_a_look_never_fails(hub: FileHub, path: Path) -> None:
    hub.act(Act("x", "trip", "payments"))
    mark = hub.command_mark()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("DROP TABLE command_mark")
    assert hub.command_mark() == mark


def test_sums_of_a_host_that_is_gone_are_forgotten(
    hub: FileHub, path: Path, time: DrivenTime
) -> None:
    gone, stays = MadeMember("a", "old-pod"), MadeMember("b", "new-pod")
    hub.exchange(gone.report(Slot(int(time.now), 2)))
    time.now += 6
    hub.exchange(stays.report())
    assert any("old-pod" in key for key in keys_in(path))
    time.now += 601
    hub.exchange(stays.report())
    assert not any("old-pod" in key for key in keys_in(path))
    assert any("new-pod" in key for key in keys_in(path))


def keys_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as other:
        return [key for (key,) in other.execute("SELECT key FROM record")]
