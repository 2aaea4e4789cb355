"""HTTP client of the admin plane, for the commands."""

from typing import Any, Final
from urllib.parse import quote

import httpx

from breakerd.api.cli.output import FAILURE, USAGE_ERROR, fail

_TIMEOUT: Final = 10.0
"""Seconds until a request fails."""
_WRONG_USAGE: Final = {httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY}
"""Status codes of the answer to an invalid value."""


class AdminClient:
    """Send requests to a running service. Every error ends the command with one line.

    Args:
        url: URL of the service.
        token: full or read-only token; None if the service needs none.
    """

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, breaker: str, path: str) -> dict[str, Any]:
        """GET a path below that breaker's, and return the JSON object."""
        return self.request("GET", breaker_path(breaker, path))

    def post(self, breaker: str, path: str, body: object = None) -> dict[str, Any]:
        """POST to a path below that breaker's, and return the JSON object."""
        return self.request("POST", breaker_path(breaker, path), body)

    def request(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Send a request, and return the JSON object; empty for 204.

        Args:
            method: the HTTP method.
            path: path below the service's URL, without leading slash.
            body: sent as JSON; None for no body.
        """
        response = self._send(method, path, body)
        if response.status_code == httpx.codes.NO_CONTENT:
            return {}
        answer = self._json(response)
        if response.is_error:
            code = USAGE_ERROR if response.status_code in _WRONG_USAGE else FAILURE
            fail(str(answer.get("detail", answer)), code)
        return answer

    def _send(self, method: str, path: str, body: object) -> httpx.Response:
        try:
            return httpx.request(
                method, f"{self._url}/{path}", json=body, headers=self._headers, timeout=_TIMEOUT
            )
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            allowed = "a URL such as http://127.0.0.1:8080"
            fail(f"--url: found {self._url!r}; allowed: {allowed}", USAGE_ERROR)
        except UnicodeEncodeError:
            fail("the token contains characters that are not allowed in a header", USAGE_ERROR)
        except httpx.HTTPError as error:
            hint = "Is `breakerd serve` running there?"
            fail(f"no answer from {self._url}: {error}. {hint}", FAILURE)

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            fail(
                f"{self._url} answers {response.status_code} without JSON; it is not breakerd",
                FAILURE,
            )
        return answer


def breaker_path(breaker: str, path: str) -> str:
    """Return the path of a breaker's route."""
    return f"breakers/{quote(breaker, safe='')}/{path}"
