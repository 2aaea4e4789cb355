"""Responses about a fleet: its processes, its hub, and what differs among its hosts."""

from breakerd.api.schemas.responses import ResponseBody
from breakerd.api.schemas.shared_settings import DriftResponse


class FleetMemberResponse(ResponseBody):
    """One process of a fleet, and the state of each of its breakers.

    `age_seconds` is the time since its last report. `settings` is a short hash: who has another one
    has other settings; `settings_differ` is true for those who are fewer.
    """

    id: str
    host: str
    zone: str
    role: str
    pid: int
    version: str
    settings: str
    settings_differ: bool
    labels: dict[str, str]
    age_seconds: float
    silent: bool
    breakers: dict[str, str]


class HubResponse(ResponseBody):
    """Where the processes meet; `problem` says why that does not answer.

    `exchange_p50_seconds` and `exchange_p99_seconds` are bounds of the time that exchanges of this
    process took; null before the first.
    """

    kind: str
    name: str
    up: bool
    problem: str
    epoch: str
    exchanges: int
    exchange_p50_seconds: float | None
    exchange_p99_seconds: float | None


class FleetResponse(ResponseBody):
    """The fleet of the process that answers, which is `member`; `drift` is that of its host."""

    hub: HubResponse
    member: str
    members: list[FleetMemberResponse]
    drift: list[DriftResponse]
