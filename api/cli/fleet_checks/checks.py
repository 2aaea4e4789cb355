"""Checks of the hub that `[fleet]` names, one after the other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from breakerd.alerts.doctor.finding import Finding, fail, unknown
from breakerd.api.cli.fleet_checks.file_checks import judge_file
from breakerd.api.cli.fleet_checks.server_checks import judge_server
from breakerd.breaker.fleet.hub.factory import hub_file
from breakerd.breaker.fleet.hub.file.inspection import inspect_file
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.fleet.settings.hub_address import HubKind

_NO_CLIENT: Final = "the hub is a server, and the package redis is not installed"


def check_fleet(settings: FleetSettings, database: str) -> Iterator[Finding]:
    """Check the hub, and yield each finding; nothing stays changed there.

    Args:
        settings: `[fleet]`, with the environment applied.
        database: file of alerting, beside which the hub's own is.
    """
    kind = settings.address.kind
    if kind is HubKind.NONE:
        yield unknown("hub", "none: each process decides alone", "set `hub` in [fleet]")
    elif kind is HubKind.FILE:
        yield from judge_file(inspect_file(hub_file(Path(database))))
    else:
        yield from _check_server(settings)


def _check_server(settings: FleetSettings) -> Iterator[Finding]:
    try:
        from breakerd.breaker.fleet.hub.redis.inspection import inspect_server
    except ModuleNotFoundError as error:
        if error.name != "redis":
            raise
        yield fail("hub", _NO_CLIENT, "pip install 'breakerd[redis]'")
        return
    yield from judge_server(inspect_server(settings), settings.address)
