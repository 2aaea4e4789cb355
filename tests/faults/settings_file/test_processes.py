"""Real processes and the file of settings, which people and other processes change meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import httpx
import pytest

from tests.support.polling import until
from tests.support.server_process import Server

TIMEOUT = 60
BEFORE = """\
wait_time = 10 # why ten
latency_threshold = 300
# the payments team asked for this
[breakers.payments]
latency_threshold = 100
[opsgenie]
team = 'core'
"""
AFTER = BEFORE.replace("300", "400")


def in_force(http: httpx.Client) -> tuple[float, float]:
    paths = ("/breaker/latency", "/breakers/payments/latency")
    root, payments = (http.get(path).json()["latency"] for path in paths)
    return root, payments


@pytest.mark.parametrize("written", [0, AFTER.index("[breakers")])
def test_a_file_that_is_saved_in_steps_is_never_half_in_force_nor_written_back(
    tmp_path: Path, written: int
) -> None:
    file = tmp_path / "breakers.toml"
    file.write_text(BEFORE)
    with Server("--config", "breakers.toml", folder=tmp_path) as server, server.client() as http:
        with file.open("w") as editor:
            editor.write(AFTER[:written])
            editor.flush()
            # The editor goes on only after this answer, so the service must not wait for it.
            answer = http.post("/breaker/wait", json={"wait_time": 12})
            assert answer.status_code == 409
            assert answer.json()["in_force"] is False
            assert in_force(http) == (300, 100)
            assert file.read_text() == AFTER[:written]
            editor.write(AFTER[written:])
        until(lambda: in_force(http) == (400, 100))
        assert file.read_text() == AFTER
        assert http.post("/breaker/wait", json={"wait_time": 12}).status_code == 200
        assert file.read_text() == AFTER.replace("time = 10", "time = 12")
    assert "configuration rejected" not in server.log


CHANGER = """\
import json, sys, time
from breakerd import Registry
file, key, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Registry.from_file(file) as registry:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(count):
        assert getattr(registry.change("search", {key: 20 + number}), key) == 20 + number
    print("changed", flush=True)
    sys.stdin.readline()
    keys, deadline = json.loads(sys.argv[4]), time.monotonic() + 60
    def seen():
        return [getattr(registry.get("search").settings, key) for key in keys]
    while seen() != [19 + count] * len(keys) and time.monotonic() < deadline:
        time.sleep(0.02)
    print(json.dumps(seen()), flush=True)
"""


def test_processes_that_change_different_keys_lose_nothing(tmp_path: Path) -> None:
    keys = ["latency_window_size", "minimum_calls", "wait_time"]
    count = 8
    file = tmp_path / "breakers.toml"
    file.write_text("# a comment\nwait_time = 5\n[breakers.search]\n")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CHANGER, str(file), key, str(count), json.dumps(keys)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for key in keys
    ]

    def together(expected: str) -> None:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == expected
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()

    together("ready")
    together("changed")
    last = 19 + count
    seen = [process.communicate(timeout=TIMEOUT)[0].strip() for process in processes]
    assert [json.loads(each) for each in seen] == [[last] * 3] * 3, "each sees what all have set"
    assert tomllib.loads(file.read_text()) == {
        "wait_time": 5,
        "breakers": {"search": dict.fromkeys(keys, last)},
    }
    assert file.read_text().startswith("# a comment\n")
    assert list(tmp_path.iterdir()) == [file]
