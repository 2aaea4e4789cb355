"""What can be found out of Jira Service Management, by an integration's key or a user's token.

Sources: https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-integration-events/
and https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-team/
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from http import HTTPStatus
from typing import Final
from urllib.parse import quote
from uuid import UUID

import httpx
from pydantic import SecretStr

from breakerd.alerts.doctor.clock_check import check_clock
from breakerd.alerts.doctor.finding import Finding, bad, good, unknown
from breakerd.alerts.doctor.heartbeat_check import check_heartbeat
from breakerd.alerts.heartbeat.clients import JsmHeartbeat
from breakerd.alerts.receivers.base import DeliveryError, UnavailableError
from breakerd.alerts.receivers.http import HttpClient, error_text, json_object
from breakerd.alerts.receivers.jsm import ADDRESS
from breakerd.alerts.settings.receivers import JsmOpsSettings

_NO_REQUEST: Final = UUID(int=0)
"""A request that was never made: whoever is let in hears that it is not known."""
_REFUSALS: Final = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_NETWORK: Final = "look at the network, the proxy, and `api_url`"


class JsmIntegration:
    """An integration: it shows little more than whether its key is known.

    Args:
        name: as in metrics.
        key: of the integration.
        timeout: seconds that a request may take.
        address: where it is, without the path.
    """

    def __init__(
        self, name: str, key: SecretStr, timeout: float, address: str | None = None
    ) -> None:
        self._name = name
        self._address = (address or ADDRESS).rstrip("/")
        secret = key.get_secret_value()
        headers = {"Authorization": f"GenieKey {secret}"}
        self._client = HttpClient(timeout, headers, secrets=[secret])

    def findings(self, now: Callable[[], float]) -> Iterator[Finding]:
        """What is found, one after the other."""
        url = f"{self._address}/jsm/ops/integration/v2/alerts/requests/{_NO_REQUEST}"
        with closing(self._client):
            try:
                answer = self._client.request_raw("GET", url)
            except UnavailableError as error:
                yield bad(self._name, f"{self._address} gives no answer: {error}", _NETWORK)
                return
        if answer.status_code == HTTPStatus.NOT_FOUND or answer.is_success:
            yield good(self._name, f"the key is accepted by {self._address}")
        else:
            yield _refused(self._name, self._address, answer)
        yield check_clock(answer.headers.get("date", ""), now())


class JsmSite:
    """A site, as a user's token lets it be seen.

    Args:
        name: as in metrics.
        settings: of the receiver.
        key: the token.
        timeout: seconds that a request may take.
    """

    def __init__(self, name: str, settings: JsmOpsSettings, key: SecretStr, timeout: float) -> None:
        self._name = name
        self._settings = settings
        self._key = key
        self._timeout = timeout
        self._address = (settings.api_url or ADDRESS).rstrip("/")
        self._site = f"{self._address}/jsm/ops/api/{quote(settings.cloud_id, safe='')}/v1"
        secret = key.get_secret_value()
        self._client = HttpClient(timeout, auth=(settings.user, secret), secrets=[secret])

    def findings(self, now: Callable[[], float]) -> Iterator[Finding]:
        """What is found, one after the other."""
        with closing(self._client):
            try:
                answer = self._client.request_raw(
                    "GET", f"{self._site}/alerts", params={"size": "1"}
                )
            except UnavailableError as error:
                yield bad(self._name, f"{self._address} gives no answer: {error}", _NETWORK)
                return
            if answer.is_success:
                yield good(self._name, f"the token is accepted by {self._address}")
                yield from self._teams()
                yield self._heartbeat()
            elif answer.status_code == HTTPStatus.NOT_FOUND:
                found = f"there is no site {self._settings.cloud_id!r}: {error_text(answer)}"
                yield bad(self._name, found, "look at `cloud_id`: /_edge/tenant_info shows it")
            else:
                yield _refused(self._name, self._address, answer)
            yield check_clock(answer.headers.get("date", ""), now())

    def _teams(self) -> Iterator[Finding]:
        responders = [each.partition(":") for each in self._settings.responders]
        teams = [team.strip() for kind, _, team in responders if kind == "team"]
        if not teams:
            return
        try:
            answer = json_object(
                self._client.request("GET", f"{self._site}/teams"), "platformTeams"
            )
        except DeliveryError as error:
            yield unknown(self._name, f"whether its teams exist cannot be told: {error}")
            return
        known = {str(team.get("teamId")): team.get("teamName") for team in answer["platformTeams"]}
        for team in teams:
            check = f"{self._name} team {team}"
            if team in known:
                yield good(check, f"is {known[team]}")
            else:
                yield bad(check, "does not exist", "alerts for it page nobody: look at the id")

    def _heartbeat(self) -> Finding:
        wanted, check = self._settings, f"{self._name} heartbeat"
        if not wanted.heartbeat:
            return check_heartbeat(check, None)
        if not wanted.heartbeat_team:
            return bad(check, "it has no team", "set `heartbeat_team` to the id of its team")
        auth = (wanted.user, self._key)
        client = JsmHeartbeat(
            wanted.heartbeat, wanted.heartbeat_team, wanted.cloud_id, auth, self._timeout,
            wanted.api_url,
        )  # fmt: skip
        return check_heartbeat(check, client)


def _refused(name: str, address: str, answer: httpx.Response) -> Finding:
    said = f"{answer.status_code}: {error_text(answer)}"
    if answer.status_code in _REFUSALS:
        return bad(name, f"{address} refuses the key: {said}", "set the right one")
    return bad(name, f"{address} answers {said}", "look whether this is the right address")
