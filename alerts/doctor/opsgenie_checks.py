"""What can be found out of an OpsGenie account with the key of an API integration.

Such a key may be limited: 403 where it is known and may not do this, 401 where it is not known.

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

from breakerd.alerts.doctor.clock_check import check_clock
from breakerd.alerts.doctor.finding import Finding, bad, good, unknown
from breakerd.alerts.doctor.heartbeat_check import check_heartbeat
from breakerd.alerts.heartbeat.clients import OpsGenieHeartbeat
from breakerd.alerts.incidents import policy
from breakerd.alerts.receivers.base import UnavailableError
from breakerd.alerts.receivers.http import HttpClient, error_text
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import UNKNOWN, resolve_identity

_COUNT: Final = "/v2/alerts/count"
"""Harmless, and every key that may read may ask for it."""
_KNOWN: Final[dict[int, int]] = {HTTPStatus.OK: 2, HTTPStatus.FORBIDDEN: 1}
"""By status, how sure it is that the key is known; 0 for all others."""
_NAMED: Final = {
    "team": "/v2/teams/{}?identifierType=name",
    "user": "/v2/users/{}",
    "escalation": "/v2/escalations/{}?identifierType=name",
    "schedule": "/v2/schedules/{}?identifierType=name",
}


class OpsGenieAccount:
    """An account, as its key lets it be seen.

    Args:
        settings: of alerting.
        key: of an API integration.
        timeout: seconds that a request may take.
        addresses: of the regions.
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
        """What is found, one after the other; little where it cannot be reached."""
        with closing(self._client):
            try:
                answer = self._client.request_raw("GET", self._address + _COUNT)
            except UnavailableError as error:
                advice = "look at the network, the proxy, and `api_url` or `region`"
                yield bad("opsgenie", f"{self._address} gives no answer: {error}", advice)
                return
            yield from self._key_and_region(answer)
            if _rank(answer):
                yield from map(self._exists, self._responders())
                yield self._heartbeat()
            yield check_clock(answer.headers.get("date", ""), now())

    # --- key and region

    def _key_and_region(self, answer: httpx.Response) -> Iterator[Finding]:
        region = self._settings.opsgenie.region
        better = self._better_region(answer)
        if better:
            found = f"the key is of an account in {better!r}, and {region!r} is asked"
            yield bad("region", found, f"set `region = {better!r}`, or OPSGENIE_REGION")
            return
        yield _about_key(answer, self._address)
        if not _rank(answer):
            return
        if self._settings.opsgenie.api_url:
            yield unknown("region", f"none is asked, but {self._address}")
        else:
            yield good("region", region)

    def _better_region(self, answer: httpx.Response) -> str:
        """The region that knows the key better than the one that is asked; empty if none does."""
        opsgenie = self._settings.opsgenie
        if opsgenie.api_url or answer.status_code == HTTPStatus.OK:
            return ""
        for region, address in self._addresses.items():
            if region == opsgenie.region:
                continue
            try:
                other = self._client.request_raw("GET", address.rstrip("/") + _COUNT)
            except UnavailableError:
                continue
            if _rank(other) > _rank(answer):
                return region
        return ""

    # --- who is paged

    def _responders(self) -> list[str]:
        """The team, and whom the stages name, each once, as `team:NAME` and its kind."""
        team = resolve_identity(self._settings.opsgenie).team
        named = [f"team:{team}"] if team != UNKNOWN else []
        for stage in policy.stages(self._settings):
            named += stage.responders
        return list(dict.fromkeys(named))

    def _exists(self, responder: str) -> Finding:
        kind, _, name = responder.partition(":")
        check = f"{kind} {name.strip()}"
        path = _NAMED[kind].format(quote(name.strip(), safe=""))
        try:
            answer = self._client.request_raw("GET", self._address + path)
        except UnavailableError as error:
            return unknown(check, f"no answer: {error}")
        if answer.status_code == HTTPStatus.OK:
            return good(check, "exists")
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return bad(check, "does not exist", "alerts for it page nobody: look at its spelling")
        return unknown(check, f"cannot be told: {_said(answer)}", "--send-test shows who is paged")

    def _heartbeat(self) -> Finding:
        name = self._settings.opsgenie.heartbeat
        if not name:
            return check_heartbeat("heartbeat", None)
        client = OpsGenieHeartbeat(name, self._key, self._timeout, self._address)
        return check_heartbeat("heartbeat", client)


def _rank(answer: httpx.Response) -> int:
    return _KNOWN.get(answer.status_code, 0)


def _about_key(answer: httpx.Response, address: str) -> Finding:
    rank = _rank(answer)
    if rank == _KNOWN[HTTPStatus.OK]:
        return good("key", f"accepted by {address}")
    if rank:
        return unknown(
            "key", f"known to {address}, and may not read alerts: {_said(answer)}",
            "that it may write, --send-test shows",
        )  # fmt: skip
    if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY}:
        advice = "take the key of an API integration that is switched on"
        return bad("key", f"{address} refuses it: {_said(answer)}", advice)
    return bad("opsgenie", f"{address} answers {_said(answer)}", "look whether this is OpsGenie")


def _said(answer: httpx.Response) -> str:
    return f"{answer.status_code}: {error_text(answer)}"
