"""HTTP client of the admin plane, for the commands."""

import getpass
import re
from typing import Any, Final, NoReturn
from urllib.parse import quote

import httpx

from breakerd.api.cli.credentials import find_credentials
from breakerd.api.cli.output import FAILURE, USAGE_ERROR, fail
from breakerd.breaker.encoding.printable import printable

USER_HEADER: Final = "X-Breakerd-User"
"""Header that says who uses the client."""
CLIENT_HEADER: Final = "X-Breakerd-Client"
"""Header that says what the client is."""
COMMAND_LINE: Final = "breakerd command line"
_TIMEOUT: Final = 10.0
"""Seconds until a request fails."""
_WRONG_USAGE: Final = {httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY}
"""Status codes of the answer to an invalid value."""
_REFUSED: Final = {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}
_NO_PROXY: Final = dict.fromkeys(("http://", "https://", "all://"))
"""Transports that go through no proxy of the environment."""


class AdminClient:
    """Send requests to a running service. Every error ends the command with one line.

    Args:
        url: URL of the service.
        token: full or read-only token; None to look for one, see `find_credentials`.
    """

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url.rstrip("/")
        self._shown = _without_secrets(self._url)
        self._credentials = find_credentials(_host(self._url), token)

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
            self._fail(response.status_code, answer)
        return answer

    def text(self, path: str, *, advice: str = "") -> str:
        """GET a text that is no JSON object.

        Args:
            path: path below the service's URL, without leading slash.
            advice: what to do if the service does not answer, as a sentence.
        """
        response = self._send("GET", path, None, advice)
        if response.is_error:
            self._fail(response.status_code, self._json(response))
        return response.text

    def _fail(self, status: int, answer: dict[str, Any]) -> NoReturn:
        detail = str(answer.get("detail", answer))
        if status in _REFUSED:
            detail = f"{detail} {self._credentials.advice}"
        fail(detail, USAGE_ERROR if status in _WRONG_USAGE else FAILURE)

    def _send(self, method: str, path: str, body: object, advice: str = "") -> httpx.Response:
        if not self._credentials.sendable:
            # Not left to the library, whose error shows it.
            fail("the token contains characters that are not allowed in a header", USAGE_ERROR)
        try:
            with self._client() as client:
                return client.request(method, f"{self._url}/{path}", json=body)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            allowed = "a URL such as http://127.0.0.1:8080"
            fail(f"--url: found {self._shown!r}; allowed: {allowed}", USAGE_ERROR)
        except httpx.HTTPError as error:
            hint = " ".join(filter(None, ["Is `breakerd serve` running there?", advice]))
            fail(f"no answer from {self._shown}: {error}. {hint}", FAILURE)

    def _client(self) -> httpx.Client:
        credentials = self._credentials
        return httpx.Client(
            headers={
                **credentials.headers(),
                USER_HEADER.encode(): _user_name(),
                CLIENT_HEADER.encode(): COMMAND_LINE.encode(),
            },
            timeout=_TIMEOUT,
            mounts=_NO_PROXY if credentials.local else None,
            follow_redirects=False,  # the token is for this service
        )

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            fail(
                f"{self._shown} answers {response.status_code} without JSON; it is not breakerd",
                FAILURE,
            )
        return answer


def _user_name() -> bytes:
    """Return the logged-in user's name as a header may hold it; empty if there is none."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a uid without a name
        return b""
    return printable(name).strip().encode(errors="replace")


def _without_secrets(url: str) -> str:
    """Return a URL, which may be invalid, with a mask in place of a user name and a password."""
    return re.sub(r"//[^/?#]*@", "//********@", url)


def _host(url: str) -> str:
    """Return the host that httpx connects to; empty if the URL is invalid, which it then tells."""
    try:
        return httpx.URL(url).host
    except httpx.InvalidURL:
        return ""


def breaker_path(breaker: str, path: str) -> str:
    """Return the path of a breaker's route."""
    return f"breakers/{quote(breaker, safe='')}/{path}"
