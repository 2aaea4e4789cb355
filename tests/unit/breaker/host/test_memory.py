from __future__ import annotations

import logging
import sys
from pathlib import Path

import psutil
import pytest

from breakerd.breaker.host.memory import CachedMemoryReader, MemoryReader

MIB = 1024 * 1024


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


@pytest.fixture
def cgroup(tmp_path: Path) -> Cgroup:
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


def test_v2_the_smallest_limit_up_to_the_root_counts(cgroup: Cgroup) -> None:
    cgroup.write("a/b", memory__max="max", memory__current="5")
    cgroup.write("a", memory__max="200", memory__current="50")
    cgroup.write("", memory__max="1000", memory__current="900")
    reading = cgroup.member_of("0::/a/b").read()
    assert reading is not None
    assert (reading.used, reading.limit) == (50, 200)


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
def test_no_limit_means_the_process_against_the_host(cgroup: Cgroup, limit: str) -> None:
    cgroup.write(
        "memory", memory__limit_in_bytes=limit.replace("max", ""), memory__usage_in_bytes="7"
    )
    cgroup.write("", memory__max=limit if limit == "max" else "", memory__current="7")
    reading = cgroup.member_of("4:memory:/", "0::/").read()
    assert reading is not None
    assert reading.limit == -1
    assert reading.total == psutil.virtual_memory().total
    assert reading.used > MIB


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
def test_a_process_that_cannot_be_read_is_unknown(
    trouble: Exception, cgroup: Cgroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    def process() -> psutil.Process:
        raise trouble

    monkeypatch.setattr(psutil, "Process", process)
    assert cgroup.member_of("0::/x").read() is None


def test_many_breakers_share_a_reading() -> None:
    shared = CachedMemoryReader()
    first = shared.read()
    assert first is not None
    assert shared.read() is first
    shared.after_fork()
    assert shared.read() is first
