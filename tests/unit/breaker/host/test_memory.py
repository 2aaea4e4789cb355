from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from breakerd import Breaker
from breakerd.breaker.host.memory import CachedMemoryReader, MemoryReader, MemoryReading
from breakerd.breaker.testing import ManualClock

MIB = 1024 * 1024
GIB = 1024 * MIB


class Cgroup:
    """A control-group file system on disk, as the kernel would show it."""

    def __init__(self, root: Path) -> None:
        self.root = root / "cgroup"
        self.membership = root / "self-cgroup"
        self.root.mkdir()

    def member_of(self, *lines: str) -> MemoryReader:
        self.membership.write_text("\n".join(lines) + "\n")
        return MemoryReader(self.root, self.membership)

    def write(self, folder: str, **files: str) -> None:
        path = self.root / folder
        path.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (path / name.replace("__", ".")).write_text(text + "\n")


class Host(NamedTuple):
    total: int
    available: int


HostUses = Callable[[float], None]


@pytest.fixture
def host_uses(monkeypatch: pytest.MonkeyPatch) -> HostUses:
    """Sets the used share of a host with a gibibyte of memory."""

    def use(share: float) -> None:
        host = Host(total=GIB, available=round(GIB * (1 - share)))
        monkeypatch.setattr(psutil, "virtual_memory", lambda: host)

    return use


@pytest.fixture
def cgroup(tmp_path: Path, host_uses: HostUses) -> Cgroup:
    host_uses(0.0)
    return Cgroup(tmp_path)


def test_v2_without_the_page_cache(cgroup: Cgroup) -> None:
    cgroup.write(
        "pod/app",
        memory__max=str(100 * MIB),
        memory__current=str(90 * MIB),
        memory__stat=f"anon 1\nfile 2\ninactive_file {30 * MIB}\nactive_file 4",
    )
    reading = cgroup.member_of("0::/pod/app").read()
    assert reading is not None
    assert (reading.used, reading.limit, reading.total) == (60 * MIB, 100 * MIB, 100 * MIB)
    assert reading.utilization == pytest.approx(0.6)


def test_the_level_nearest_to_its_limit_counts(cgroup: Cgroup, host_uses: HostUses) -> None:
    cgroup.write("a/b/c", memory__max="max", memory__current="5")
    cgroup.write("a/b", memory__max="100", memory__current="10")
    cgroup.write("a", memory__max="200", memory__current="50")
    cgroup.write("", memory__max="1000", memory__current="900")
    reader = cgroup.member_of("0::/a/b/c")
    reading = reader.read()
    assert reading is not None
    assert (reading.used, reading.limit, reading.total) == (900, 1000, 1000), "the group at the top"
    cgroup.write("a", memory__current="199")
    assert reader.read() == MemoryReading(used=199, limit=200, total=200), "a parent"
    cgroup.write("a/b", memory__current="100")
    assert reader.read() == MemoryReading(used=100, limit=100, total=100), "the own group"
    cgroup.write("a/b", memory__current="10")
    host_uses(0.996)
    reading = reader.read()
    assert reading is not None
    assert (reading.limit, reading.total) == (-1, GIB), "the host"
    assert reading.utilization == pytest.approx(0.996)


@pytest.mark.parametrize("version", [1, 2])
def test_no_limit_is_above_the_memory_of_the_host(version: int, cgroup: Cgroup) -> None:
    used = round(0.97 * GIB)
    if version == 2:
        cgroup.write("x", memory__max=str(1 << 42), memory__current=str(used))
    else:
        cgroup.write(
            "memory/x", memory__limit_in_bytes=str(1 << 42), memory__usage_in_bytes=str(used)
        )
    reading = cgroup.member_of("0::/x" if version == 2 else "4:memory:/x").read()
    assert reading == MemoryReading(used=used, limit=GIB, total=GIB)


@pytest.mark.parametrize("most", ["max", str(400 * MIB)])
def test_memory_high_is_a_limit(most: str, cgroup: Cgroup) -> None:
    cgroup.write("x", memory__max=most, memory__high=str(100 * MIB), memory__current=str(99 * MIB))
    reading = cgroup.member_of("0::/x").read()
    assert reading == MemoryReading(used=99 * MIB, limit=100 * MIB, total=100 * MIB)
    cgroup.write("x", memory__high="max")
    reading = cgroup.member_of("0::/x").read()
    assert reading is not None
    assert reading.limit == (-1 if most == "max" else 400 * MIB)


