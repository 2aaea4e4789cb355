"""Jira Service Management's two alert APIs on one account. Pure, like OpsGenie's.

- Integration events, under `/jsm/ops/integration`, have OpsGenie's forms and its `GenieKey`, but do
  only what https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v1/api-group-integration-events
  lists: create, acknowledge, close, add note, request status. They accept `identifierType`, see
  https://jira.atlassian.com/browse/JSDCLOUD-14179.
- The Operations REST API, under `/jsm/ops/api/{cloudId}`, takes a user and a token (Basic), and
  finds alerts only by id. Paths, bodies and responses are those of
  https://developer.atlassian.com/cloud/jira/service-desk-ops/swagger.v3.json. Message,
  description, tags and extra properties of an alert are changed as in
  https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-alerts/: `PATCH`
  for the texts, `POST` and `DELETE` with a JSON body for the others.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from breakerd.alerts.emulator.api.messages import Request, Response, accepted, refused
from breakerd.alerts.emulator.api.opsgenie import OPERATIONS, OpsGenieApi
from breakerd.alerts.emulator.api.router import ApiError, Operation, Router
from breakerd.alerts.emulator.api.search import SearchError, page_bounds, search, sort_alerts
from breakerd.alerts.emulator.api.validation import heartbeat_validation_error, validation_error
from breakerd.alerts.emulator.state.account import DEFAULT_MODE, EmulatedAccount, WriteMode
from breakerd.alerts.emulator.state.alert import INTEGRATION, EmulatedAlert, Json, rfc3339
from breakerd.alerts.emulator.state.alerts import Write
from breakerd.alerts.emulator.state.heartbeats import EmulatedHeartbeat

INTEGRATION_PREFIX: Final = "/jsm/ops/integration"
REST_PREFIX: Final = "/jsm/ops/api"

EVENTS: Final = {
    (method, path): operation
    for (method, path), operation in OPERATIONS.items()
    if (method, path)
    in {
        ("POST", "/v2/alerts"),
        ("GET", "/v2/alerts/requests/{requestId}"),
        ("POST", "/v2/alerts/{identifier}/acknowledge"),
        ("POST", "/v2/alerts/{identifier}/close"),
        ("POST", "/v2/alerts/{identifier}/notes"),
    }
}
"""OpsGenie's operations that integration events support."""


class JsmApi:
    """Both APIs of Jira Service Management. Not thread-safe.

    Args:
        account: the account that is read and changed.
        cloud_id: the only valid cloud id; None: all are valid.
    """

    def __init__(self, account: EmulatedAccount, cloud_id: str | None = None) -> None:
        self._account = account
        self._cloud_id = cloud_id
        self._events = OpsGenieApi(account, EVENTS)
        self._router = Router[_JsmCall](RESOURCES)

    def auth_error(self, request: Request, keys: Collection[str]) -> Response | None:
        """Return 401 unless the request has a key from `keys`, any key if `keys` is empty.

        For the REST API, the token must be one of `keys`.
        """
        if not request.path.startswith(REST_PREFIX):
            return self._events.auth_error(request, keys)
        user, token = request.basic
        if user and token and (not keys or token in keys):
            return None
        return Response(401, {"code": 401, "message": "Unauthorized"})

    def respond(
        self, request: Request, now: float, write_mode: WriteMode = DEFAULT_MODE
    ) -> Response:
        """Execute `request` and return its response; `write_mode` applies to writes."""
        if request.path.startswith(f"{INTEGRATION_PREFIX}/"):
            return self._respond_to_event(request, now, write_mode)
        if request.path.startswith(f"{REST_PREFIX}/"):
            return self._respond_to_rest(request, now, write_mode)
        return refused(404, f"{request.path} is not found")

    def _respond_to_event(self, request: Request, now: float, write_mode: WriteMode) -> Response:
        within = replace(request, path=request.path.removeprefix(INTEGRATION_PREFIX))
        response = self._events.respond(within, now, write_mode)
        if response.status == 405:
            return refused(405, f"Request method '{request.method}' is not supported")
        if response.status == 501:
            return refused(404, f"{request.path} is not found")
        return response

    def _respond_to_rest(self, request: Request, now: float, write_mode: WriteMode) -> Response:
        if request.malformed or not isinstance(request.body, dict | None):
            return _errors(422, "Request body is not a JSON object")
        self._account.alerts.advance(now)
        cloud_id, _, path = request.path.removeprefix(f"{REST_PREFIX}/").partition("/")
        if self._cloud_id not in {None, cloud_id}:
            return _errors(404, f"There is no cloud id {cloud_id}")
        call = _JsmCall(self._account, request, now, write_mode)
        try:
            return self._router.respond(call, replace(request, path=f"/{path}"))
        except SearchError as error:
            return _errors(422, str(error))
        except ApiError as error:
            return _errors(error.status, error.message)


