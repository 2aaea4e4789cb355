from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from breakerd.breaker.host.load import LoadReader, StallMeter

RESOURCES = ("cpu", "memory", "io")


class Kernel:
    """The files of a kernel on disk: control groups, and /proc."""

    def __init__(self, root: Path) -> None:
        self.cgroups, self.proc = root / "cgroup", root / "proc"
        self.write("proc/loadavg", "3.00 1.00 0.50 2/345 6789")
        self.write("proc/self/cgroup", "0::/pod/app")
        self.cgroups.mkdir()

    def write(self, file: str, text: str) -> Path:
        path = self.proc.parent / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
        return path

    def stall(self, file: str, avg10: float, total: int = 0) -> None:
        averages = f"avg10={avg10:.2f} avg60=0.00 avg300=0.00"
        self.write(file, f"some {averages} total={total}\nfull avg10=0.00 total=0")

    def host_pressure(self) -> None:
        for n, resource in enumerate(RESOURCES):
            self.stall(f"proc/pressure/{resource}", 10.0 + n)

    def reader(self) -> LoadReader:
        return LoadReader(self.cgroups, self.proc)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


def test_pressure_of_the_own_group(kernel: Kernel) -> None:
    kernel.host_pressure()
    for n, resource in enumerate(RESOURCES):
        kernel.stall(f"cgroup/pod/app/{resource}.pressure", 40.0 + n)
        kernel.stall(f"cgroup/pod/{resource}.pressure", 80.0)
    reading = kernel.reader().read()
    assert (reading.cpu_pressure, reading.memory_pressure, reading.io_pressure) == (40, 41, 42)
    assert reading.unavailable == {}


def test_pressure_of_the_nearest_group_that_has_it(kernel: Kernel) -> None:
    kernel.host_pressure()
    kernel.stall("cgroup/cpu.pressure", 30.0)
    reading = kernel.reader().read()
    assert reading.cpu_pressure == 30
    assert reading.memory_pressure == 11, "the host's"


def test_pressure_where_both_versions_are_mounted(kernel: Kernel) -> None:
    kernel.write("proc/self/cgroup", "1:cpu,cpuacct:/\n0::/")
    kernel.stall("cgroup/unified/cpu.pressure", 25.0)
    kernel.stall("cgroup/cpu/cpu.pressure", 99.0)
    assert kernel.reader().read().cpu_pressure == 25


def test_the_total_shows_what_the_average_does_not_yet(kernel: Kernel) -> None:
    file = "cgroup/pod/app/cpu.pressure"
    reader = kernel.reader()
    kernel.stall(file, 1.0, total=5_000_000)
    assert reader.read_at(100.0).cpu_pressure == 1, "one total says nothing"
    kernel.stall(file, 2.0, total=6_500_000)
    assert reader.read_at(101.0).cpu_pressure == 2, "nor a second"
    assert reader.read_at(102.0).cpu_pressure == 75
    kernel.stall(file, 9.0, total=6_500_000)
    assert reader.read_at(103.0).cpu_pressure == 0, "of the last two seconds"


def test_rare_readings_leave_it_to_the_kernels_average(kernel: Kernel) -> None:
    reader = kernel.reader()
    kernel.stall("cgroup/pod/app/cpu.pressure", 7.0, total=1)
    reader.read_at(0.0)
    assert reader.read_at(60.0).cpu_pressure == 7


def test_a_total_that_goes_back_is_another_groups() -> None:
    meter = StallMeter()
    meter.read(0.0, 9_000_000)
    assert meter.read(2.0, 1_000_000) is None
    assert meter.read(4.0, 2_000_000) == 50
    assert meter.read(6.0, 99_000_000) == 100, "never more than all of the time"


def test_no_pressure_at_all_is_unknown_and_said_once(
    kernel: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "breakerd.breaker.host.load")
    reader = kernel.reader()
    reading = reader.read()
    assert reading.cpu_pressure is None
    assert reading.load_per_cpu is not None
    why = reading.unavailable["cpu_pressure"]
    assert str(kernel.proc / "pressure/cpu") in why
    assert "psi=1" in why
    reader.log_unavailable(reading.unavailable)
    reader.log_unavailable(reading.unavailable)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3
    assert why in caplog.text


def test_pressure_that_is_switched_off_is_unknown(kernel: Kernel) -> None:
    # Like the kernel's file then: it is there, and reading it is an error.
    (kernel.proc / "pressure/cpu").mkdir(parents=True)
    reading = kernel.reader().read()
    assert reading.cpu_pressure is None
    assert "psi=1" in reading.unavailable["cpu_pressure"]


@pytest.mark.parametrize(
    "text", ["", "full avg10=1.00 total=1", "some avg10=much total=1", "some avg10=1.00", "some x"]
)
def test_what_no_kernel_writes_is_unknown(kernel: Kernel, text: str) -> None:
    file = kernel.write("cgroup/pod/app/cpu.pressure", text)
    reading = kernel.reader().read()
    assert reading.cpu_pressure is None
    assert str(file) in reading.unavailable["cpu_pressure"]


def test_load_average_by_the_smallest_quota_up_to_the_root(kernel: Kernel) -> None:
    kernel.write("cgroup/pod/app/cpu.max", "max 100000")
    kernel.write("cgroup/pod/cpu.max", "50000 100000")
    reader = kernel.reader()
    assert reader.cpus() == 0.5
    assert reader.read().load_per_cpu == 6


def test_quota_of_version_1(kernel: Kernel) -> None:
    kernel.write("proc/self/cgroup", "4:memory:/box\n3:cpu,cpuacct:/box")
    kernel.write("cgroup/cpu/box/cpu.cfs_quota_us", "25000")
    kernel.write("cgroup/cpu/box/cpu.cfs_period_us", "100000")
    kernel.write("cgroup/cpu/cpu.cfs_quota_us", "-1")
    assert kernel.reader().cpus() == 0.25


def test_without_a_quota_the_cpus_it_may_run_on_count(kernel: Kernel) -> None:
    kernel.write("cgroup/pod/app/cpu.max", "100000000 100000")
    allowed = len(os.sched_getaffinity(0))
    assert kernel.reader().cpus() == allowed
    assert kernel.reader().read().load_per_cpu == 3 / allowed


@pytest.mark.parametrize("quota", ["many 100000", "100000", "100000 0"])
def test_a_quota_that_makes_no_sense_leaves_the_load_unknown(kernel: Kernel, quota: str) -> None:
    kernel.host_pressure()
    kernel.write("cgroup/pod/app/cpu.max", quota)
    reading = kernel.reader().read()
    assert reading.load_per_cpu is None
    assert list(reading.unavailable) == ["load_per_cpu"]
    assert reading.cpu_pressure == 10


def test_another_system_has_nothing_of_it(tmp_path: Path) -> None:
    reading = LoadReader(tmp_path, tmp_path).read()
    assert len(reading.unavailable) == 4
    assert reading.load_per_cpu is None


def test_many_breakers_share_a_reading(kernel: Kernel) -> None:
    reader = kernel.reader()
    first = reader.read()
    assert reader.read() is first
    reader.after_fork()
    assert reader.read() is first


def test_this_machine() -> None:
    reading = LoadReader().read()
    for name in ("cpu_pressure", "memory_pressure", "io_pressure", "load_per_cpu"):
        assert (getattr(reading, name) is None) == (name in reading.unavailable)
