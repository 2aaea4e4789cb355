"""OpsGenie's API for alerts, heartbeats, teams and users.

Pure: it maps a request and the time to a response.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from breakerd.alerts.emulator.api.messages import Request, Response, accepted, done, found, refused
from breakerd.alerts.emulator.api.router import ApiError, Operation, Router
from breakerd.alerts.emulator.api.search import SearchError, alert_page, line_page, search
from breakerd.alerts.emulator.api.validation import heartbeat_validation_error, validation_error
from breakerd.alerts.emulator.state.account import DEFAULT_MODE, EmulatedAccount, WriteMode
from breakerd.alerts.emulator.state.alert import EmulatedAlert, HistoryEntry, Json, rfc3339
from breakerd.alerts.emulator.state.alerts import MAX_ATTACHMENTS, Write
from breakerd.alerts.emulator.state.heartbeats import EmulatedHeartbeat

_IDENTIFIERS: Final = ("id", "alias", "tiny")


class OpsGenieApi:
    """OpsGenie's API on one account. Not thread-safe.

    Args:
        account: the account that is read and changed.
        operations: supported operations, by method and path; None: all.
    """

    def __init__(
        self,
        account: EmulatedAccount,
        operations: Mapping[tuple[str, str], Operation] | None = None,
    ) -> None:
        self._account = account
        self._router = Router[_OpsGenieCall](
            OPERATIONS | DIRECTORY if operations is None else operations
        )

    def auth_error(self, request: Request, keys: Collection[str]) -> Response | None:
        """Return 401 unless the request has a key from `keys`, any key if `keys` is empty."""
        if request.key and (not keys or request.key in keys):
            return None
        return refused(401, "Could not authenticate")

    def respond(
        self, request: Request, now: float, write_mode: WriteMode = DEFAULT_MODE
    ) -> Response:
        """Execute `request` and return its response; `write_mode` applies to writes."""
        if request.malformed:
            return refused(400, "Request body is not valid JSON")
        if not isinstance(request.body, dict | None):
            return refused(422, "Request body must be a JSON object")
        self._account.alerts.advance(now)
        call = _OpsGenieCall(self._account, request, now, write_mode)
        try:
            return self._router.respond(call, request)
        except SearchError as error:
            return refused(422, str(error))
        except ApiError as error:
            return error.response


class _OpsGenieCall:
    """Request in progress; each operation is a method."""

    def __init__(
        self, account: EmulatedAccount, request: Request, now: float, write_mode: WriteMode
    ) -> None:
        self.store = account.alerts
        self.heartbeats = account.heartbeats
        self.directory = account.directory
        self.query = request.query
        self.body: Json = request.body if isinstance(request.body, dict) else {}
        self.files = request.files
        self.now = now
        self.write_mode = write_mode

    # --- alerts

    def create(self) -> Response:
        return self.write("Create")

    def delete(self, identifier: str) -> Response:
        self.body = {"user": self.query.get("user", "")}
        return self.write("Delete", identifier)

    def remove(self, action: str, listed: str, identifier: str) -> Response:
        """Remove the tags or details that the query lists, separated by commas."""
        items = [item for item in self.query.get(listed, "").split(",") if item]
        actor = {name: self.query.get(name, "") for name in ("user", "note", "source")}
        self.body = {**actor, listed: items}
        return self.write(action, identifier)

    def write(self, action: str, identifier: str = "") -> Response:
        by = self._identifier_type()
        if wrong := validation_error(action, self.body):
            raise ApiError(422, wrong)
        how = self.write_mode
        write = Write(action, self.body, identifier, by, how.applied, how.delay)
        request_id = self.store.accept(self.now, write)
        if request_id is None:
            raise ApiError(503, "Too many requests are pending")
        return accepted("Request will be processed", request_id)

    def get(self, identifier: str) -> Response:
        return found(self._alert(identifier).as_json(full=True))

    def list_alerts(self) -> Response:
        alerts, paging = alert_page(search(self.store.alerts.values(), self.query), self.query)
        return found(alerts, paging=paging)

    def count(self) -> Response:
        return found({"count": len(search(self.store.alerts.values(), self.query))})

    def notes(self, identifier: str) -> Response:
        return self._lines(self._alert(identifier).notes, lambda line: {"note": line.what})

    def logs(self, identifier: str) -> Response:
        history = self._alert(identifier).history
        return self._lines(history, lambda line: {"log": line.what, "type": "system"})

    def request_status(self, request_id: str) -> Response:
        result = self.store.result(request_id)
        if result is None:
            raise ApiError(404, "Request not found. It might not be processed, yet.")
        return found(result)

    def attach(self, identifier: str) -> Response:
        file = self.files.get("file")
        if file is None:
            raise ApiError(400, "A form with a file is needed")
        alert = self._alert(identifier, "alertIdentifierType")
        file_id: str | None = "0"
        if self.write_mode.applied:
            file_id = self.store.attach(alert, self.now, file, str(self.body.get("user", "")))
        if file_id is None:
            raise ApiError(422, f"An alert has {MAX_ATTACHMENTS} attachments at most")
        data = {"id": file_id, "name": file.name}
        return found(data, status=201, result="Attachment added")

    def attachments(self, identifier: str) -> Response:
        files = self._alert(identifier, "alertIdentifierType").attachments
        return found([{"id": file.id, "name": file.name} for file in files])

    def _alert(self, identifier: str, parameter: str = "identifierType") -> EmulatedAlert:
        alert = self.store.find(identifier, self._identifier_type(parameter))
        if alert is None:
            raise ApiError(404, "Alert not found. It might not be processed, yet.")
        return alert

    def _identifier_type(self, parameter: str = "identifierType") -> str:
        by = self.query.get(parameter, "id")
        if by not in _IDENTIFIERS:
            raise ApiError(422, f"{parameter} must be one of {', '.join(_IDENTIFIERS)}")
        return by

    def _lines(
        self, lines: Iterable[HistoryEntry], shown: Callable[[HistoryEntry], Json]
    ) -> Response:
        page, paging = line_page(tuple(lines), self.query)
        data = [
            {**shown(line), "owner": line.by, "createdAt": rfc3339(line.at), "offset": offset}
            for offset, line in page
        ]
        return found(data, paging=paging)

    # --- heartbeats

    def list_heartbeats(self) -> Response:
        heartbeats = self.heartbeats.heartbeats.values()
        return found({"heartbeats": [heartbeat.as_json(self.now) for heartbeat in heartbeats]})

    def add_heartbeat(self) -> Response:
        if wrong := heartbeat_validation_error(self.body):
            raise ApiError(422, wrong)
        body = self.body
        heartbeat = EmulatedHeartbeat(
            body["name"],
            body["interval"],
            body["intervalUnit"],
            body["enabled"],
            body.get("description", ""),
        )
        if not self.heartbeats.add(heartbeat):
            raise ApiError(422, f"A heartbeat {heartbeat.name!r} exists, or there are too many")
        return found(heartbeat.as_json(self.now), status=201)

    def get_heartbeat(self, name: str) -> Response:
        return found(self._heartbeat(name).as_json(self.now))

    def delete_heartbeat(self, name: str) -> Response:
        del self.heartbeats.heartbeats[self._heartbeat(name).name]
        return done("Deleted")

    def enable_heartbeat(self, name: str) -> Response:
        return self._switch_heartbeat(name, enabled=True)

    def disable_heartbeat(self, name: str) -> Response:
        return self._switch_heartbeat(name, enabled=False)

    def ping(self, name: str) -> Response:
        # OpsGenie, too, returns 202 if no such heartbeat exists.
        if self.write_mode.applied:
            self.heartbeats.ping(name, self.now)
        return accepted("PONG - EmulatedHeartbeat received")

    def _switch_heartbeat(self, name: str, *, enabled: bool) -> Response:
        heartbeat = self._heartbeat(name)
        heartbeat.enabled = enabled
        expired = heartbeat.expired(self.now)
        return found({"name": name, "enabled": enabled, "expired": expired})

    def _heartbeat(self, name: str) -> EmulatedHeartbeat:
        heartbeat = self.heartbeats.heartbeats.get(name)
        if heartbeat is None:
            raise ApiError(404, f"EmulatedHeartbeat with name [{name}] not found")
        return heartbeat

    # --- teams, users and the account

    def team(self, identifier: str) -> Response:
        by = self.query.get("identifierType", "id")
        if by not in {"id", "name"}:
            raise ApiError(422, "identifierType must be one of id, name")
        team = self.directory.team(identifier, by)
        if team is None:
            raise ApiError(404, f"No team exists with {by} [{identifier}]")
        return found(team)

    def user(self, identifier: str) -> Response:
        user = self.directory.user(identifier)
        if user is None:
            raise ApiError(404, f"No user exists with username or id [{identifier}]")
        return found(user)

    def account(self) -> Response:
        plan = {"maxUserCount": 1, "name": "Emulated", "isYearly": False}
        return found({"name": "breakerd emulator", "userCount": 1, "plan": plan})


def _writing(action: str) -> Operation:
    return lambda call, identifier: call.write(action, identifier)


def _removing(action: str, listed: str) -> Operation:
    return lambda call, identifier: call.remove(action, listed, identifier)


OPERATIONS: Final[dict[tuple[str, str], Operation]] = {
    ("POST", "/v2/alerts"): _OpsGenieCall.create,
    ("GET", "/v2/alerts"): _OpsGenieCall.list_alerts,
    ("GET", "/v2/alerts/count"): _OpsGenieCall.count,
    ("GET", "/v2/alerts/requests/{requestId}"): _OpsGenieCall.request_status,
    ("GET", "/v2/alerts/{identifier}"): _OpsGenieCall.get,
    ("DELETE", "/v2/alerts/{identifier}"): _OpsGenieCall.delete,
    ("GET", "/v2/alerts/{identifier}/notes"): _OpsGenieCall.notes,
    ("GET", "/v2/alerts/{identifier}/logs"): _OpsGenieCall.logs,
    ("GET", "/v2/alerts/{identifier}/attachments"): _OpsGenieCall.attachments,
    ("POST", "/v2/alerts/{identifier}/attachments"): _OpsGenieCall.attach,
    ("POST", "/v2/alerts/{identifier}/notes"): _writing("AddNote"),
    ("POST", "/v2/alerts/{identifier}/close"): _writing("Close"),
    ("POST", "/v2/alerts/{identifier}/acknowledge"): _writing("Acknowledge"),
    ("POST", "/v2/alerts/{identifier}/unacknowledge"): _writing("UnAcknowledge"),
    ("POST", "/v2/alerts/{identifier}/responders"): _writing("AddResponder"),
    ("PUT", "/v2/alerts/{identifier}/priority"): _writing("UpdatePriority"),
    ("PUT", "/v2/alerts/{identifier}/message"): _writing("UpdateMessage"),
    ("PUT", "/v2/alerts/{identifier}/description"): _writing("UpdateDescription"),
    ("POST", "/v2/alerts/{identifier}/tags"): _writing("AddTags"),
    ("DELETE", "/v2/alerts/{identifier}/tags"): _removing("RemoveTags", "tags"),
    ("POST", "/v2/alerts/{identifier}/details"): _writing("AddDetails"),
    ("DELETE", "/v2/alerts/{identifier}/details"): _removing("RemoveDetails", "keys"),
    ("GET", "/v2/heartbeats"): _OpsGenieCall.list_heartbeats,
    ("POST", "/v2/heartbeats"): _OpsGenieCall.add_heartbeat,
    ("GET", "/v2/heartbeats/{name}"): _OpsGenieCall.get_heartbeat,
    ("DELETE", "/v2/heartbeats/{name}"): _OpsGenieCall.delete_heartbeat,
    ("POST", "/v2/heartbeats/{name}/enable"): _OpsGenieCall.enable_heartbeat,
    ("POST", "/v2/heartbeats/{name}/disable"): _OpsGenieCall.disable_heartbeat,
    ("GET", "/v2/heartbeats/{name}/ping"): _OpsGenieCall.ping,
}
"""Operations of OpsGenie's alert API, by method and path."""

DIRECTORY: Final[dict[tuple[str, str], Operation]] = {
    ("GET", "/v2/teams/{identifier}"): _OpsGenieCall.team,
    ("GET", "/v2/users/{identifier}"): _OpsGenieCall.user,
    ("GET", "/v2/account"): _OpsGenieCall.account,
}
"""Operations of OpsGenie's other APIs, by method and path."""