@pytest.mark.parametrize("mount", ["memory", "cpu,memory", "memory,hugetlb"])
def test_v1_mounted_together_with_another(mount: str, cgroup: Cgroup) -> None:
    cgroup.write("cpuset,cpu", cpu__shares="1024")
    cgroup.write(f"{mount}/box", memory__limit_in_bytes="1000", memory__usage_in_bytes="500")
    reading = cgroup.member_of(f"5:{mount}:/box").read()
    assert reading == MemoryReading(used=500, limit=1000, total=1000)


def test_v2_in_a_container_that_sees_only_its_own_group(cgroup: Cgroup) -> None:
    cgroup.write("", memory__max="1000", memory__current="250", memory__stat="")
    reading = cgroup.member_of("0::/").read()
    assert reading is not None
    assert reading.utilization == 0.25


def test_v1(cgroup: Cgroup) -> None:
    cgroup.write(
        "memory/box",
        memory__limit_in_bytes="1000",
        memory__usage_in_bytes="700",
        memory__stat="cache 1\ntotal_inactive_file 100",
    )
    reader = cgroup.member_of("5:cpu,cpuacct:/box", "4:memory:/box", "1:name=systemd:/x")
    reading = reader.read()
    assert reading is not None
    assert (reading.used, reading.limit) == (600, 1000)


@pytest.mark.parametrize("limit", ["9223372036854771712", "max", ""])
def test_no_limit_means_the_host_alone(cgroup: Cgroup, host_uses: HostUses, limit: str) -> None:
    host_uses(0.25)
    cgroup.write(
        "memory", memory__limit_in_bytes=limit.replace("max", ""), memory__usage_in_bytes="7"
    )
    cgroup.write("", memory__max=limit if limit == "max" else "", memory__current="7")
    reading = cgroup.member_of("4:memory:/", "0::/").read()
    assert reading == MemoryReading(used=GIB // 4, limit=-1, total=GIB)


def test_no_control_groups_at_all(tmp_path: Path) -> None:
    reading = MemoryReader(tmp_path, tmp_path / "missing").read()
    assert reading is not None
    assert reading.limit == -1


def test_what_cannot_be_read_is_unknown_and_said_once(
    cgroup: Cgroup, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "breakerd.breaker.host.memory")
    cgroup.write("x", memory__max="many", memory__current="1")
    reader = cgroup.member_of("0::/x")
    assert reader.read() is None
    assert reader.read() is None
    assert len(caplog.records) == 1
    cgroup.write("x", memory__max="100")
    assert reader.read() is not None
    cgroup.write("x", memory__max="many")
    assert reader.read() is None
    assert len(caplog.records) == 2


def test_what_a_group_tells_needs_no_psutil(
    cgroup: Cgroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    cgroup.write("x", memory__max="100", memory__current="1")
    assert cgroup.member_of("0::/x").read() is not None


@pytest.mark.parametrize("trouble", [psutil.AccessDenied(1), ImportError("too many open files")])
def test_where_the_host_cannot_be_read_groups_count_alone(
    trouble: Exception, cgroup: Cgroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable() -> Host:
        raise trouble

    monkeypatch.setattr(psutil, "virtual_memory", unreadable)
    assert cgroup.member_of("0::/x").read() is None
    cgroup.write("x", memory__max="100", memory__current="50")
    assert cgroup.member_of("0::/x").read() == MemoryReading(used=50, limit=100, total=100)


def test_many_breakers_share_a_reading() -> None:
    shared = CachedMemoryReader()
    first = shared.read()
    assert first is not None
    assert shared.read() is first
    shared.after_fork()
    assert shared.read() is first


def test_the_status_is_that_of_the_level_that_counts(
    cgroup: Cgroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    cgroup.write("a/b", memory__max=str(100 * MIB), memory__current=str(10 * MIB))
    cgroup.write("a", memory__max=str(200 * MIB), memory__current=str(150 * MIB))
    reader = CachedMemoryReader(cgroup.member_of("0::/a/b"))
    monkeypatch.setattr("breakerd.breaker.runtime.readings.MEMORY", reader)
    status = Breaker(clock=ManualClock()).status()
    assert status["current_memory_usage_mb"] == 150
    assert status["total_memory_mb"] == 200
    assert status["memory_usage_percent"] == 75.0
    assert status["memory_limit_bytes"] == 200 * MIB
