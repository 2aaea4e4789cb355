"""The admin plane, as the commands use it."""

from collections.abc import Callable
from typing import Any, NoReturn
from urllib.parse import quote

import httpx

_TIMEOUT = 10.0


class Client:
    """Asks a running service, and fails in one clear line.

    Args:
        url: where it listens.
        token: full or read-only token, if it needs one.
        fail: ends the command with a message and an exit code.
    """

    def __init__(self, url: str, token: str | None, fail: Callable[..., NoReturn]) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._url = url.rstrip("/")
        self._fail = fail
        self._http = httpx.Client(timeout=_TIMEOUT, headers=headers)

    def get(self, breaker: str, path: str) -> dict[str, Any]:
        """What a GET below that breaker's path answers."""
        return self._ask("GET", breaker, path, None)

    def post(self, breaker: str, path: str, body: object) -> dict[str, Any]:
        """What a POST answers."""
        return self._ask("POST", breaker, path, body)

    def patch(self, breaker: str, path: str, body: object) -> dict[str, Any]:
        """What a PATCH answers."""
        return self._ask("PATCH", breaker, path, body)

    def _ask(self, method: str, breaker: str, path: str, body: object) -> dict[str, Any]:
        url = f"{self._url}/breakers/{quote(breaker, safe='')}/{path}"
        try:
            response = self._http.request(method, url, json=body)
            answer = response.json()
        except httpx.UnsupportedProtocol:
            self._fail(f"{self._url!r} is no address; wanted one like http://127.0.0.1:8080", 2)
        except httpx.HTTPError as error:
            self._fail(f"no answer from {self._url}: {error}. Is `breakerd serve` running there?")
        except ValueError:
            self._fail(f"{self._url} answers {response.status_code}, and not as a breakerd does")
        if response.is_error:
            detail = answer.get("detail", answer) if isinstance(answer, dict) else answer
            # A value that is refused is the caller's to put right, as wrong usage is.
            self._fail(
                str(detail), 2 if response.status_code == httpx.codes.UNPROCESSABLE_ENTITY else 1
            )
        result: dict[str, Any] = answer
        return result
