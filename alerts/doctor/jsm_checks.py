"""Checks of Jira Service Management, with an integration's key or a user's token.

Sources: https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-integration-events/
and https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-team/
On service accounts: https://jira.atlassian.com/browse/JSDCLOUD-17685
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from breakerd.alerts.doctor.checks import check_clock, check_heartbeat
from breakerd.alerts.doctor.finding import Finding, fail, ok, unknown
from breakerd.alerts.doctor.products import (
    UNKNOWN_REQUEST,
    Addresses,
    is_known_integration,
    knows_integration_key,
    knows_opsgenie_key,
    reason,
    region_of,
)
from breakerd.alerts.doctor.token_check import check_token_end
from breakerd.alerts.heartbeat.clients import JsmHeartbeat
from breakerd.alerts.receivers.base import DeliveryError, UnavailableError
from breakerd.alerts.receivers.http import HttpClient, json_object, objects
from breakerd.alerts.receivers.jsm import ADDRESS
from breakerd.alerts.settings.receivers import JsmOpsSettings
from breakerd.alerts.settings.token_end import MAX_LIFE, TOKENS_PAGE, days_left

FLAVOUR: Final = "jsm"
"""Name of the receiver of `[opsgenie]` with `flavour = "jsm"`."""

_REJECTIONS: Final = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_NETWORK: Final = "check the network, the proxy, and `api_url`"
_OF_A_USER: Final = "ATATT"
"""Beginning of the API tokens of Atlassian's users."""
_SERVICE_ACCOUNT: Final = "@serviceaccount.atlassian.com"
"""End of the addresses of service accounts."""


class JsmIntegration:
    """Integration; its API shows little more than whether the key is valid.

    Args:
        name: name in metrics; `FLAVOUR` if it is the one of `[opsgenie]`.
        key: key of the integration.
        timeout: maximum seconds of a request.
        api_url: address of the API, without the path; Atlassian's if None.
        addresses: public addresses of both products.
    """

    def __init__(
        self,
        name: str,
        key: SecretStr,
        timeout: float,
        api_url: str | None = None,
        addresses: Addresses | None = None,
    ) -> None:
        self._name = name
        self._api_url = api_url
        self._addresses = addresses or Addresses()
        self._address = (api_url or self._addresses.jsm).rstrip("/")
        self._secret = key.get_secret_value()
        headers = {"Authorization": f"GenieKey {self._secret}"}
        self._client = HttpClient(timeout, headers, secrets=[self._secret])

    def findings(self, now: Callable[[], float]) -> Iterator[Finding]:
        """Run the checks, and yield each finding as soon as it is known."""
        with closing(self._client):
            try:
                response = self._client.request_raw("GET", self._address + UNKNOWN_REQUEST)
            except UnavailableError as error:
                yield fail(self._name, f"{self._address} does not respond: {error}", _NETWORK)
                return
            yield self._judge(response)
        yield check_clock(response.headers.get("date", ""), now())

    def _judge(self, response: httpx.Response) -> Finding:
        if self._is_at_opsgenie(response):
            found = f"{self._address} is OpsGenie, which answers {reason(response)}"
            return fail(self._name, found, self._other_product("remove `api_url`"))
        if is_known_integration(response):
            return ok(self._name, f"the key is accepted by {self._address}")
        if response.status_code not in _REJECTIONS:
            return fail(self._name, _answers(self._address, response), "check `api_url`")
        found = f"{self._address} rejects the key: {reason(response)}"
        if self._secret.startswith(_OF_A_USER):
            advice = "this is a user's API token: it belongs in [alerts.receivers.jsm_ops.NAME]"
            return fail(self._name, found, advice)
        if region := self._region():
            found = f"the key belongs to an OpsGenie account in {region!r}: {found}"
            return fail(self._name, found, self._other_product(_NEW_KEY, region))
        return fail(self._name, found, _NEW_KEY)

    def _is_at_opsgenie(self, response: httpx.Response) -> bool:
        """True if the configured address is OpsGenie's, whatever its response to JSM's request."""
        if not self._api_url:
            return False
        if product := self._addresses.product_of(self._api_url):
            return product == "opsgenie"
        # What answers 403 to everything is no OpsGenie.
        enough = 1 if response.status_code == HTTPStatus.FORBIDDEN else 0
        return knows_opsgenie_key(self._client, self._api_url) > enough

    def _region(self) -> str:
        """Return the region of OpsGenie that knows the key; empty if none does."""
        if not self._addresses.may_probe(self._api_url):
            return ""
        return region_of(self._client, self._addresses)

    def _other_product(self, otherwise: str, region: str = "") -> str:
        """Return the advice for a key or an address of OpsGenie."""
        if self._name != FLAVOUR:
            return otherwise
        where = f" and `region = {region!r}`" if region else ""
        return f'write `flavour = "opsgenie"`{where} in [opsgenie], or {otherwise}'


