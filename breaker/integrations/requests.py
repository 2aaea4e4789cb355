"""A breaker around what a session of requests sends."""

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.context import remaining

REQUEST_ERRORS = (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader)
"""Errors of the request itself, which never reached the server."""

_Timeout = float | tuple[float | None, float | None] | None


class BreakerAdapter(BaseAdapter):
    """Guards each request of a `requests.Session`, redirects one by one; retries nothing.

    Answers from 500 on and transport errors count as errors. The call lasts until the body is
    read or, with `stream=True`, until it begins. What is left of the deadline in force limits the
    time-outs for connecting and for each read; a time-out after that deadline is not counted as
    an error.

    Args:
        breaker: the breaker that admits and records the calls.
        adapter: what sends; a `requests.adapters.HTTPAdapter` of its own by default.

    Raises:
        BreakerOpenError: from each request that is rejected.
        DeadlineExceeded: from each request that begins after the active deadline.

    Example:
        session.mount("https://payments.example/", BreakerAdapter(breaker))
    """

    def __init__(self, breaker: Breaker, adapter: BaseAdapter | None = None) -> None:
        super().__init__()
        self._breaker = breaker
        self._adapter = adapter or HTTPAdapter()

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: _Timeout = None,
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        proxies: dict[str, str] | None = None,
    ) -> requests.Response:
        """Send one request."""
        with self._breaker.guard(ignore=REQUEST_ERRORS) as call:
            within = _cap_timeout(timeout)
            try:
                response = self._adapter.send(request, stream, within, verify, cert, proxies)
                if not stream:
                    _ = response.content  # read here and kept, so that the call lasts as long
            # A body that stays away is a ConnectionError to requests.
            except (requests.Timeout, requests.ConnectionError):
                if remaining() == 0:
                    call.end()  # it was the caller's time that ran out
                raise
            if response.status_code >= 500:
                call.fail()
        return response

    def close(self) -> None:
        """Closes the adapter that sends."""
        self._adapter.close()


def _cap_timeout(timeout: _Timeout) -> _Timeout:
    """The time-outs for connecting and reading, none longer than what is left."""
    left = remaining()
    if left is None:
        return timeout
    connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    return (
        left if connect is None else min(left, connect),
        left if read is None else min(left, read),
    )
