"""Guard the requests that a session of `requests` sends."""

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.context import remaining
from breakerd.breaker.guards.guard import ConfiguredGuard
from breakerd.breaker.guards.options import DEFAULT_OPTIONS
from breakerd.breaker.guards.rules import rules_ignoring

REQUEST_ERRORS = (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader)
"""Errors of the request itself, which never reached the server."""

_Timeout = float | tuple[float | None, float | None] | None


class BreakerAdapter(BaseAdapter):
    """Guard each request of a `requests.Session`, including each redirect; retry nothing.

    Answers from 500 on and transport errors count as errors. The call lasts until the body is
    read or, with `stream=True`, until it begins. The time left until the active deadline limits
    the timeouts for connecting and for each read. A timeout after that deadline abandons the call.
    `failed_result` of the breaker is asked about each response.

    Args:
        breaker: the breaker that admits and records the calls.
        adapter: adapter that sends; by default a new `requests.adapters.HTTPAdapter`.

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
        rules = rules_ignoring(self._breaker.rules, *REQUEST_ERRORS)
        with ConfiguredGuard(self._breaker, DEFAULT_OPTIONS, rules) as call:
            within = _cap_timeout(timeout)
            try:
                response = self._adapter.send(request, stream, within, verify, cert, proxies)
                if not stream:
                    _ = response.content  # read here and kept, so that the call lasts as long
            # A body that stays away is a ConnectionError to requests.
            except (requests.Timeout, requests.ConnectionError):
                if remaining() == 0:
                    call.abandon()  # it was the caller's time that ran out
                raise
            if response.status_code >= 500:
                call.fail()
            call.judge(response)
        return response

    def close(self) -> None:
        """Close the adapter that sends."""
        self._adapter.close()


def _cap_timeout(timeout: _Timeout) -> _Timeout:
    """Return the timeouts for connecting and reading, limited by the active deadline."""
    left = remaining()
    if left is None:
        return timeout
    connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    return (
        left if connect is None else min(left, connect),
        left if read is None else min(left, read),
    )
