"""The admin plane, as the commands use it."""

from typing import Any, Final
from urllib.parse import quote

import httpx

from breakerd.api.cli.output import FAILURE, USAGE_ERROR, fail

_TIMEOUT: Final = 10.0
"""Seconds."""


class AdminClient:
    """Asks a running service, and fails in one clear line.

    Args:
        url: where it listens.
        token: full or read-only token, if it needs one.
    """

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, breaker: str, path: str) -> dict[str, Any]:
        """What a GET below that breaker's path answers."""
        return self.request("GET", _breaker_path(breaker, path))

    def post(self, breaker: str, path: str, body: object = None) -> dict[str, Any]:
        """What a POST answers."""
        return self.request("POST", _breaker_path(breaker, path), body)

    def patch(self, breaker: str, path: str, body: object) -> dict[str, Any]:
        """What a PATCH answers."""
        return self.request("PATCH", _breaker_path(breaker, path), body)

    def request(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """What a request to any path answers; `path` is without its first slash."""
        response = self._send(method, path, body)
        if response.status_code == httpx.codes.NO_CONTENT:
            return {}
        answer = self._json(response)
        if response.is_error:
            # A value that is refused is the caller's to put right, as wrong usage is.
            code = (
                USAGE_ERROR if response.status_code == httpx.codes.UNPROCESSABLE_ENTITY else FAILURE
            )
            fail(str(answer.get("detail", answer)), code)
        return answer

    def _send(self, method: str, path: str, body: object) -> httpx.Response:
        try:
            return httpx.request(
                method, f"{self._url}/{path}", json=body, headers=self._headers, timeout=_TIMEOUT
            )
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            wanted = "wanted one like http://127.0.0.1:8080"
            fail(f"{self._url!r} is no address; {wanted}", USAGE_ERROR)
        except UnicodeEncodeError:
            fail("the token has characters that no header may hold", USAGE_ERROR)
        except httpx.HTTPError as error:
            hint = "Is `breakerd serve` running there?"
            fail(f"no answer from {self._url}: {error}. {hint}", FAILURE)

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            fail(f"{self._url} answers {response.status_code}, and not as a breakerd does", FAILURE)
        return answer


def _breaker_path(breaker: str, path: str) -> str:
    return f"breakers/{quote(breaker, safe='')}/{path}"
