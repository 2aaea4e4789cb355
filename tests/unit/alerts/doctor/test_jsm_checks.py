"""Checks of Jira Service Management, at real servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from breakerd.alerts.doctor.finding import CheckStatus, Finding
from breakerd.alerts.emulator import Emulator
from breakerd.alerts.emulator.pytest_plugin import API_KEY
from tests.support.webhook_receiver import Received, RecordingServer, Reply
from tests.unit.alerts.doctor.conftest import NOWHERE, Setup

OK, FAIL, WARNING, UNKNOWN = (
    CheckStatus.OK,
    CheckStatus.FAIL,
    CheckStatus.WARNING,
    CheckStatus.UNKNOWN,
)


def test_an_integration(setup: Setup, jsm_emulator: Emulator) -> None:
    setup.opsgenie |= {"flavour": "jsm", "api_url": jsm_emulator.url}
    found = setup.findings()
    assert found["jsm"].status is OK
    assert found["heartbeat"].status is FAIL
    assert found["clock"].status is OK
    jsm_emulator.api_keys = frozenset({"another"})
    found = setup.findings()
    assert found["jsm"].status is FAIL
    assert "rejects the key: 401" in found["jsm"].found


@pytest.mark.parametrize("status", [500, 302])
def test_no_integration(setup: Setup, status: int) -> None:
    with RecordingServer(lambda _: Reply(status)) as receiver:
        setup.opsgenie |= {"flavour": "jsm", "api_url": receiver.url}
        found = setup.findings()
    assert found["jsm"].status is FAIL
    assert f"answers {status}" in found["jsm"].found
    found = setup.findings()
    assert "does not respond" in found["jsm"].found


def at_api_url(setup: Setup, url: str, **regions: str) -> Finding:
    """Finding on `flavour = "jsm"` with that address; `regions` are OpsGenie's public ones."""
    setup.opsgenie |= {"flavour": "jsm", "api_url": url}
    return setup.findings(regions or NOWHERE)["jsm"]


def opsgenie_with(status: int) -> Callable[[Received], Reply]:
    """OpsGenie that knows the key, and answers with `status` to all that it does not know."""
    return lambda request: Reply(200 if request.path == "/v2/alerts/count" else status)


OTHER_FLAVOUR = 'write `flavour = "opsgenie"` in [opsgenie], or remove `api_url`'


def test_an_integration_at_the_address_of_opsgenie(
    setup: Setup, opsgenie_emulator: Emulator
) -> None:
    found = at_api_url(setup, opsgenie_emulator.url)
    assert (found.status, found.advice) == (FAIL, OTHER_FLAVOUR)
    assert f"{opsgenie_emulator.url} is OpsGenie, which answers 501" in found.found


@pytest.mark.parametrize("status", [404, 403, 401])
def test_what_answers_as_an_integration_may_be_opsgenie(setup: Setup, status: int) -> None:
    with RecordingServer(opsgenie_with(status)) as opsgenie:
        found = at_api_url(setup, opsgenie.url)
    assert (found.status, found.advice) == (FAIL, OTHER_FLAVOUR)


@pytest.mark.parametrize("status", [404, 403, 401])
def test_a_public_address_of_opsgenie_needs_no_proof(setup: Setup, status: int) -> None:
    with RecordingServer(lambda _: Reply(status)) as opsgenie:
        found = at_api_url(setup, f"{opsgenie.url}/", us=opsgenie.url)
    assert (found.status, found.advice) == (FAIL, OTHER_FLAVOUR)
    assert len(opsgenie.requests) == 1


def test_a_proxy_that_forbids_everything_is_no_opsgenie(setup: Setup) -> None:
    with RecordingServer(lambda _: Reply(403)) as proxy:
        found = at_api_url(setup, proxy.url)
    assert "rejects the key: 403" in found.found


@pytest.fixture
def jsm_of_others() -> Iterator[Emulator]:
    """Jira Service Management, which does not know the key."""
    with Emulator(mode="jsm", api_keys={"another"}) as emulator:
        yield emulator


def test_a_key_of_opsgenie(
    setup: Setup, opsgenie_emulator: Emulator, jsm_of_others: Emulator
) -> None:
    setup.opsgenie |= {"flavour": "jsm"}
    regions = {"us": NOWHERE["us"], "eu": opsgenie_emulator.url}
    found = setup.findings(regions, jsm=jsm_of_others.url)["jsm"]
    assert found.status is FAIL
    assert found.found.startswith("the key belongs to an OpsGenie account in 'eu'")
    assert "`flavour = \"opsgenie\"` and `region = 'eu'`" in found.advice


def test_a_key_of_opsgenie_beside_it(
    setup: Setup, opsgenie_emulator: Emulator, jsm_of_others: Emulator
) -> None:
    setup.opsgenie["enabled"] = False
    setup.alerts["receivers"] = {"jsm": {"trial": {"key": API_KEY}}}
    regions = {"us": opsgenie_emulator.url}
    found = setup.findings(regions, jsm=jsm_of_others.url)["jsm.trial"]
    assert found.found.startswith("the key belongs to an OpsGenie account in 'us'")
    assert "flavour" not in found.advice
    assert "API integration" in found.advice


def test_a_key_is_shown_to_no_other_address_than_is_configured(
    setup: Setup, opsgenie_emulator: Emulator, jsm_of_others: Emulator
) -> None:
    found = at_api_url(setup, jsm_of_others.url, us=opsgenie_emulator.url)
    assert "rejects the key: 401" in found.found
    assert opsgenie_emulator.requests == []


