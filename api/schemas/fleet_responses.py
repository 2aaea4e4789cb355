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


class FleetAlertsResponse(ResponseBody):
    """Part of the host that answers in the alerting of its fleet, and the host that sends.

    `role` is `sender`, `relay` (another host sends) or `alone` (the hub is away for a minute).
    """

    role: str
    sender: str


class FleetResponse(ResponseBody):
    """The fleet of the process that answers, which is `member`; `drift` is that of its host.

    `alerts` is null where each host sends its own, or nobody does.
    """

    alerts: FleetAlertsResponse | None
    hub: HubResponse
    member: str
    members: list[FleetMemberResponse]
    drift: list[DriftResponse]
