"""What the doctor finds, at real servers and in real files."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from breakerd import AlertingSettings, AlertsSettings, OpsGenieSettings
from breakerd.alerts.doctor.clock_check import check_clock
from breakerd.alerts.doctor.doctor import examine
from breakerd.alerts.doctor.finding import CheckStatus, Finding
from breakerd.alerts.emulator import Emulator
from breakerd.alerts.emulator.pytest_plugin import API_KEY
from breakerd.alerts.receivers.opsgenie import ADDRESSES
from breakerd.alerts.storage.store import FORMAT
from tests.support.webhook_receiver import RecordingServer, Reply
from tests.unit.alerts.conftest import World

GOOD, BAD, WARNING, UNKNOWN = (
    CheckStatus.GOOD,
    CheckStatus.BAD,
    CheckStatus.WARNING,
    CheckStatus.UNKNOWN,
)


class Patient:
    """Settings to be examined, good ones unless told otherwise."""

    def __init__(self, database: Path) -> None:
        self.opsgenie: dict[str, Any] = {
            "enabled": True,
            "api_key": SecretStr(API_KEY),
            "team": "payments",
            "environment": "prod",
            "bookmaker_id": "b1",
            "hostname": "box",
            "heartbeat": "beat",
        }
        self.alerts: dict[str, Any] = {"database": str(database), "request_timeout": 5.0}

    @property
    def settings(self) -> AlertingSettings:
        return AlertingSettings(
            OpsGenieSettings.model_validate(self.opsgenie),
            AlertsSettings.model_validate(self.alerts),
        )

    def examined(
        self, addresses: Mapping[str, str] = ADDRESSES, now: Callable[[], float] = time.time
    ) -> dict[str, Finding]:
        """What is found, by what was looked at."""
        found = list(examine(self.settings, addresses=addresses, now=now))
        assert API_KEY not in str(found)
        return {finding.check: finding for finding in found}


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path / "alerts.db")


@pytest.fixture
def at_emulator(patient: Patient, opsgenie_emulator: Emulator) -> Patient:
    """Everything is set up at the emulator, as it should be."""
    opsgenie_emulator.add_team("payments")
    opsgenie_emulator.add_heartbeat("beat", interval=1)
    patient.opsgenie["api_url"] = opsgenie_emulator.url
    return patient


def test_all_is_well(at_emulator: Patient) -> None:
    at_emulator.alerts["receivers"] = {
        "slack": {"us": {"url": "https://x.test/abc", "fallback": True}}
    }
    found = at_emulator.examined()
    verdicts = {check: finding.verdict for check, finding in found.items()}
    assert verdicts == {
        "told": GOOD,
        "fallback": GOOD,
        "fields": GOOD,
        "key": GOOD,
        "region": UNKNOWN,
        "team payments": GOOD,
        "heartbeat": GOOD,
        "clock": GOOD,
        "slack.us": UNKNOWN,
        "database": GOOD,
    }
    assert found["heartbeat"].found == "'beat', pinged every 20 s, expires after 1 min"


def test_nothing_is_written_there(at_emulator: Patient, opsgenie_emulator: Emulator) -> None:
    at_emulator.examined()
    assert {request.method for request in opsgenie_emulator.requests} == {"GET"}
    assert "ping" not in str([request.path for request in opsgenie_emulator.requests])


# --- who is told


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"api_key": None}, "OPSGENIE_API_KEY is not set"),
        ({"enabled": False}, "it is not enabled"),
    ],
)
def test_nobody_is_paged(patient: Patient, change: dict[str, object], words: str) -> None:
    patient.opsgenie |= change
    found = patient.examined()
    assert found["told"].verdict is BAD
    assert words in found["told"].found
    assert "key" not in found


def test_a_receiver_that_cannot_be_told(patient: Patient) -> None:
    patient.opsgenie["enabled"] = False
    patient.alerts["receivers"] = {"pagerduty": {"ops": {"min_priority": "P2"}}}
    found = patient.examined()
    assert found["pagerduty.ops"].verdict is BAD
    assert "it has no key" in found["pagerduty.ops"].found


def test_from_which_priority_on(patient: Patient) -> None:
    patient.opsgenie["enabled"] = False
    patient.alerts["receivers"] = {"pagerduty": {"ops": {"key": "k", "min_priority": "P2"}}}
    assert patient.examined()["told"].found == "pagerduty.ops from P2 on"


def test_fields_that_nobody_has_set(at_emulator: Patient) -> None:
    del at_emulator.opsgenie["bookmaker_id"]
    found = at_emulator.examined()["fields"]
    assert found.verdict is WARNING
    assert "bookmaker_id is not set" in found.found


# --- key and region


def test_a_wrong_key(at_emulator: Patient, opsgenie_emulator: Emulator) -> None:
    opsgenie_emulator.api_keys = frozenset({"another"})
    found = at_emulator.examined()
    assert found["key"].verdict is BAD
    assert "401" in found["key"].found
    assert "team payments" not in found


@pytest.fixture
def regions(opsgenie_emulator: Emulator) -> Iterator[dict[str, str]]:
    """An emulator for each region: the key is of the American one."""
    with Emulator(api_keys={"another"}) as european:
        yield {"us": opsgenie_emulator.url, "eu": european.url}


def test_the_right_region(patient: Patient, regions: dict[str, str]) -> None:
    found = patient.examined(regions)
    assert (found["key"].verdict, found["region"]) == (
        GOOD,
        Finding("region", GOOD, "us"),
    )


def test_the_wrong_region(patient: Patient, regions: dict[str, str]) -> None:
    patient.opsgenie["region"] = "eu"
    found = patient.examined(regions)
    assert found["region"].verdict is BAD
    assert found["region"].found == "the key is of an account in 'us', and 'eu' is asked"
    assert "region = 'us'" in found["region"].advice
    assert "key" not in found


def test_a_key_that_no_region_knows(
    patient: Patient, regions: dict[str, str], opsgenie_emulator: Emulator
) -> None:
    opsgenie_emulator.api_keys = frozenset({"a third"})
    found = patient.examined(regions)
    assert found["key"].verdict is BAD
    assert "region" not in found


def test_the_other_region_is_out_of_reach(patient: Patient, opsgenie_emulator: Emulator) -> None:
    opsgenie_emulator.api_keys = frozenset({"another"})
    with RecordingServer() as gone:
        nowhere = gone.url
    found = patient.examined({"us": opsgenie_emulator.url, "eu": nowhere})
    assert found["key"].verdict is BAD


def test_a_key_that_may_not_read(patient: Patient) -> None:
    with RecordingServer(lambda _: Reply(403, {"message": "not allowed"})) as receiver:
        patient.opsgenie["api_url"] = receiver.url
        found = patient.examined()
    for check in ("key", "team payments", "heartbeat"):
        assert found[check].verdict is UNKNOWN
        assert "403: not allowed" in found[check].found


def test_another_server_at_the_address(patient: Patient) -> None:
    with RecordingServer(lambda _: Reply(520, "<html>")) as receiver:
        patient.opsgenie["api_url"] = receiver.url
        found = patient.examined()
    assert found["opsgenie"].verdict is BAD
    assert "520" in found["opsgenie"].found


def test_out_of_reach(patient: Patient) -> None:
    with RecordingServer() as gone:
        patient.opsgenie["api_url"] = gone.url
    found = patient.examined()
    assert found["opsgenie"].verdict is BAD
    assert "gives no answer" in found["opsgenie"].found
    assert "clock" not in found


# --- who is paged


def test_responders(at_emulator: Patient, opsgenie_emulator: Emulator) -> None:
    opsgenie_emulator.add_user("ada@example.com")
    at_emulator.opsgenie["team"] = "payment"
    at_emulator.alerts["stages"] = [
        {"after": 0, "priority": "P3", "responders": ["user:ada@example.com", "user:bob"]},
        {"after": 60, "priority": "P1", "responders": ["schedule:nights", "user:bob"]},
    ]
    found = at_emulator.examined()
    verdicts = {check: found[check].verdict for check in found if " " in check}
    assert verdicts == {
        "team payment": BAD,
        "user ada@example.com": GOOD,
        "user bob": BAD,
        "schedule nights": UNKNOWN,
    }


def test_a_team_that_cannot_be_asked_for(at_emulator: Patient, opsgenie_emulator: Emulator) -> None:
    opsgenie_emulator.fail("down", path="/v2/teams")
    found = at_emulator.examined()["team payments"]
    assert found.verdict is UNKNOWN
    assert "no answer" in found.found


# --- heartbeat


@pytest.mark.parametrize(
    ("name", "verdict", "words"),
    [
        ("", UNKNOWN, "nobody hears"),
        ("nope", BAD, "there is no heartbeat 'nope'"),
        ("off", BAD, "'off' is disabled"),
        ("old", WARNING, "'old' has expired"),
    ],
)
def test_heartbeats(
    at_emulator: Patient, opsgenie_emulator: Emulator, name: str, verdict: CheckStatus, words: str
) -> None:
    for each in ("off", "old"):
        opsgenie_emulator.add_heartbeat(each)
    heartbeats = opsgenie_emulator._account.heartbeats.heartbeats
    heartbeats["off"].enabled = False
    heartbeats["old"].pinged_at = 1.0
    at_emulator.opsgenie["heartbeat"] = name
    found = at_emulator.examined()["heartbeat"]
    assert found.verdict is verdict
    assert words in found.found


def test_a_heartbeat_that_cannot_be_asked_for(
    at_emulator: Patient, opsgenie_emulator: Emulator
) -> None:
    opsgenie_emulator.fail("html", path="/v2/heartbeats")
    assert at_emulator.examined()["heartbeat"].verdict is UNKNOWN


# --- clock


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(0, GOOD), (25, GOOD), (-25, GOOD), (60, WARNING), (-60, WARNING), (301, BAD), (-3600, BAD)],
)
def test_the_clock(seconds: int, verdict: CheckStatus) -> None:
    now = 1_800_000_000.0
    finding = check_clock(formatdate(now, usegmt=True), now + seconds)
    assert finding.verdict is verdict
    if verdict is not GOOD:
        assert ("ahead" if seconds > 0 else "behind") in finding.found


@pytest.mark.parametrize("date", ["", "now", "Mon, 99 Nov 2026 99:00:00 GMT"])
def test_a_receiver_that_does_not_know_the_time(date: str) -> None:
    assert check_clock(date, 0.0).verdict is UNKNOWN


def test_a_date_without_its_zone_is_in_utc() -> None:
    assert check_clock("Thu, 01 Jan 1970 00:00:10 -0000", 10.0).verdict is GOOD


def test_the_clock_is_told_by_any_answer(at_emulator: Patient, opsgenie_emulator: Emulator) -> None:
    opsgenie_emulator.api_keys = frozenset({"another"})
    found = at_emulator.examined(now=lambda: time.time() + 400)["clock"]
    assert (found.verdict, "ahead" in found.found) == (BAD, True)


# --- Jira Service Management


def test_an_integration(patient: Patient, jsm_emulator: Emulator) -> None:
    patient.opsgenie |= {"flavour": "jsm", "api_url": jsm_emulator.url}
    found = patient.examined()
    assert found["jsm"].verdict is GOOD
    assert found["heartbeat"].verdict is BAD
    assert found["clock"].verdict is GOOD
    jsm_emulator.api_keys = frozenset({"another"})
    found = patient.examined()
    assert found["jsm"].verdict is BAD
    assert "refuses the key: 401" in found["jsm"].found


@pytest.mark.parametrize("status", [500, 302])
def test_no_integration(patient: Patient, status: int) -> None:
    with RecordingServer(lambda _: Reply(status)) as receiver:
        patient.opsgenie |= {"flavour": "jsm", "api_url": receiver.url}
        found = patient.examined()
    assert found["jsm"].verdict is BAD
    assert f"answers {status}" in found["jsm"].found
    found = patient.examined()
    assert "gives no answer" in found["jsm"].found


def jsm_site(patient: Patient, emulator: Emulator, **more: object) -> dict[str, Finding]:
    patient.opsgenie["enabled"] = False
    receiver = {"cloud_id": "c", "user": "ada", "key": API_KEY, "api_url": emulator.url, **more}
    integration = {"key": API_KEY, "api_url": emulator.url}
    patient.alerts["receivers"] = {"jsm_ops": {"ops": receiver}, "jsm": {"in": integration}}
    return patient.examined()


def test_a_site(patient: Patient, jsm_emulator: Emulator) -> None:
    team = jsm_emulator.add_team("payments")
    jsm_emulator.add_heartbeat("beat", interval=1)
    found = jsm_site(
        patient,
        jsm_emulator,
        responders=[f"team:{team}", "team:nope", "user:ada"],
        heartbeat="beat",
        heartbeat_team=team,
    )
    assert found["jsm.in"].verdict is GOOD
    assert found["jsm_ops.ops"].verdict is GOOD
    assert found[f"jsm_ops.ops team {team}"].found == "is payments"
    assert found["jsm_ops.ops team nope"].verdict is BAD
    assert found["jsm_ops.ops heartbeat"].verdict is GOOD


def test_a_site_that_is_not_set_up(patient: Patient, jsm_emulator: Emulator) -> None:
    found = jsm_site(patient, jsm_emulator, heartbeat="beat")
    assert found["jsm_ops.ops heartbeat"].found == "it has no team"
    found = jsm_site(patient, jsm_emulator)
    assert found["jsm_ops.ops heartbeat"].verdict is UNKNOWN
    jsm_emulator.fail("error", path="/teams")
    found = jsm_site(patient, jsm_emulator, responders=["team:x"])
    assert "cannot be told" in found["jsm_ops.ops"].found
    jsm_emulator.heal()
    jsm_emulator.api_keys = frozenset({"another"})
    found = jsm_site(patient, jsm_emulator)
    assert "refuses the key: 401" in found["jsm_ops.ops"].found


def test_a_site_that_does_not_exist(patient: Patient) -> None:
    with Emulator(mode="jsm", cloud_id="another") as emulator:
        found = jsm_site(patient, emulator)
        assert "there is no site 'c'" in found["jsm_ops.ops"].found
    found = jsm_site(patient, emulator)
    assert "gives no answer" in found["jsm_ops.ops"].found


# --- the file


@pytest.fixture
def unpaged(patient: Patient) -> Patient:
    patient.opsgenie["enabled"] = False
    return patient


def test_a_folder_that_may_not_be_written(unpaged: Patient, tmp_path: Path) -> None:
    no_folder = tmp_path / "file"
    no_folder.touch()
    unpaged.alerts["database"] = str(no_folder / "alerts.db")
    found = unpaged.examined()["database"]
    assert found.verdict is BAD
    assert "cannot be made" in found.found


def test_a_damaged_file_is_left_as_it_is(unpaged: Patient) -> None:
    path = Path(unpaged.alerts["database"])
    path.write_bytes(b"no database at all" * 100)
    assert unpaged.examined()["database"].verdict is BAD
    assert path.read_bytes() == b"no database at all" * 100
    assert list(path.parent.iterdir()) == [path]


def test_a_page_of_the_file_that_is_damaged(unpaged: Patient) -> None:
    path = Path(unpaged.alerts["database"])
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a TEXT)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 900,)] * 100)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.close()
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 4096)
    assert "damaged" in unpaged.examined()["database"].found


def test_a_file_of_a_later_format(unpaged: Patient) -> None:
    with sqlite3.connect(unpaged.alerts["database"]) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert "newer breakerd" in unpaged.examined()["database"].found


def test_a_file_of_an_earlier_format(unpaged: Patient) -> None:
    with sqlite3.connect(unpaged.alerts["database"]) as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    assert unpaged.examined()["database"].verdict is GOOD


def test_a_file_that_another_writes_for_long(unpaged: Patient) -> None:
    connection = sqlite3.connect(unpaged.alerts["database"], isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    assert "locked" in unpaged.examined()["database"].found
    connection.close()


@pytest.fixture
def served(world: World, at_emulator: Patient) -> Patient:
    """The file of a service that runs."""
    at_emulator.alerts["database"] = str(world.database)
    return at_emulator


def test_a_file_in_use(served: Patient, world: World) -> None:
    alerting = world.start()
    world.slow()
    world.after()
    found = served.examined(now=world.wall)
    assert found["sender"].verdict is GOOD
    assert found["pending"] == Finding("pending", GOOD, "nothing is still to be told")
    assert found["dead letters"].verdict is GOOD
    assert found["last alert"].found.endswith("was delivered 0 s ago")
    assert alerting.problems() == []
    assert alerting._store._file.rows("SELECT 1 FROM facts WHERE name = 'doctor'") == []
    alerting.close()
    assert served.examined(now=world.wall)["sender"].verdict is UNKNOWN


def test_what_could_not_be_told_yet(served: Patient, world: World) -> None:
    world.emulator.fail("error", path="POST /v2/alerts")
    world.start()
    world.slow()
    world.after()
    world.after(30)
    found = served.examined(now=world.wall)
    assert found["pending"].verdict is WARNING
    assert (
        found["pending"].found == "1 still to be told, the oldest for 30 s, after 2 failed attempts"
    )
    assert found["last alert"].verdict is UNKNOWN


def test_what_waits_for_a_pause_to_end(served: Patient, world: World) -> None:
    world.emulator.fail("rate_limit", delay=100, times=1)
    world.start()
    world.slow()
    world.after()
    found = served.examined(now=world.wall)["pending"]
    assert found == Finding("pending", GOOD, "1 still to be told, the oldest for 0 s")


def test_what_was_given_up(served: Patient, world: World) -> None:
    world.emulator.fail("html", status=422, path="POST /v2/alerts")
    alerting = world.start()
    for number in range(7):
        world.slow(f"b{number}")
    world.after()
    world.after(1)
    found = list(examine(served.settings, now=world.wall))
    dead = [finding for finding in found if finding.check == "dead letters"]
    assert [finding.verdict for finding in dead] == [BAD] * 6
    assert "422" in dead[0].found
    assert any(each["id"] in dead[0].advice for each in alerting.incidents())
    assert dead[-1].found == "2 more"


def test_a_row_that_cannot_be_read(served: Patient, world: World) -> None:
    world.start()
    world.slow()
    world.after()
    connection = sqlite3.connect(world.database)
    with connection:
        connection.execute("UPDATE incidents SET data = '{'")
    connection.close()
    assert served.examined(now=world.wall)["last alert"].verdict is UNKNOWN
