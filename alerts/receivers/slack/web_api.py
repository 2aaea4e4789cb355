"""Slack's Web API: errors are in the body of a response with status 200.

Sources: https://docs.slack.dev/reference/methods/chat.postMessage,
https://docs.slack.dev/reference/methods/chat.update and
https://docs.slack.dev/apis/web-api/rate-limits
"""

from typing import Any, Final

from pydantic import SecretStr

from breakerd.alerts.receivers.base import (
    InvalidRequestError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
)
from breakerd.alerts.receivers.http import HttpClient, json_object, retry_after

ADDRESS: Final = "https://slack.com/api"

_UNAUTHORIZED: Final = {
    "access_denied", "account_inactive", "ekm_access_denied", "invalid_auth", "missing_scope",
    "no_permission", "not_allowed_token_type", "not_authed", "token_expired", "token_revoked",
}  # fmt: skip
_PAUSED: Final = {"message_limit_exceeded", "rate_limited", "ratelimited"}
_PASSING: Final = {
    "fatal_error", "internal_error", "org_login_required", "request_timeout", "service_unavailable",
    "team_added_to_org",
}  # fmt: skip
"""Errors that end by themselves."""
_MISSING: Final = {"cannot_reply_to_message", "message_not_found", "thread_not_found"}
_FIXED: Final = {"cant_update_message", "edit_window_closed"}
_ADVICE: Final = {
    "channel_not_found": "set `channel` to the id of a channel that the app is a member of",
    "is_archived": "set another `channel`, or restore this one",
    "missing_scope": "add the scope to the app, and install it again",
    "not_in_channel": "invite the app to the channel with /invite",
    "restricted_action": "allow the app to post to this channel",
    "restricted_action_read_only_channel": "allow the app to post to this channel",
}


class MessageMissingError(InvalidRequestError):
    """The message does not exist: somebody deleted it."""


class NotEditableError(InvalidRequestError):
    """The workspace does not let this message be edited any more."""


class SlackWebApi:
    """Connections to the Web API. The token is in the header `Authorization` only.

    Args:
        token: token of the app's bot.
        timeout: maximum seconds of a request.
        address: address of the API; Slack's if None.
    """

    def __init__(self, token: SecretStr, timeout: float, address: str | None = None) -> None:
        self._address = (address or ADDRESS).rstrip("/")
        secret = token.get_secret_value()
        headers = {"Authorization": f"Bearer {secret}"}
        self._client = HttpClient(timeout, headers, secrets=[secret])

    def write(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a method that changes something; return its answer.

        Raises:
            DeliveryError: one of its subclasses; `MessageMissingError` and `NotEditableError` for
                those two problems.
        """
        return self._call("POST", method, json=arguments)

    def read(self, method: str, arguments: dict[str, str]) -> dict[str, Any]:
        """Call a method that changes nothing; return its answer.

        Raises:
            DeliveryError: one of its subclasses.
        """
        return self._call("GET", method, params=arguments)

    def keep_ready(self) -> None:
        """Keep sockets for when the process has no file descriptor left."""
        self._client.keep_ready(self._address)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _call(self, verb: str, method: str, **options: Any) -> dict[str, Any]:
        response = self._client.request(verb, f"{self._address}/{method}", **options)
        body = json_object(response, "ok")
        if body["ok"] is not True:
            _raise_for_error(method, body, retry_after(response))
        return body


def _raise_for_error(method: str, body: dict[str, Any], pause: float) -> None:
    error = str(body.get("error", "unknown_error"))
    text = _describe(method, error, body)
    if error in _PAUSED:
        raise RateLimitedError(pause)
    if error in _UNAUTHORIZED:
        raise UnauthorizedError(text)
    if error in _PASSING:
        raise UnavailableError(text)
    if error in _MISSING:
        raise MessageMissingError(text)
    if error in _FIXED:
        raise NotEditableError(text)
    raise InvalidRequestError(text)


def _describe(method: str, error: str, body: dict[str, Any]) -> str:
    needed = f" (needs {body['needed']})" if error == "missing_scope" and "needed" in body else ""
    advice = f"; {_ADVICE[error]}" if error in _ADVICE else ""
    return f"{method}: {error[:100]}{needed}{advice}"
