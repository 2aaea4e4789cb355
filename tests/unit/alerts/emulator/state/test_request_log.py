from __future__ import annotations

from breakerd.alerts.emulator import LogEntry
from breakerd.alerts.emulator.state.request_log import RequestLog

T = 1_800_000_000.0


def entry(at: float) -> LogEntry:
    return LogEntry(T + at, "GET", f"/{at}", {}, {}, None, 200)


def paths(log: RequestLog) -> list[str]:
    return [one.path for one in log]


def test_the_latest_entries_are_kept() -> None:
    log = RequestLog(entries=2)
    for at in (1, 2, 3):
        log.add(entry(at), 0)
    assert paths(log) == ["/2", "/3"]
    assert len(log) == 2


def test_large_bodies_crowd_out_the_oldest_but_never_the_latest() -> None:
    log = RequestLog(size=10)
    for at, size in ((1, 4), (2, 4), (3, 4)):
        log.add(entry(at), size)
    assert paths(log) == ["/2", "/3"]
    log.add(entry(4), 11)
    assert paths(log) == ["/4"]
    log.add(entry(5), 1)
    log.add(entry(6), 9)
    assert paths(log) == ["/5", "/6"]


def test_between_holds_its_beginning_and_not_its_end() -> None:
    log = RequestLog()
    for at in (1, 2, 3):
        log.add(entry(at), 0)
    assert [one.path for one in log.between(T + 1, T + 3)] == ["/1", "/2"]
