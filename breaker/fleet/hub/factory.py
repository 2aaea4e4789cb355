"""Make the hub that `[fleet]` names."""

from pathlib import Path

from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.fleet.hub.file.hub import FileHub
from breakerd.breaker.fleet.hub.protocol import Hub
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.fleet.settings.hub_address import HubKind


def make_hub(settings: FleetSettings, database: Path) -> Hub | None:
    """Return the hub of a fleet, which connects with the first operation; None for `none`.

    Args:
        settings: `[fleet]`.
        database: file of alerting; the file hub's own lies beside it.

    Raises:
        ConfigError: the hub needs the extra `redis`, which is not installed.
    """
    kind = settings.address.kind
    if kind is HubKind.NONE:
        return None
    if kind is HubKind.FILE:
        return FileHub(hub_file(database))
    try:
        from breakerd.breaker.fleet.hub.redis.hub import RedisHub
    except ModuleNotFoundError as error:
        if error.name != "redis":
            raise
        allowed = "'file', 'none', or a server with the extra redis: pip install 'breakerd[redis]'"
        found = "a server, and the package redis is not installed"
        raise ConfigError([ConfigProblem("settings", 0, "fleet.hub", found, allowed)]) from error
    return RedisHub.from_settings(settings)


def hub_file(database: Path) -> Path:
    """Return the file of the hub beside that of alerting: `breakerd-fleet.db` for `breakerd.db`.

    So two services that keep their files in one folder stay two fleets.
    """
    return database.with_name(f"{database.stem}-fleet{database.suffix}")
