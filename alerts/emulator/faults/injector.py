"""The faults that are in force, or will be. Pure: `now` is passed in."""

import math
import random
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Final

from breakerd.alerts.emulator.api.messages import Request, Response, refused
from breakerd.alerts.emulator.faults.fault import Fault, FaultError, FaultKind
from breakerd.alerts.emulator.state.alert import Json

MOST: Final = 1_000
"""So many faults can be in force, or waiting for it, at once."""


@dataclass(frozen=True, slots=True)
class Injection:
    """A fault that hits a request. `left` is how many seconds it still lasts, perhaps infinite."""

    fault: Fault
    left: float


@dataclass(frozen=True, slots=True)
class Window:
    """How a request stood to the rate limits when it came in.

    Attributes:
        throttled: a rate limit was in force.
        warned: an earlier 429 had asked for a pause, which was not over.
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


class Faults:
    """All faults, oldest first. Each request meets at most one: the first that hits it."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - to be repeatable, not to be secret
        self._planned: list[_Planned] = []
        self._pauses: dict[str, float] = {}

    def add(self, fault: Fault, now: float) -> None:
        """Puts `fault` into force, `fault.after` seconds from now.

        Raises:
            FaultError: there are too many already.
        """
        self.add_all([fault], now)

    def add_all(self, faults: Iterable[Fault], now: float) -> None:
        """Puts all of `faults` into force, each after its own time, or none of them.

        Raises:
            FaultError: they would be too many.
        """
        self._expire(now)
        planned = [_planned(fault, now) for fault in faults]
        if len(self._planned) + len(planned) > MOST:
            count = len(self._planned)
            raise FaultError(f"there are {count} faults already, of {MOST}; take them away first")
        self._planned += planned

    def clear(self) -> None:
        """Takes all faults away."""
        self._planned.clear()
        self._pauses.clear()

    def strike(self, request: Request, now: float) -> Injection | None:
        """The fault that hits `request`, if one does."""
        self._expire(now)
        line = _line(request)
        for planned in self._planned:
            fault = planned.fault
            if planned.holds(now) and fault.path in line and self._random.random() < fault.share:
                self._use_up(planned)
                strike = Injection(fault, planned.end - now)
                if fault.kind is FaultKind.RATE_LIMIT:
                    asked = now + _pause(strike)
                    self._pauses[fault.path] = max(asked, self._pauses.get(fault.path, asked))
                return strike
        return None

    def window(self, request: Request, now: float) -> Window:
        """How `request` stands to the rate limits; to be asked before `strike`."""
        line = _line(request)
        throttled = any(
            planned.fault.kind is FaultKind.RATE_LIMIT
            and planned.holds(now)
            and planned.fault.path in line
            for planned in self._planned
        )
        warned = any(now < end and path in line for path, end in self._pauses.items())
        return Window(throttled, warned)

    def refusing(self, now: float) -> bool:
        """Whether connections are to be refused."""
        return any(
            planned.fault.kind is FaultKind.REFUSE and planned.holds(now)
            for planned in self._planned
        )

    def as_json(self, now: float) -> list[Json]:
        """The faults in force, and those to come."""
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


def injected_response(strike: Injection) -> Response | None:
    """What a fault answers instead of the API; None if the API answers, or nobody."""
    fault = strike.fault
    if fault.kind is FaultKind.RATE_LIMIT:
        return _throttled(_pause(strike))
    if fault.kind is FaultKind.UNAUTHORIZED:
        return refused(401, "Could not authenticate")
    if fault.kind is FaultKind.ERROR:
        return refused(fault.status or 503, "Service is not available")
    if fault.kind is FaultKind.HTML:
        return Response(fault.status or 502, "<html><body><h1>Bad gateway</h1></body></html>\n")
    if fault.kind is FaultKind.HANG:
        return Response(200, {}, late=math.inf)
    return None


def spoilt(answer: Response, fault: Fault) -> Response | None:
    """What becomes of the API's own answer on its way; None if it gets lost."""
    if fault.kind is FaultKind.DROP:
        return None
    if fault.kind is FaultKind.SLOW:
        return replace(answer, late=fault.delay)
    if fault.kind is FaultKind.TRUNCATED:
        return replace(answer, part=0.5)
    if fault.kind is FaultKind.EMPTY:
        return replace(answer, status=200, part=0.0)
    return answer


def _planned(fault: Fault, now: float) -> _Planned:
    begin = now + fault.after
    end = math.inf if fault.lasting is None else begin + fault.lasting
    return _Planned(replace(fault), begin, end)


def _line(request: Request) -> str:
    return f"{request.method} {request.path}"


def _pause(strike: Injection) -> float:
    """Seconds that a 429 asks for; whole ones from 1, as its headers say it."""
    seconds = strike.fault.delay if math.isinf(strike.left) else strike.left
    return math.ceil(seconds) if seconds >= 1 else seconds


def _throttled(seconds: float) -> Response:
    """429. Retry-After counts whole seconds, so one that is shorter has only OpsGenie's header."""
    period = f"{seconds:.0f}" if seconds >= 1 else f"{seconds:.3f}"
    headers = {
        "X-RateLimit-State": "THROTTLED",
        "X-RateLimit-Reason": "ACCOUNT",
        "X-RateLimit-Period-In-Sec": period,
    }
    if seconds >= 1:
        headers["Retry-After"] = period
    return refused(429, "You are making too many requests!", headers)