def test_a_token_is_no_key(setup: Setup, jsm_of_others: Emulator) -> None:
    setup.opsgenie |= {"api_key": SecretStr("ATATT3xFfGF0"), "flavour": "jsm"}
    found = setup.findings(jsm=jsm_of_others.url)["jsm"]
    assert (found.status, "jsm_ops" in found.advice) == (FAIL, True)


def jsm_site(setup: Setup, emulator: Emulator, **more: object) -> dict[str, Finding]:
    setup.opsgenie["enabled"] = False
    receiver = {"cloud_id": "c", "user": "ada", "key": API_KEY, "api_url": emulator.url, **more}
    integration = {"key": API_KEY, "api_url": emulator.url}
    setup.alerts["receivers"] = {"jsm_ops": {"ops": receiver}, "jsm": {"in": integration}}
    return setup.findings()


def test_a_site(setup: Setup, jsm_emulator: Emulator) -> None:
    team = jsm_emulator.add_team("payments")
    jsm_emulator.add_heartbeat("beat", interval=1)
    found = jsm_site(
        setup,
        jsm_emulator,
        responders=[f"team:{team}", "team:nope", "user:ada"],
        heartbeat="beat",
        heartbeat_team=team,
    )
    assert found["jsm.in"].status is OK
    assert found["jsm_ops.ops"].status is OK
    assert found[f"jsm_ops.ops team {team}"].found == "is payments"
    assert found["jsm_ops.ops team nope"].status is FAIL
    assert found["jsm_ops.ops heartbeat"].status is OK


def test_a_site_that_is_not_set_up(setup: Setup, jsm_emulator: Emulator) -> None:
    found = jsm_site(setup, jsm_emulator, heartbeat="beat")
    assert found["jsm_ops.ops heartbeat"].found == "it has no team"
    found = jsm_site(setup, jsm_emulator)
    assert found["jsm_ops.ops heartbeat"].status is UNKNOWN
    jsm_emulator.fail("error", path="/teams")
    found = jsm_site(setup, jsm_emulator, responders=["team:x"])
    assert "cannot be checked" in found["jsm_ops.ops"].found
    jsm_emulator.heal()
    jsm_emulator.api_keys = frozenset({"another"})
    found = jsm_site(setup, jsm_emulator)
    assert "rejects the token: 401" in found["jsm_ops.ops"].found
    assert "without scopes" in found["jsm_ops.ops"].advice
    assert "jsm_ops.ops token" not in found


@pytest.mark.parametrize(
    ("more", "advice"),
    [
        ({"user": "bot@ServiceAccount.Atlassian.com"}, "service accounts may not call"),
        ({"token_expires": "2027-01-15"}, "the token ended on 2027-01-15"),
        ({"token_expires": "2027-01-16"}, "create a token without scopes"),
    ],
)
def test_a_token_that_is_rejected(
    setup: Setup, jsm_of_others: Emulator, more: dict[str, str], advice: str
) -> None:
    setup.opsgenie["enabled"] = False
    receiver = {"cloud_id": "c", "user": "ada", "key": API_KEY, "api_url": jsm_of_others.url}
    setup.alerts["receivers"] = {"jsm_ops": {"ops": receiver | more}}
    found = setup.findings(now=lambda: 1_800_000_000.0)["jsm_ops.ops"]
    assert found.status is FAIL
    assert advice in found.advice


def test_a_key_of_an_integration_is_no_token(setup: Setup) -> None:
    def answer(request: Received) -> Reply:
        integration = f"GenieKey {API_KEY}" in request.headers.values()
        return Reply(404 if integration else 401)

    with RecordingServer(answer) as atlassian:
        setup.alerts["receivers"] = {
            "jsm_ops": {
                "ops": {"cloud_id": "c", "user": "a", "key": API_KEY, "api_url": atlassian.url}
            }
        }
        found = setup.findings()["jsm_ops.ops"]
    assert found.status is FAIL
    assert "belongs in [alerts.receivers.jsm.NAME]" in found.advice


def test_a_site_at_the_address_of_opsgenie(setup: Setup, opsgenie_emulator: Emulator) -> None:
    setup.opsgenie["enabled"] = False
    receiver = {"cloud_id": "c", "user": "a", "key": API_KEY, "api_url": opsgenie_emulator.url}
    setup.alerts["receivers"] = {"jsm_ops": {"ops": receiver}}
    found = setup.findings({"us": opsgenie_emulator.url})["jsm_ops.ops"]
    assert (found.status, found.advice) == (FAIL, "remove `api_url`")


def test_the_end_of_a_token(setup: Setup, jsm_emulator: Emulator) -> None:
    found = jsm_site(setup, jsm_emulator)["jsm_ops.ops token"]
    assert (found.status, "token_expires" in found.advice) == (UNKNOWN, True)
    far = (datetime.now(UTC) + timedelta(days=90)).date()
    found = jsm_site(setup, jsm_emulator, token_expires=far)["jsm_ops.ops token"]
    assert (found.status, str(far) in found.found) == (OK, True)


def test_a_site_that_does_not_exist(setup: Setup) -> None:
    with Emulator(mode="jsm", cloud_id="another") as emulator:
        found = jsm_site(setup, emulator)
        assert "site 'c' does not exist" in found["jsm_ops.ops"].found
    found = jsm_site(setup, emulator)
    assert "does not respond" in found["jsm_ops.ops"].found
