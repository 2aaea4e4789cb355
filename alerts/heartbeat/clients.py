"""Clients of heartbeats at OpsGenie, and at Jira Service Management (Operations API).

Sources: https://docs.opsgenie.com/docs/heartbeat-api and
https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-heartbeats/
"""

from typing import Any, Final
from urllib.parse import quote

from pydantic import SecretStr

from breakerd.alerts.heartbeat.heartbeat import HeartbeatState
from breakerd.alerts.receivers.base import UnavailableError
from breakerd.alerts.receivers.http import HttpClient, NotFoundError, json_object, objects
from breakerd.alerts.receivers.jsm import ADDRESS
from breakerd.alerts.receivers.opsgenie import is_true

_UNITS: Final = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}
"""Seconds in each unit."""


class OpsGenieHeartbeat:
    """Client of a heartbeat at OpsGenie. For one thread at a time.

    Args:
        name: name of the heartbeat.
        key: key of an API integration.
        timeout: maximum seconds of a request.
        address: URL of the region.
    """

    def __init__(self, name: str, key: SecretStr, timeout: float, address: str) -> None:
        self.name = name
        self._url = f"{address.rstrip('/')}/v2/heartbeats/{quote(name, safe='')}"
        headers = {"Authorization": f"GenieKey {key.get_secret_value()}"}
        self._client = HttpClient(timeout, headers)

    def find(self) -> HeartbeatState | None:
        """Return its state; None if there is none of that name."""
        try:
            response = json_object(self._client.request("GET", self._url), "data")
        except NotFoundError:
            return None
        return parse_state(response["data"])

    def ping(self) -> None:
        """Send a ping. It is accepted even if there is no such heartbeat."""
        self._client.request("GET", f"{self._url}/ping")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class JsmHeartbeat:
    """Client of a team's heartbeat in Jira Service Management. For one thread at a time.

    Args:
        name: name of the heartbeat.
        team_id: id of its team.
        cloud_id: id of the site.
        auth: email address and API token of the user.
        timeout: maximum seconds of a request.
        address: URL of the API without the path; None for the public one.
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
        """Return its state; None if there is no such team, or it has none of that name."""
        try:
            response = json_object(
                self._client.request("GET", self._url, params={"name": self.name}), "values"
            )
        except NotFoundError:
            return None
        found = [each for each in objects(response["values"]) if each.get("name") == self.name]
        return parse_state(found[0]) if found else None

    def ping(self) -> None:
        """Send a ping. It is accepted even if there is no such heartbeat."""
        self._client.request("GET", f"{self._url}/ping", params={"name": self.name})

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def parse_state(data: Any) -> HeartbeatState:
    """Return the heartbeat that an API shows. Only its interval is needed, to ping in time.

    Raises:
        UnavailableError: the data does not describe a heartbeat.
    """
    try:
        unit = str(data.get("intervalUnit", "minutes")).lower().rstrip("s")
        seconds = float(data["interval"]) * _UNITS[unit]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UnavailableError(f"no heartbeat in {str(data)[:200]}") from None
    expired = is_true(data.get("expired", data.get("status") == "Unresponsive"))
    return HeartbeatState(seconds, is_true(data.get("enabled", True)), expired)
