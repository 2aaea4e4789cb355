"""`breakerd emulator`: the OpsGenie emulator as a command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.command import BREAKERD, run


@contextmanager
def emulator(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running emulator, and its address."""
    with subprocess.Popen(
        [*BREAKERD, "emulator", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().rpartition(" ")[2].strip()
        finally:
            process.kill()


def test_it_takes_alerts_with_its_key_only() -> None:
    with emulator("--key", "mine", "--delay", "0") as (_, url):
        alert = {"message": "slow", "alias": "a1", "priority": "P3"}
        for key, code in (("other", 401), ("mine", 202)):
            answer = httpx.post(
                f"{url}/v2/alerts", json=alert, headers={"Authorization": f"GenieKey {key}"}
            )
            assert answer.status_code == code
        answer = httpx.get(f"{url}/v2/alerts", headers={"Authorization": "GenieKey mine"})
        assert [each["alias"] for each in answer.json()["data"]] == ["a1"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_told_to(number: signal.Signals) -> None:
    with emulator() as (process, url):
        process.send_signal(number)
        assert process.wait(30) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = run("emulator", "--port", str(listener.getsockname()[1]), folder=tmp_path)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("breakerd: cannot listen on port")
