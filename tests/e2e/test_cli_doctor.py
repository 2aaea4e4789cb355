"""`breakerd doctor` as people run it, against a real emulator, or something that is none."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from breakerd.alerts.emulator import Emulator
from tests.support.command import Result, run
from tests.support.server_process import Server
from tests.support.webhook_receiver import RecordingServer, Reply

KEY = "1c0ffee5-secret-key"
CONFIG = """\
[opsgenie]
enabled = true
team = "payments"
environment = "prod"
bookmaker_id = "b1"
heartbeat = "breakerd"
[alerts]
request_timeout = 5
[alerts.receivers.webhook.fallback]
url = "http://127.0.0.1:9/hook-with-a-secret"
fallback = true
[fleet]
hub = "file"
"""


class Clinic:
    """A folder with a file, and an OpsGenie in which everything is set up as the file says."""

    def __init__(self, folder: Path, emulator: Emulator) -> None:
        self.folder = folder
        self.emulator = emulator
        self.file = folder / "breakers.toml"
        self.file.write_text(CONFIG)
        self.file.chmod(0o600)

    def doctor(self, *arguments: str, key: str = KEY, url: str = "") -> Result:
        done = run(
            "doctor", "--config", self.file, *arguments,
            folder=self.folder, OPSGENIE_API_KEY=key, OPSGENIE_API_URL=url or self.emulator.url,
        )  # fmt: skip
        for secret in (KEY, key, "hook-with-a-secret"):
            assert secret not in done.out + done.err
        return done


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with Emulator(api_keys={KEY}, delay=0.0) as emulator:
        emulator.add_team("payments")
        emulator.add_heartbeat("breakerd", interval=1)
        yield Clinic(tmp_path, emulator)


def lines(done: Result, sign: str) -> list[str]:
    return [line[2:] for line in done.out.splitlines() if line.startswith(f"{sign} ")]


def test_the_warnings_of_check_are_counted(clinic: Clinic) -> None:
    clinic.file.write_text(f"percentile = 0.99\nwait_time = 0\n{CONFIG}")
    done = clinic.doctor()
    assert done.code == 0
    warning = next(line for line in lines(done, "!") if line.startswith("settings"))
    assert warning.endswith(f"{clinic.file}: no errors, 2 warnings")
    assert f"`breakerd check {clinic.file}` lists them" in done.out
    assert len(run("check", clinic.file, OPSGENIE_API_KEY=KEY).err.splitlines()) == 2


def test_all_is_well(clinic: Clinic) -> None:
    done = clinic.doctor()
    assert (done.code, done.err, lines(done, "✗")) == (0, "", [])
    checks = [line.split("  ")[0] for line in lines(done, "✓")]
    assert checks == [
        "settings", "file", "access", "receivers", "fallback", "identity", "key", "team payments",
        "heartbeat", "clock", "database", "hub", "hub disk", "record", "record disk",
    ]  # fmt: skip
    assert clinic.emulator.alerts() == []
    assert not (clinic.folder / "var").exists()


def test_a_wrong_key(clinic: Clinic) -> None:
    done = clinic.doctor(key="another-secret")
    assert done.code == 1
    (line,) = lines(done, "✗")
    assert line.startswith("key")
    assert "401" in line
    assert "→ use the key of an enabled API integration" in done.out


def test_nothing_answers(clinic: Clinic) -> None:
    clinic.emulator.stop()
    done = clinic.doctor()
    assert done.code == 1
    (line,) = lines(done, "✗")
    assert "does not respond" in line


def test_what_is_not_set_up_there(clinic: Clinic) -> None:
    text = clinic.file.read_text()
    clinic.file.write_text(
        text.replace('"payments"', '"payment"').replace('"breakerd"', '"breaker"')
    )
    done = clinic.doctor()
    assert done.code == 1
    assert [line.split("  ")[0] for line in lines(done, "✗")] == ["team payment", "heartbeat"]


def test_a_clock_that_is_wrong(clinic: Clinic) -> None:
    date = formatdate(time.time() - 3600, usegmt=True)
    raw = f"HTTP/1.1 401 Unauthorized\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n".encode()
    with RecordingServer(lambda _: Reply(raw=raw)) as receiver:
        done = clinic.doctor(url=receiver.url)
    assert done.code == 1
    assert "this machine's clock is 1 h ahead of the receiver's" in done.out


def test_a_wrong_file(clinic: Clinic) -> None:
    clinic.file.write_text('[opsgenie]\nregion = "mars"\n')
    done = clinic.doctor()
    assert (done.code, done.out) == (2, "")
    assert "breakers.toml:2" in done.err


def test_without_a_file(tmp_path: Path) -> None:
    done = run("doctor", folder=tmp_path)
    assert done.code == 1
    assert "nobody is paged" in done.out


def test_a_test_alert_is_confirmed_and_closed(clinic: Clinic) -> None:
    with RecordingServer() as hook:
        text = clinic.file.read_text()
        clinic.file.write_text(text.replace("http://127.0.0.1:9", hook.url))
        done = clinic.doctor("--send-test")
    assert (done.code, lines(done, "✗")) == (0, [])
    (alert,) = clinic.emulator.alerts()
    assert (alert.status, alert.priority) == ("closed", "P5")
    assert alert.message.startswith("TEST from breakerd on ")
    assert len(hook.requests) == 2
    assert len([line for line in lines(done, "✓") if line.startswith("test ")]) == 4


def test_for_programs(clinic: Clinic) -> None:
    done = clinic.doctor("--json", key="another-secret")
    assert done.code == 1
    findings: list[dict[str, Any]] = json.loads(done.out)["findings"]
    assert [each["check"] for each in findings if each["status"] == "fail"] == ["key"]
    assert all(each.keys() == {"check", "status", "found", "advice"} for each in findings)


def test_beside_a_running_service(clinic: Clinic) -> None:
    environment = {"OPSGENIE_API_KEY": KEY, "OPSGENIE_API_URL": clinic.emulator.url}
    with Server("--config", "breakers.toml", folder=clinic.folder, environment=environment) as it:
        with it.client() as client:
            client.post("/breaker/trip", json={"reason": "rehearsal"}).raise_for_status()
        assert clinic.emulator.wait_for(clinic.emulator.alerts)
        done = clinic.doctor()
        with it.client() as client:
            assert client.get("/readyz").json()["checks"]["alerting"] == "ok"
    found = {line.split("  ")[0] for line in lines(done, "✓")}
    assert {"sender", "dead letters"} <= found
