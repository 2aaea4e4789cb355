"""Report of the hub, as this process sees it."""

from dataclasses import dataclass

from breakerd.breaker.fleet.runtime.runtime import FleetRuntime


@dataclass(frozen=True, slots=True)
class HubReport:
    """The hub, and the exchanges with it.

    Attributes:
        kind: `file`, `redis`, `redis+sentinel`, `redis+cluster` or `none`.
        name: name of the fleet; empty if it has none.
        up: True if the hub has answered lately.
        problem: why it does not; empty if it does.
        epoch: id of the hub's memory; empty before the first answer.
        member: id of this process; empty if it is no member.
        members: processes that report, as the hub said last.
        silent: processes that do not report any more, and have not left in order.
        exchanges: (upper bound in seconds, exchanges that took at most that long), cumulative.
        exchange_seconds: seconds of all exchanges together.
    """

    kind: str
    name: str
    up: bool
    problem: str
    epoch: str
    member: str
    members: int
    silent: int
    exchanges: tuple[tuple[float, int], ...]
    exchange_seconds: float


def make_hub_report(runtime: FleetRuntime) -> HubReport:
    """Return the report of the hub of a runtime. It asks nobody."""
    session, settings = runtime.session, runtime.settings
    view = session.view if session else None
    told = view if session and not session.alone else None
    return HubReport(
        kind=settings.address.kind.value,
        name=settings.name,
        up=session is not None and not session.alone,
        problem=runtime.not_running().get("fleet", ""),
        epoch=view.epoch if view else "",
        member=session.member_id if session else "",
        members=told.members if told else 0,
        silent=told.silent if told else 0,
        exchanges=session.durations.cumulative() if session else (),
        exchange_seconds=session.durations.sum if session else 0.0,
    )
