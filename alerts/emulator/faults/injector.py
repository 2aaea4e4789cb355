"""Active and scheduled faults, and their effect on responses. Pure: `now` is passed in."""

import math
import random
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Final

from breakerd.alerts.emulator.api.messages import Request, Response, refused
from breakerd.alerts.emulator.faults.fault import Fault, FaultError, FaultKind
from breakerd.alerts.emulator.state.alert import Json

MAX_FAULTS: Final = 1_000
"""Maximum number of active and scheduled faults."""


@dataclass(frozen=True, slots=True)
class Injection:
    """Fault that affects a request. `left` is its remaining seconds, infinite if it has no end."""

    fault: Fault
    left: float


@dataclass(frozen=True, slots=True)
class RateLimitState:
    """State of the rate limits when a request arrived.

    Attributes:
        throttled: True if a rate limit was active.
        warned: True if the pause that an earlier 429 asked for was not over.
    """

    throttled: bool = False
    warned: bool = False


@dataclass(frozen=True, slots=True)
class _Planned:
    fault: Fault
    begin: float
    end: float

    def holds(self, now: float) -> bool:
        return self.begin <= now < self.end


class FaultInjector:
    """All faults, oldest first. At most one affects a request: the first that matches."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - to be repeatable, not to be secret
        self._planned: list[_Planned] = []
        self._pauses: dict[str, float] = {}

    def add(self, fault: Fault, now: float) -> None:
        """Add `fault`; it becomes active `fault.after` seconds from now.

        Raises:
            FaultError: there are too many already.
        """
        self.add_all([fault], now)

    def add_all(self, faults: Iterable[Fault], now: float) -> None:
        """Add all of `faults`, each active after its own `after`, or none of them.

        Raises:
            FaultError: they would be too many.
        """
        self._expire(now)
        planned = [_planned(fault, now) for fault in faults]
        if len(self._planned) + len(planned) > MAX_FAULTS:
            count = len(self._planned)
            raise FaultError(f"{count} of at most {MAX_FAULTS} faults exist; remove some first")
        self._planned += planned

    def clear(self) -> None:
        """Remove all faults."""
        self._planned.clear()
        self._pauses.clear()

    def match(self, request: Request, now: float) -> Injection | None:
        """Return the fault that affects `request`; None if none does."""
        self._expire(now)
        line = _line(request)
        for planned in self._planned:
            fault = planned.fault
            if planned.holds(now) and fault.path in line and self._random.random() < fault.share:
                self._use_up(planned)
                injection = Injection(fault, planned.end - now)
                if fault.kind is FaultKind.RATE_LIMIT:
                    asked = now + _pause(injection)
                    self._pauses[fault.path] = max(asked, self._pauses.get(fault.path, asked))
                return injection
        return None

    def rate_limit_state(self, request: Request, now: float) -> RateLimitState:
        """Return the state of the rate limits for `request`; call it before `match`."""
        line = _line(request)
        throttled = any(
            planned.fault.kind is FaultKind.RATE_LIMIT
            and planned.holds(now)
            and planned.fault.path in line
            for planned in self._planned
        )
        warned = any(now < end and path in line for path, end in self._pauses.items())
        return RateLimitState(throttled, warned)

    def refusing(self, now: float) -> bool:
        """True if connections are to be refused at `now`."""
        return any(
            planned.fault.kind is FaultKind.REFUSE and planned.holds(now)
            for planned in self._planned
        )

    def as_json(self, now: float) -> list[Json]:
        """Return the active faults and those that are scheduled."""
        self._expire(now)
        return [asdict(planned.fault) for planned in self._planned]

    def _use_up(self, planned: _Planned) -> None:
        fault = planned.fault
        if fault.times is not None:
            fault.times -= 1
            if fault.times == 0:
                self._planned = [other for other in self._planned if other is not planned]

    def _expire(self, now: float) -> None:
        if any(planned.end <= now for planned in self._planned):
            self._planned = [planned for planned in self._planned if planned.end > now]
        if self._pauses:
            self._pauses = {path: end for path, end in self._pauses.items() if end > now}


def injected_response(injection: Injection) -> Response | None:
    """Return the response of a fault in place of the API's; None if there is none."""
    fault = injection.fault
    if fault.kind is FaultKind.RATE_LIMIT:
        return _throttled(_pause(injection))
    if fault.kind is FaultKind.UNAUTHORIZED:
        return refused(401, "Could not authenticate")
    if fault.kind is FaultKind.ERROR:
        return refused(fault.status or 503, "Service is not available")
    if fault.kind is FaultKind.HTML:
        return Response(fault.status or 502, "<html><body><h1>Bad gateway</h1></body></html>\n")
    if fault.kind is FaultKind.HANG:
        return Response(200, {}, late=math.inf)
    return None


def altered_response(response: Response, fault: Fault) -> Response | None:
    """Return the API's response as altered by `fault`; None if it is lost."""
    if fault.kind is FaultKind.DROP:
        return None
    if fault.kind is FaultKind.SLOW:
        return replace(response, late=fault.delay)
    if fault.kind is FaultKind.TRUNCATED:
        return replace(response, part=0.5)
    if fault.kind is FaultKind.EMPTY:
        return replace(response, status=200, part=0.0)
    return response


def _planned(fault: Fault, now: float) -> _Planned:
    begin = now + fault.after
    end = math.inf if fault.lasting is None else begin + fault.lasting
    return _Planned(replace(fault), begin, end)


def _line(request: Request) -> str:
    return f"{request.method} {request.path}"


def _pause(injection: Injection) -> float:
    """Return the seconds that a 429 asks for; from 1 on they are whole, as in its headers."""
    seconds = injection.fault.delay if math.isinf(injection.left) else injection.left
    return math.ceil(seconds) if seconds >= 1 else seconds


def _throttled(seconds: float) -> Response:
    """Return 429. `Retry-After` holds whole seconds; a shorter pause has only OpsGenie's header."""
    period = f"{seconds:.0f}" if seconds >= 1 else f"{seconds:.3f}"
    headers = {
        "X-RateLimit-State": "THROTTLED",
        "X-RateLimit-Reason": "ACCOUNT",
        "X-RateLimit-Period-In-Sec": period,
    }
    if seconds >= 1:
        headers["Retry-After"] = period
    return refused(429, "You are making too many requests!", headers)
