"""Responds to requests to the emulated API: injects faults, asks the API, logs the request."""

from collections.abc import Collection
from typing import Protocol

from breakerd.alerts.emulator.api.messages import Request, Response
from breakerd.alerts.emulator.faults.fault import Fault, FaultKind
from breakerd.alerts.emulator.faults.injector import (
    FaultInjector,
    Injection,
    RateLimitState,
    altered_response,
    injected_response,
)
from breakerd.alerts.emulator.state.account import DEFAULT_MODE, WriteMode
from breakerd.alerts.emulator.state.request_log import LogEntry, RequestLog


class Api(Protocol):
    """Emulated API."""

    def auth_error(self, request: Request, keys: Collection[str]) -> Response | None:
        """Return 401 unless `request` is authenticated; None if it is."""
        ...

    def respond(self, request: Request, now: float, write_mode: WriteMode) -> Response:
        """Execute `request` and return its response."""
        ...


class Responder:
    """Responds to requests to the API. Not thread-safe.

    Args:
        api: the emulated API.
        faults: the faults to inject.
        log: where each request is logged.
    """

    def __init__(self, api: Api, faults: FaultInjector, log: RequestLog) -> None:
        self._api = api
        self._faults = faults
        self._log = log

    def respond(self, request: Request, keys: Collection[str], now: float) -> Response | None:
        """Return the response to `request`; None ends the connection without one.

        Args:
            request: the request.
            keys: valid keys; empty: all are valid.
            now: seconds since the epoch.
        """
        rate_limits = self._faults.rate_limit_state(request, now)
        injection = self._faults.match(request, now)
        response = self._respond(request, keys, now, injection)
        entry = _log_entry(request, now, response, injection, rate_limits)
        self._log.add(entry, request.size)
        return response

    def _respond(
        self, request: Request, keys: Collection[str], now: float, injection: Injection | None
    ) -> Response | None:
        if injection is None:
            return self._ask_api(request, keys, now, DEFAULT_MODE)
        fault = injection.fault
        if fault.kind in {FaultKind.DOWN, FaultKind.REFUSE}:
            return None
        if instead := injected_response(injection):
            return instead
        response = self._ask_api(request, keys, now, _write_mode(fault))
        return altered_response(response, fault)

    def _ask_api(
        self, request: Request, keys: Collection[str], now: float, write_mode: WriteMode
    ) -> Response:
        denied = self._api.auth_error(request, keys)
        return denied or self._api.respond(request, now, write_mode)


def _write_mode(fault: Fault) -> WriteMode:
    """Return how a write is executed under `fault`."""
    if fault.kind is FaultKind.UNAPPLIED:
        return WriteMode(applied=False)
    return WriteMode(delay=fault.delay) if fault.kind is FaultKind.DELAYED else DEFAULT_MODE


def _log_entry(
    request: Request,
    now: float,
    response: Response | None,
    injection: Injection | None,
    rate_limits: RateLimitState,
) -> LogEntry:
    hangs = injection is not None and injection.fault.kind is FaultKind.HANG
    return LogEntry(
        at=now,
        method=request.method,
        path=request.path,
        query=request.query,
        headers=request.masked_headers(),
        body=request.body,
        status=0 if response is None or hangs else response.status,
        fault=injection.fault.kind if injection else "",
        throttled=rate_limits.throttled,
        warned=rate_limits.warned,
    )
