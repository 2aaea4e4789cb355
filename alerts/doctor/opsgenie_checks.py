"""Checks of an OpsGenie account, with the key of an API integration.

Such a key may be restricted: 403 means that it is known but not permitted, 401 that it is unknown.

Sources: https://docs.opsgenie.com/docs/response, https://docs.opsgenie.com/docs/alert-api,
https://docs.opsgenie.com/docs/team-api, https://docs.opsgenie.com/docs/user-api,
https://docs.opsgenie.com/docs/escalation-api, https://docs.opsgenie.com/docs/schedule-api
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from breakerd.alerts.doctor.checks import check_clock, check_heartbeat
from breakerd.alerts.doctor.finding import Finding, fail, ok, unknown
from breakerd.alerts.heartbeat.clients import OpsGenieHeartbeat
from breakerd.alerts.incidents import policy
from breakerd.alerts.receivers.base import UnavailableError
from breakerd.alerts.receivers.http import HttpClient, error_text
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import UNKNOWN, resolve_identity

_COUNT: Final = "/v2/alerts/count"
"""Harmless request, permitted to every key that may read."""
_KNOWN: Final[dict[int, int]] = {HTTPStatus.OK: 2, HTTPStatus.FORBIDDEN: 1}
"""Certainty that the key is known, by status; 0 for all others."""
_LOOKUPS: Final = {
    "team": "/v2/teams/{}?identifierType=name",
    "user": "/v2/users/{}",
    "escalation": "/v2/escalations/{}?identifierType=name",
    "schedule": "/v2/schedules/{}?identifierType=name",
}


class OpsGenieAccount:
    """Account, seen with an integration's key.

    Args:
        settings: settings of alerting.
        key: key of an API integration.
        timeout: maximum seconds of a request.
        addresses: addresses by region.
    """

    def __init__(
        self,
        settings: AlertingSettings,
        key: SecretStr,
        timeout: float,
        addresses: Mapping[str, str],
    ) -> None:
        self._settings = settings
        self._key = key
        self._timeout = timeout
        self._addresses = addresses
        opsgenie = settings.opsgenie
        self._address = (opsgenie.api_url or addresses[opsgenie.region]).rstrip("/")
        headers = {"Authorization": f"GenieKey {key.get_secret_value()}"}
        self._client = HttpClient(timeout, headers, secrets=[key.get_secret_value()])

    def findings(self, now: Callable[[], float]) -> Iterator[Finding]:
        """Run the checks, and yield each finding; if the account cannot be reached, only that."""
        with closing(self._client):
            try:
                response = self._client.request_raw("GET", self._address + _COUNT)
            except UnavailableError as error:
                advice = "check the network, the proxy, and `api_url` or `region`"
                yield fail("opsgenie", f"{self._address} does not respond: {error}", advice)
                return
            yield from self._check_key_and_region(response)
            if _rank(response):
                yield from map(self._check_responder, self._responders())
                yield self._check_heartbeat()
            yield check_clock(response.headers.get("date", ""), now())

    # --- key and region

    def _check_key_and_region(self, response: httpx.Response) -> Iterator[Finding]:
        region = self._settings.opsgenie.region
        better = self._better_region(response)
        if better:
            found = f"the key belongs to an account in {better!r}, but the region is {region!r}"
            yield fail("region", found, f"set `region = {better!r}`, or OPSGENIE_REGION")
            return
        yield _check_key(response, self._address)
        if not _rank(response):
            return
        if self._settings.opsgenie.api_url:
            yield unknown("region", f"not used: `api_url` is {self._address}")
        else:
            yield ok("region", region)

    def _better_region(self, response: httpx.Response) -> str:
        """Return a region where the key is more certainly known than here; empty if none is."""
        opsgenie = self._settings.opsgenie
        if opsgenie.api_url or response.status_code == HTTPStatus.OK:
            return ""
        for region, address in self._addresses.items():
            if region == opsgenie.region:
                continue
            try:
                other = self._client.request_raw("GET", address.rstrip("/") + _COUNT)
            except UnavailableError:
                continue
            if _rank(other) > _rank(response):
                return region
        return ""

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
        return unknown(check, f"not readable: {_reason(response)}", "use --send-test to see")

    def _check_heartbeat(self) -> Finding:
        name = self._settings.opsgenie.heartbeat
        if not name:
            return check_heartbeat("heartbeat", None)
        client = OpsGenieHeartbeat(name, self._key, self._timeout, self._address)
        return check_heartbeat("heartbeat", client)


def _rank(response: httpx.Response) -> int:
    return _KNOWN.get(response.status_code, 0)


def _check_key(response: httpx.Response, address: str) -> Finding:
    rank = _rank(response)
    if rank == _KNOWN[HTTPStatus.OK]:
        return ok("key", f"accepted by {address}")
    if rank:
        return unknown(
            "key", f"known to {address}, but may not read alerts: {_reason(response)}",
            "use --send-test to see that it may write",
        )  # fmt: skip
    if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY}:
        advice = "use the key of an enabled API integration"
        return fail("key", f"{address} rejects it: {_reason(response)}", advice)
    return fail("opsgenie", f"{address} answers {_reason(response)}", "check that this is OpsGenie")


def _reason(response: httpx.Response) -> str:
    return f"{response.status_code}: {error_text(response)}"
