"""`breakerd emulator`: the OpsGenie emulator as a command."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.command import BREAKERD, run


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


def test_it_emulates_jira_service_management_too() -> None:
    with emulator("--mode", "jsm", "--key", "mine", "--delay", "0") as (_, url):
        alerts = f"{url}/jsm/ops/integration/v2/alerts"
        answer = httpx.post(
            alerts, json={"message": "slow"}, headers={"Authorization": "GenieKey mine"}
        )
        assert answer.status_code == 202
        seen = httpx.get(f"{url}/jsm/ops/api/site/v1/alerts", auth=("ann@b.example", "mine"))
        assert [each["message"] for each in seen.json()["values"]] == ["slow"]


def test_its_faults_can_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text('[{"kind": "error", "status": 500}, {"kind": "down", "after": 3600}]')
    with emulator("--faults", str(file)) as (_, url):
        answer = httpx.get(f"{url}/v2/alerts", headers={"Authorization": "GenieKey any"})
        assert answer.status_code == 500
        faults = httpx.get(f"{url}/emulator/faults").json()["faults"]
        assert [fault["kind"] for fault in faults] == ["error", "down"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"kind": "flood"}', "kind: found 'flood', allowed is one of down"),
        ("[", "Expecting value"),
        ("[{}]", "fault 1: {} is not a JSON object with a kind"),
        (json.dumps([{"kind": "down"}] * 1001), "0 of at most 1000 faults"),
        (None, "No such file or directory"),
    ],
)
def test_a_file_of_faults_that_makes_no_sense(
    tmp_path: Path, text: str | None, problem: str
) -> None:
    file = tmp_path / "faults.json"
    if text is not None:
        file.write_text(text)
    done = run("emulator", "--port", "0", "--faults", "faults.json", folder=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert problem in done.err


def test_an_unknown_mode(tmp_path: Path) -> None:
    done = run("emulator", "--mode", "pigeon", folder=tmp_path)
    assert done.code == 2
    assert "pigeon" in done.err
