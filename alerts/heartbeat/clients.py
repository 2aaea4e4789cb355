"""Heartbeats at OpsGenie, and at Jira Service Management through its Operations API.

Sources: https://docs.opsgenie.com/docs/heartbeat-api and
https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-heartbeats/
"""

from typing import Any, Final
from urllib.parse import quote

from pydantic import SecretStr

from breakerd.alerts.heartbeat.heartbeat import HeartbeatState
from breakerd.alerts.receivers.base import UnavailableError
from breakerd.alerts.receivers.http import HttpClient, NotFoundError, json_object
from breakerd.alerts.receivers.jsm import ADDRESS

_UNITS: Final = {"minutes": 60.0, "hours": 3600.0, "days": 86400.0}
"""Seconds in each unit."""


class OpsGenieHeartbeat:
    """A heartbeat of OpsGenie.

    Args:
        name: as it is called there.
        key: of an API integration.
        timeout: seconds that a request may take.
        address: of the region.
    """

    def __init__(self, name: str, key: SecretStr, timeout: float, address: str) -> None:
        self.name = name
        self._url = f"{address.rstrip('/')}/v2/heartbeats/{quote(name, safe='')}"
        headers = {"Authorization": f"GenieKey {key.get_secret_value()}"}
        self._client = HttpClient(timeout, headers)

    def find(self) -> HeartbeatState | None:
        """How it is; None if there is none of that name."""
        try:
            answer = json_object(self._client.request("GET", self._url), "data")
        except NotFoundError:
            return None
        return _state_of(answer["data"])

    def ping(self) -> None:
        """Says that all is well; accepted even where there is no such heartbeat."""
        self._client.request("GET", f"{self._url}/ping")

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


class JsmHeartbeat:
    """A heartbeat of a team in Jira Service Management.

    Args:
        name: as it is called there.
        team_id: of the team that it belongs to.
        cloud_id: of the site.
        auth: the user's address and API token.
        timeout: seconds that a request may take.
        address: where the API is, without the path.
    """

    def __init__(
        self,
        name: str,
        team_id: str,
        cloud_id: str,
        auth: tuple[str, SecretStr],
        timeout: float,
        address: str | None = None,
    ) -> None:
        self.name = name
        site, team = quote(cloud_id, safe=""), quote(team_id, safe="")
        base = (address or ADDRESS).rstrip("/")
        self._url = f"{base}/jsm/ops/api/{site}/v1/teams/{team}/heartbeats"
        user, token = auth
        self._client = HttpClient(timeout, auth=(user, token.get_secret_value()))

    def find(self) -> HeartbeatState | None:
        """How it is; None if the team has none of that name, or there is no such team."""
        try:
            answer = json_object(
                self._client.request("GET", self._url, params={"name": self.name}), "values"
            )
        except NotFoundError:
            return None
        found = [each for each in answer["values"] if each.get("name") == self.name]
        return _state_of(found[0]) if found else None

    def ping(self) -> None:
        """Says that all is well; accepted even where there is no such heartbeat."""
        self._client.request("GET", f"{self._url}/ping", params={"name": self.name})

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def _state_of(data: Any) -> HeartbeatState:
    """The heartbeat that an API shows.

    Raises:
        UnavailableError: it is none.
    """
    try:
        seconds = float(data["interval"]) * _UNITS[str(data["intervalUnit"]).lower()]
        enabled = bool(data["enabled"])
    except (KeyError, TypeError, ValueError):
        raise UnavailableError(f"no heartbeat in {str(data)[:200]}") from None
    expired = bool(data.get("expired", data.get("status") == "Unresponsive"))
    return HeartbeatState(seconds, enabled, expired)