class _JsmCall:
    """Request to the REST API in progress; each operation is a method."""

    def __init__(
        self, account: EmulatedAccount, request: Request, now: float, write_mode: WriteMode
    ) -> None:
        self.account = account
        self.store = account.alerts
        self.query = request.query
        self.body: Json = request.body if isinstance(request.body, dict) else {}
        self.user, _ = request.basic
        self.now = now
        self.write_mode = write_mode

    # --- alerts

    def create(self) -> Response:
        body = {**self.body, "details": self.body.get("extraProperties", {})}
        return replace(self.write("Create", body), status=200)

    def write(self, action: str, body: Json, alert_id: str = "") -> Response:
        body = {"user": self.user, **body}
        if wrong := validation_error(action, body) or _responders_error(body):
            raise ApiError(422, wrong)
        how = self.write_mode
        write = Write(action, body, alert_id, applied=how.applied, delay=how.delay)
        request_id = self.store.accept(self.now, write)
        if request_id is None:
            raise ApiError(503, "Too many requests are pending")
        return accepted("Request will be processed", request_id)

    def add_properties(self, alert_id: str) -> Response:
        return self.write("AddDetails", {"details": self.body.get("extraProperties")}, alert_id)

    def add_responder(self, alert_id: str) -> Response:
        return self.write("AddResponder", {"responder": self.body}, alert_id)

    def add_note(self, alert_id: str) -> Response:
        # Unlike all other writes, it is executed before the response.
        body = {"user": self.user, "note": self.body.get("note", "")}
        if wrong := validation_error("AddNote", body):
            raise ApiError(422, wrong)
        alert = self._alert(alert_id)
        if self.write_mode.applied:
            self.store.execute(self.now, Write("AddNote", body, alert.id))
        return Response(200, _note(f"{self.now:.6f}", self.now, body["note"], self.user))

    def notes(self, alert_id: str) -> Response:
        lines = self._alert(alert_id).notes
        return Response(200, {"values": [_note(f"{n.at:.6f}", n.at, n.what, n.by) for n in lines]})

    def get(self, alert_id: str) -> Response:
        return Response(200, _shown(self._alert(alert_id)))

    def get_by_alias(self) -> Response:
        # Only open alerts are found by alias.
        alert = self.store.find(self.query.get("alias", ""), "alias")
        if alert is None or alert.status == "closed":
            raise ApiError(404, "Alert not found")
        return Response(200, _shown(alert))

    def list_alerts(self) -> Response:
        found = search(self.store.alerts.values(), self.query)
        offset, size = page_bounds(self.query, "size")
        by = _SORTS.get(self.query.get("sort", "insertedAt"))
        if by is None:
            raise ApiError(422, f"sort must be one of {', '.join(_SORTS)}")
        page = sort_alerts(found, self.query, by)[offset : offset + size]
        more = offset + size < len(found)
        after = urlencode({**self.query, "offset": offset + size, "size": size})
        links = {"next": f"/v1/alerts?{after}"} if more else {}
        values = [_shown(alert) for alert in page]
        return Response(200, {"values": values, "count": len(found), "links": links})

    def request_status(self, request_id: str) -> Response:
        result = self.store.result(request_id)
        if result is None:
            raise ApiError(404, "Request not found. It might not be processed, yet.")
        return Response(200, result)

    def _alert(self, alert_id: str) -> EmulatedAlert:
        alert = self.store.find(alert_id)
        if alert is None:
            raise ApiError(404, "Alert not found")
        return alert

    # --- teams and their heartbeats

    def teams(self) -> Response:
        teams = self.account.directory.teams().items()
        named = [{"teamId": team_id, "teamName": name} for team_id, name in teams]
        return Response(200, {"platformTeams": named})

    def heartbeats(self, team_id: str) -> Response:
        self._check_team(team_id)
        name = self.query.get("name") or self.query.get("heartbeatName")
        heartbeats = self.account.heartbeats.heartbeats.values()
        values = [
            _shown_heartbeat(heartbeat, team_id, self.now)
            for heartbeat in heartbeats
            if name in {None, heartbeat.name}
        ]
        return Response(200, {"values": values, "links": {}})

    def add_heartbeat(self, team_id: str) -> Response:
        self._check_team(team_id)
        unit = str(self.body.get("intervalUnit", "")).lower()
        body = {"enabled": True, **self.body, "intervalUnit": unit}
        if wrong := heartbeat_validation_error(body):
            raise ApiError(422, wrong)
        heartbeat = EmulatedHeartbeat(body["name"], body["interval"], unit, body["enabled"])
        if not self.account.heartbeats.add(heartbeat):
            raise ApiError(422, f"A heartbeat {heartbeat.name!r} exists, or there are too many")
        return Response(200, _shown_heartbeat(heartbeat, team_id, self.now))

    def ping(self, team_id: str) -> Response:  # noqa: ARG002 - the API ignores the team
        # The API's description says that it does not check for such a heartbeat.
        if self.write_mode.applied:
            self.account.heartbeats.ping(self.query.get("name", ""), self.now)
        return Response(202, {"message": "PONG - EmulatedHeartbeat received"})

    def _check_team(self, team_id: str) -> None:
        if self.account.directory.team(team_id, "id") is None:
            raise ApiError(404, f"There is no team {team_id}")


