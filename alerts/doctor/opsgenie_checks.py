"""Checks of an OpsGenie account, with the key of an API integration.

Such a key may be restricted: 403 means that it is known but not permitted, 401 that it is unknown.

Sources: https://docs.opsgenie.com/docs/response, https://docs.opsgenie.com/docs/alert-api,
https://docs.opsgenie.com/docs/team-api, https://docs.opsgenie.com/docs/user-api,
https://docs.opsgenie.com/docs/escalation-api, https://docs.opsgenie.com/docs/schedule-api
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
    COUNT,
    Addresses,
    certainty,
    knows_integration_key,
    reason,
    region_of,
)
from breakerd.alerts.heartbeat.clients import OpsGenieHeartbeat
from breakerd.alerts.incidents import policy
from breakerd.alerts.receivers.base import UnavailableError
from breakerd.alerts.receivers.http import HttpClient
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import UNKNOWN, resolve_identity

_LOOKUPS: Final = {
    "team": "/v2/teams/{}?identifierType=name",
    "user": "/v2/users/{}",
    "escalation": "/v2/escalations/{}?identifierType=name",
    "schedule": "/v2/schedules/{}?identifierType=name",
}
_FLAVOUR: Final = 'write `flavour = "jsm"` in [opsgenie]'
_URL: Final = "if it should be OpsGenie, remove `api_url`"


class OpsGenieAccount:
    """Account, seen with an integration's key.

    Args:
        settings: settings of alerting.
        key: key of an API integration.
        timeout: maximum seconds of a request.
        addresses: public addresses of both products.
    """

    def __init__(
        self,
        settings: AlertingSettings,
        key: SecretStr,
        timeout: float,
        addresses: Addresses,
    ) -> None:
        self._settings = settings
        self._key = key
        self._timeout = timeout
        self._addresses = addresses
        opsgenie = settings.opsgenie
        self._address = (opsgenie.api_url or addresses.opsgenie[opsgenie.region]).rstrip("/")
        headers = {"Authorization": f"GenieKey {key.get_secret_value()}"}
        self._client = HttpClient(timeout, headers, secrets=[key.get_secret_value()])

    def findings(self, now: Callable[[], float]) -> Iterator[Finding]:
        """Run the checks, and yield each finding; if the account cannot be reached, only that."""
        with closing(self._client):
            try:
                response = self._client.request_raw("GET", self._address + COUNT)
            except UnavailableError as error:
                advice = "check the network, the proxy, and `api_url` or `region`"
                yield fail("opsgenie", f"{self._address} does not respond: {error}", advice)
                return
            yield from self._check_key_and_region(response)
            if certainty(response):
                yield from map(self._check_responder, self._responders())
                yield self._check_heartbeat()
            yield check_clock(response.headers.get("date", ""), now())

    # --- key and region

    def _check_key_and_region(self, response: httpx.Response) -> Iterator[Finding]:
        opsgenie = self._settings.opsgenie
        if wrong := self._wrong_address(response) or self._wrong_product(response):
            yield wrong
            return
        yield _check_key(response, self._address)
        if not certainty(response):
            return
        if opsgenie.api_url:
            yield unknown("region", f"not used: `api_url` is {self._address}")
        else:
            yield ok("region", opsgenie.region)

    def _wrong_address(self, response: httpx.Response) -> Finding | None:
        """Return a finding if the address is no OpsGenie, or that of another region."""
        at_opsgenie = self._addresses.product_of(self._address) == "opsgenie"
        if at_opsgenie or response.status_code != HTTPStatus.NOT_FOUND:
            return self._wrong_region(response)
        found = f"{self._address} answers {reason(response)}: this is not OpsGenie's API"
        return fail("opsgenie", found, f"if it is Jira Service Management, {_FLAVOUR}; {_URL}")

    def _wrong_product(self, response: httpx.Response) -> Finding | None:
        """Return a finding if the key is one of Jira Service Management."""
        if certainty(response) or not self._may_probe:
            return None
        if not knows_integration_key(self._client, self._addresses.jsm):
            return None
        found = "the key belongs to Jira Service Management, but the flavour is 'opsgenie'"
        return fail("key", f"{found}: {self._address} answers {reason(response)}", _FLAVOUR)

    def _wrong_region(self, response: httpx.Response) -> Finding | None:
        """Return a finding if another region knows the key, or more certainly than this one."""
        opsgenie, rank = self._settings.opsgenie, certainty(response)
        if response.status_code == HTTPStatus.OK or not self._may_probe:
            return None
        region = next(
            (name for name, url in self._addresses.opsgenie.items() if url == self._address), ""
        )
        better = region_of(self._client, self._addresses, above=rank, besides=region)
        if not better:
            return None
        found = f"the key belongs to an account in {better!r}, but the region is {region!r}"
        also = ", and remove `api_url`" if opsgenie.api_url else ""
        return fail("region", found, f"set `region = {better!r}`, or OPSGENIE_REGION{also}")

    @property
    def _may_probe(self) -> bool:
        return self._addresses.may_probe(self._settings.opsgenie.api_url)

    # --- responders and heartbeat

    def _responders(self) -> list[str]:
        """Return the team and the responders of all stages, each once, as `TYPE:NAME`."""
        team = resolve_identity(self._settings.opsgenie).team
        names = [f"team:{team}"] if team != UNKNOWN else []
        for stages in policy.plans(self._settings).values():
            for stage in stages:
                names += stage.responders
        return list(dict.fromkeys(names))

    def _check_responder(self, responder: str) -> Finding:
        kind, _, name = responder.partition(":")
        check = f"{kind} {name.strip()}"
        path = _LOOKUPS[kind].format(quote(name.strip(), safe=""))
        try:
            response = self._client.request_raw("GET", self._address + path)
        except UnavailableError as error:
            return unknown(check, f"no response: {error}")
        if response.status_code == HTTPStatus.OK:
            return ok(check, "exists")
        if response.status_code == HTTPStatus.NOT_FOUND:
            return fail(check, "does not exist", "alerts for it page nobody: check the spelling")
        return unknown(check, f"not readable: {reason(response)}", "use --send-test to see")

    def _check_heartbeat(self) -> Finding:
        name = self._settings.opsgenie.heartbeat
        if not name:
            return check_heartbeat("heartbeat", None)
        client = OpsGenieHeartbeat(name, self._key, self._timeout, self._address)
        return check_heartbeat("heartbeat", client)


def _check_key(response: httpx.Response, address: str) -> Finding:
    if response.status_code == HTTPStatus.OK:
        return ok("key", f"accepted by {address}")
    if certainty(response):
        return unknown(
            "key", f"known to {address}, but may not read alerts: {reason(response)}",
            "use --send-test to see that it may write",
        )  # fmt: skip
    if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY}:
        advice = "use the key of an enabled API integration"
        return fail("key", f"{address} rejects it: {reason(response)}", advice)
    return fail("opsgenie", f"{address} answers {reason(response)}", "check that this is OpsGenie")
