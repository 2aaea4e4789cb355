"""Checks of Jira Service Management, with an integration's key or a user's token.

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

from breakerd.alerts.doctor.checks import check_clock, check_heartbeat
from breakerd.alerts.doctor.finding import Finding, fail, ok, unknown
from breakerd.alerts.heartbeat.clients import JsmHeartbeat
from breakerd.alerts.receivers.base import DeliveryError, UnavailableError
from breakerd.alerts.receivers.http import HttpClient, error_text, json_object, objects
from breakerd.alerts.receivers.jsm import ADDRESS
from breakerd.alerts.settings.receivers import JsmOpsSettings

_NO_REQUEST: Final = UUID(int=0)
"""Id of a request that was never sent: with a valid key the API answers that it is unknown."""
_REJECTIONS: Final = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_NETWORK: Final = "check the network, the proxy, and `api_url`"


class JsmIntegration:
    """Integration; its API shows little more than whether the key is valid.

    Args:
        name: name in metrics.
        key: key of the integration.
        timeout: maximum seconds of a request.
        address: address of the API, without the path; Atlassian's if None.
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
        """Run the checks, and yield each finding as soon as it is known."""
        url = f"{self._address}/jsm/ops/integration/v2/alerts/requests/{_NO_REQUEST}"
        with closing(self._client):
            try:
                response = self._client.request_raw("GET", url)
            except UnavailableError as error:
                yield fail(self._name, f"{self._address} does not respond: {error}", _NETWORK)
                return
        if response.status_code == HTTPStatus.NOT_FOUND or response.is_success:
            yield ok(self._name, f"the key is accepted by {self._address}")
        else:
            yield _rejected(self._name, self._address, response)
        yield check_clock(response.headers.get("date", ""), now())


class JsmSite:
    """Site, seen with a user's token.

    Args:
        name: name in metrics.
        settings: settings of the receiver.
        key: token of the user.
        timeout: maximum seconds of a request.
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
        """Run the checks, and yield each finding as soon as it is known."""
        with closing(self._client):
            try:
                response = self._client.request_raw(
                    "GET", f"{self._site}/alerts", params={"size": "1"}
                )
            except UnavailableError as error:
                yield fail(self._name, f"{self._address} does not respond: {error}", _NETWORK)
                return
            if response.is_success:
                yield ok(self._name, f"the token is accepted by {self._address}")
                yield from self._teams()
                yield self._heartbeat()
            elif response.status_code == HTTPStatus.NOT_FOUND:
                found = f"site {self._settings.cloud_id!r} does not exist: {error_text(response)}"
                yield fail(self._name, found, "check `cloud_id`: /_edge/tenant_info shows it")
            else:
                yield _rejected(self._name, self._address, response)
            yield check_clock(response.headers.get("date", ""), now())

    def _teams(self) -> Iterator[Finding]:
        responders = [each.partition(":") for each in self._settings.responders]
        teams = [team.strip() for kind, _, team in responders if kind == "team"]
        if not teams:
            return
        try:
            response = self._client.request("GET", f"{self._site}/teams")
            body = json_object(response, "platformTeams")
        except DeliveryError as error:
            yield unknown(self._name, f"its teams cannot be checked: {error}")
            return
        found = objects(body["platformTeams"])
        known = {str(team.get("teamId")): team.get("teamName", "known") for team in found}
        for team in teams:
            check = f"{self._name} team {team}"
            if team in known:
                yield ok(check, f"is {known[team]}")
            else:
                yield fail(check, "does not exist", "alerts for it page nobody: check the id")

    def _heartbeat(self) -> Finding:
        wanted, check = self._settings, f"{self._name} heartbeat"
        if not wanted.heartbeat:
            return check_heartbeat(check, None)
        if not wanted.heartbeat_team:
            return fail(check, "it has no team", "set `heartbeat_team` to the id of its team")
        auth = (wanted.user, self._key)
        client = JsmHeartbeat(
            wanted.heartbeat, wanted.heartbeat_team, wanted.cloud_id, auth, self._timeout,
            wanted.api_url,
        )  # fmt: skip
        return check_heartbeat(check, client)


def _rejected(name: str, address: str, response: httpx.Response) -> Finding:
    reason = f"{response.status_code}: {error_text(response)}"
    if response.status_code in _REJECTIONS:
        return fail(name, f"{address} rejects the key: {reason}", "set a valid key")
    return fail(name, f"{address} answers {reason}", "check the address")
