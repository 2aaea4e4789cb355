"""A thousand members on one server: what it costs, by the study that measures it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.redis_servers import RedisServer
from tests.support.thoroughness import THOROUGH

ROOT = Path(__file__).resolve().parents[3]
MEMBERS, PROCESSES, SECONDS = (1_000, 10, 30) if THOROUGH else (20, 2, 2)
BUSY = 4
"""Breakers of a member that have calls, of twenty."""
CORE = 0.15
"""Share of a core that the server may use."""
BYTES = 8_000
"""Bytes per second of a member, up and down."""
P99 = 0.1
"""Seconds that all but one of a hundred exchanges take at most."""
RESULT = re.compile(
    r"(?P<count>\d+) exchanges, .*p99 (?P<p99>[\d.]+) ms.* failed (?P<failed>\d+)\n"
    r"server: (?P<core>[\d.]+)% of a core.*; (?P<up>\d+) bytes up and (?P<down>\d+) down"
)


@pytest.mark.needs("redis-server")
def test_many_members_cost_little(redis_server: RedisServer) -> None:
    """The limits are those of the whole number, on a machine with nothing else to do."""
    options = ("--members", MEMBERS, "--processes", PROCESSES, "--busy", BUSY, "--seconds", SECONDS)
    command = [sys.executable, "-m", "benchmarks.studies.fleet_hubs", *map(str, options)]
    done = subprocess.run(
        [*command, redis_server.url], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = RESULT.search(done.stdout)
    assert found, done.stdout
    assert int(found["count"]) >= MEMBERS * SECONDS // 2
    assert found["failed"] == "0"
    if THOROUGH:
        assert float(found["core"]) / 100 <= CORE, done.stdout
        assert int(found["up"]) + int(found["down"]) <= BYTES, done.stdout
        assert float(found["p99"]) / 1000 <= P99, done.stdout
