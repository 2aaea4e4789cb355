"""Checks of an OpsGenie account, at real servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from breakerd.alerts.doctor.finding import CheckStatus, Finding
from breakerd.alerts.emulator import Emulator
from tests.support.webhook_receiver import RecordingServer, Reply
from tests.unit.alerts.doctor.conftest import NOWHERE, Setup

OK, FAIL, WARNING, UNKNOWN = (
    CheckStatus.OK,
    CheckStatus.FAIL,
    CheckStatus.WARNING,
    CheckStatus.UNKNOWN,
)


def test_a_wrong_key(at_emulator: Setup, opsgenie_emulator: Emulator) -> None:
    opsgenie_emulator.api_keys = frozenset({"another"})
    found = at_emulator.findings()
    assert found["key"].status is FAIL
    assert "401" in found["key"].found
    assert "team payments" not in found


@pytest.fixture
def regions(opsgenie_emulator: Emulator) -> Iterator[dict[str, str]]:
    """An emulator for each region: the key is of the American one."""
    with Emulator(api_keys={"another"}) as european:
        yield {"us": opsgenie_emulator.url, "eu": european.url}


def test_the_right_region(setup: Setup, regions: dict[str, str]) -> None:
    found = setup.findings(regions)
    assert (found["key"].status, found["region"]) == (
        OK,
        Finding("region", OK, "us"),
    )


def test_the_wrong_region(setup: Setup, regions: dict[str, str]) -> None:
    setup.opsgenie["region"] = "eu"
    found = setup.findings(regions)
    assert found["region"].status is FAIL
    assert found["region"].found == "the key belongs to an account in 'us', but the region is 'eu'"
    assert "region = 'us'" in found["region"].advice
    assert "key" not in found


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_each_answer_of_a_wrong_region(
    setup: Setup, opsgenie_emulator: Emulator, status: int
) -> None:
    with RecordingServer(lambda _: Reply(status)) as european:
        setup.opsgenie["region"] = "eu"
        found = setup.findings({"us": opsgenie_emulator.url, "eu": european.url})
    assert found["region"].status is FAIL
    assert "belongs to an account in 'us'" in found["region"].found
    assert "opsgenie" not in found


def test_the_address_of_another_region(setup: Setup, regions: dict[str, str]) -> None:
    setup.opsgenie["api_url"] = regions["eu"]
    found = setup.findings(regions)["region"]
    assert found.found == "the key belongs to an account in 'us', but the region is 'eu'"
    assert found.advice.endswith("and remove `api_url`")


@pytest.mark.parametrize("url", ["jsm", "the public one"])
def test_the_address_of_jira(setup: Setup, jsm_emulator: Emulator, url: str) -> None:
    setup.opsgenie["api_url"] = jsm_emulator.url
    public = jsm_emulator.url if url == "jsm" else NOWHERE["us"]
    found = setup.findings(jsm=public)["opsgenie"]
    assert found.status is FAIL
    assert "answers 404" in found.found
    assert 'write `flavour = "jsm"` in [opsgenie]' in found.advice
    assert "remove `api_url`" in found.advice


def test_a_key_of_jira(
    setup: Setup,
    regions: dict[str, str],
    jsm_emulator: Emulator,
    opsgenie_emulator: Emulator,
) -> None:
    opsgenie_emulator.api_keys = frozenset({"a third"})
    found = setup.findings(regions, jsm=jsm_emulator.url)
    assert found["key"].status is FAIL
    assert found["key"].found.startswith("the key belongs to Jira Service Management")
    assert found["key"].advice == 'write `flavour = "jsm"` in [opsgenie]'
    assert "region" not in found


def test_a_key_is_shown_to_no_other_address_than_is_configured(
    setup: Setup, regions: dict[str, str], jsm_emulator: Emulator
) -> None:
    with Emulator(api_keys={"another"}) as own:
        setup.opsgenie["api_url"] = own.url
        found = setup.findings(regions, jsm=jsm_emulator.url)
    assert "rejects it: 401" in found["key"].found
    assert jsm_emulator.requests == []


def test_a_key_that_no_region_knows(
    setup: Setup, regions: dict[str, str], opsgenie_emulator: Emulator
) -> None:
    opsgenie_emulator.api_keys = frozenset({"a third"})
    found = setup.findings(regions)
    assert found["key"].status is FAIL
    assert "region" not in found
    assert len(opsgenie_emulator.requests) == 1, "its own region is asked once"


def test_the_other_region_is_out_of_reach(setup: Setup, opsgenie_emulator: Emulator) -> None:
    opsgenie_emulator.api_keys = frozenset({"another"})
    with RecordingServer() as gone:
        nowhere = gone.url
    found = setup.findings({"us": opsgenie_emulator.url, "eu": nowhere})
    assert found["key"].status is FAIL


def test_a_key_that_may_not_read(setup: Setup) -> None:
    with RecordingServer(lambda _: Reply(403, {"message": "not allowed"})) as receiver:
        setup.opsgenie["api_url"] = receiver.url
        found = setup.findings()
    for check in ("key", "team payments", "heartbeat"):
        assert found[check].status is UNKNOWN
        assert "403: not allowed" in found[check].found


def test_another_server_at_the_address(setup: Setup) -> None:
    with RecordingServer(lambda _: Reply(520, "<html>")) as receiver:
        setup.opsgenie["api_url"] = receiver.url
        found = setup.findings()
    assert found["opsgenie"].status is FAIL
    assert "520" in found["opsgenie"].found


def test_out_of_reach(setup: Setup) -> None:
    with RecordingServer() as gone:
        setup.opsgenie["api_url"] = gone.url
    found = setup.findings()
    assert found["opsgenie"].status is FAIL
    assert "does not respond" in found["opsgenie"].found
    assert "clock" not in found


def test_responders(at_emulator: Setup, opsgenie_emulator: Emulator) -> None:
    opsgenie_emulator.add_user("ada@example.com")
    at_emulator.opsgenie["team"] = "payment"
    at_emulator.alerts["stages"] = [
        {"after": 0, "priority": "P3", "responders": ["user:ada@example.com", "user:bob"]},
        {"after": 60, "priority": "P1", "responders": ["schedule:nights", "user:bob"]},
    ]
    found = at_emulator.findings()
    statuses = {check: found[check].status for check in found if " " in check}
    assert statuses == {
        "team payment": FAIL,
        "user ada@example.com": OK,
        "user bob": FAIL,
        "schedule nights": UNKNOWN,
    }


def test_a_team_that_cannot_be_asked_for(at_emulator: Setup, opsgenie_emulator: Emulator) -> None:
    opsgenie_emulator.fail("down", path="/v2/teams")
    found = at_emulator.findings()["team payments"]
    assert found.status is UNKNOWN
    assert "no response" in found.found