def _writing(action: str) -> Operation:
    return lambda call, alert_id: call.write(action, call.body, alert_id)


RESOURCES: Final[dict[tuple[str, str], Operation]] = {
    ("POST", "/v1/alerts"): _JsmCall.create,
    ("GET", "/v1/alerts"): _JsmCall.list_alerts,
    ("GET", "/v1/alerts/alias"): _JsmCall.get_by_alias,
    ("GET", "/v1/alerts/requests/{id}"): _JsmCall.request_status,
    ("GET", "/v1/alerts/{id}"): _JsmCall.get,
    ("DELETE", "/v1/alerts/{id}"): _writing("Delete"),
    ("POST", "/v1/alerts/{id}/acknowledge"): _writing("Acknowledge"),
    ("POST", "/v1/alerts/{id}/unacknowledge"): _writing("UnAcknowledge"),
    ("POST", "/v1/alerts/{id}/close"): _writing("Close"),
    ("POST", "/v1/alerts/{id}/responders"): _JsmCall.add_responder,
    ("POST", "/v1/alerts/{id}/notes"): _JsmCall.add_note,
    ("GET", "/v1/alerts/{id}/notes"): _JsmCall.notes,
    ("PATCH", "/v1/alerts/{id}/priority"): _writing("UpdatePriority"),
    ("PATCH", "/v1/alerts/{id}/message"): _writing("UpdateMessage"),
    ("PATCH", "/v1/alerts/{id}/description"): _writing("UpdateDescription"),
    ("POST", "/v1/alerts/{id}/tags"): _writing("AddTags"),
    ("DELETE", "/v1/alerts/{id}/tags"): _writing("RemoveTags"),
    ("POST", "/v1/alerts/{id}/extra-properties"): _JsmCall.add_properties,
    ("DELETE", "/v1/alerts/{id}/extra-properties"): _writing("RemoveDetails"),
    ("GET", "/v1/teams"): _JsmCall.teams,
    ("GET", "/v1/teams/{teamId}/heartbeats"): _JsmCall.heartbeats,
    ("POST", "/v1/teams/{teamId}/heartbeats"): _JsmCall.add_heartbeat,
    ("GET", "/v1/teams/{teamId}/heartbeats/ping"): _JsmCall.ping,
}
"""Operations of the REST API, by method and path after the cloud id."""

_SORTS: Final[dict[str, Callable[[EmulatedAlert], Any]]] = {
    "insertedAt": lambda alert: alert.created_at,
    "createdAt": lambda alert: alert.created_at,
    "lastOccurredAt": lambda alert: alert.last_occurred_at,
    "priority": lambda alert: alert.priority,
}


def _errors(status: int, title: str) -> Response:
    return Response(status, {"errors": [{"title": title, "code": str(status)}]})


def _responders_error(body: Json) -> str | None:
    """Return what is wrong with the responders, which need ids here; None if nothing is."""
    responders = [*body.get("responders", []), *filter(None, [body.get("responder")])]
    named = any(not isinstance(responder.get("id"), str) for responder in responders)
    return "each responder must have an id" if named else None


def _shown(alert: EmulatedAlert) -> Json:
    times = {"ackTime": alert.acknowledged_at, "closeTime": alert.closed_at}
    return {
        "id": alert.id,
        "tinyId": alert.tiny_id,
        "alias": alert.alias,
        "message": alert.message,
        "description": alert.description,
        "status": alert.status,
        "acknowledged": alert.acknowledged,
        "snoozed": False,
        "seen": False,
        "count": alert.count,
        "owner": alert.owner,
        "priority": alert.priority,
        "entity": alert.entity,
        "source": alert.source,
        "tags": list(alert.tags),
        "actions": list(alert.actions),
        "extraProperties": dict(alert.details),
        "responders": [{"type": one["type"], "id": one["id"]} for one in alert.responders],
        "integrationType": INTEGRATION["type"],
        "integrationName": INTEGRATION["name"],
        "createdAt": rfc3339(alert.created_at),
        "updatedAt": rfc3339(alert.updated_at),
        "lastOccuredAt": rfc3339(alert.last_occurred_at),
        **{name: rfc3339(at) for name, at in times.items() if at is not None},
    }


def _note(note_id: str, at: float, text: str, owner: str) -> Json:
    time = rfc3339(at)
    return {"id": note_id, "note": text, "owner": owner, "createdAt": time, "updatedAt": time}


def _shown_heartbeat(heartbeat: EmulatedHeartbeat, team_id: str, now: float) -> Json:
    return {
        "name": heartbeat.name,
        "description": heartbeat.description,
        "interval": heartbeat.interval,
        "intervalUnit": heartbeat.unit,
        "enabled": heartbeat.enabled,
        "status": "Unresponsive" if heartbeat.expired(now) else "Responsive",
        "ownerTeamId": team_id,
    }