class JsmSite:
    """Site, seen with a user's token.

    Args:
        name: name in metrics.
        settings: settings of the receiver.
        key: token of the user.
        timeout: maximum seconds of a request.
        addresses: public addresses of both products.
    """

    def __init__(
        self,
        name: str,
        settings: JsmOpsSettings,
        key: SecretStr,
        timeout: float,
        addresses: Addresses | None = None,
    ) -> None:
        self._name = name
        self._settings = settings
        self._key = key
        self._timeout = timeout
        self._addresses = addresses or Addresses()
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
                yield check_token_end(f"{self._name} token", self._settings.token_expires, now())
                yield from self._teams()
                yield self._heartbeat()
            else:
                yield self._judge(response, now())
            yield check_clock(response.headers.get("date", ""), now())

    def _judge(self, response: httpx.Response, now: float) -> Finding:
        if self._addresses.product_of(self._address) == "opsgenie":
            found = f"{self._address} is OpsGenie, which answers {reason(response)}"
            return fail(self._name, found, "remove `api_url`")
        if response.status_code == HTTPStatus.NOT_FOUND:
            found = f"site {self._settings.cloud_id!r} does not exist: {reason(response)}"
            return fail(self._name, found, "check `cloud_id`: /_edge/tenant_info shows it")
        if response.status_code not in _REJECTIONS:
            return fail(self._name, _answers(self._address, response), "check `api_url`")
        found = f"{self._address} rejects the token: {reason(response)}"
        return fail(self._name, found, self._why_rejected(now))

    def _why_rejected(self, now: float) -> str:
        wanted = self._settings
        if self._is_integration_key():
            return "this is the key of an integration: it belongs in [alerts.receivers.jsm.NAME]"
        if wanted.user.casefold().endswith(_SERVICE_ACCOUNT):
            return (
                "Atlassian's service accounts may not call the Operations API: use the token of a "
                "user with a licence as an agent, or an integration in [alerts.receivers.jsm.NAME]"
            )
        if wanted.token_expires and days_left(wanted.token_expires, now) <= 0:
            return f"the token ended on {wanted.token_expires}: create a new one at {TOKENS_PAGE}"
        return (
            f"create a token without scopes at {TOKENS_PAGE}: each ends within {MAX_LIFE} days; "
            "`user` is the e-mail address of its owner, who needs a licence as an agent"
        )

    def _is_integration_key(self) -> bool:
        secret = self._key.get_secret_value()
        headers = {"Authorization": f"GenieKey {secret}"}
        with closing(HttpClient(self._timeout, headers, secrets=[secret])) as client:
            return knows_integration_key(client, self._address)

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


_NEW_KEY: Final = (
    "use the key of an API integration that is switched on in Jira Service Management: "
    "Operations, Integrations"
)


def _answers(address: str, response: httpx.Response) -> str:
    return f"{address} answers {reason(response)}"
