"""Fleet of a `Breakerd`: membership of its process, as `[fleet]` of the file has it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from breakerd.breaker.config import Document
from breakerd.breaker.fleet.host_counters.host_counters import HostCounters
from breakerd.breaker.fleet.hub.factory import hub_file
from breakerd.breaker.fleet.revisions.revisions_file import RevisionsFile
from breakerd.breaker.fleet.revisions.settings_follower import SettingsFollower
from breakerd.breaker.fleet.runtime.fleet import Fleet
from breakerd.breaker.fleet.runtime.runtime import FleetRuntime
from breakerd.breaker.fleet.settings.config_subscriber import FleetConfigSubscriber
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.fleet.settings.hub_address import NONE
from breakerd.breaker.fleet.settings.reading import read_fleet_section
from breakerd.breaker.fleet.views.views import FleetViews
from breakerd.breaker.registry import Registry

if TYPE_CHECKING:
    from breakerd.alerts.alerting import Alerting

JOIN_WAIT: Final = 0.25
"""Maximum seconds that an explicit start waits for the first exchange with the hub."""
_ALERTS: Final = "alerts"
_DATABASE: Final = "var/breakerd.db"
"""Default of `[alerts] database`, which need not be installed here."""


class FleetPart:
    """Part of a process: its membership of a fleet.

    Args:
        registry: the breakers, with the file that `[fleet]` is in.
        state_file: file of the breakers' state, beside which the operators' modes are kept; empty
            if there is none.
        alerting: alerting whose silences other hosts share; None if there is none.
        joins: False: this process is alone, whatever `[fleet]` says.
        looks_on: True for a control plane, which is no member as long as it has no calls.

    Attributes:
        fleet: commands to all processes.
        views: what all processes show.
        settings: settings that hosts share; None without a file.

    Raises:
        ConfigError: `[fleet]`, a variable or a secret file is invalid.
    """

    def __init__(
        self,
        registry: Registry,
        state_file: str,
        alerting: "Alerting | None" = None,
        *,
        joins: bool = True,
        looks_on: bool = False,
    ) -> None:
        config = registry.config
        document = config.document if config else None
        database = alerting_database(document)
        settings = read_fleet_section(document)
        self._runtime = FleetRuntime(
            registry,
            settings if joins else FleetSettings(hub=NONE),
            database,
            _beside(state_file, database, "modes"),
            looks_on=looks_on,
        )
        self._started = False
        self.fleet = Fleet(self._runtime, registry.get)
        self.settings: SettingsFollower | None = None
        self._counters = HostCounters(registry, _counters_file(database))
        self.views = FleetViews(self._runtime, self._counters.read)
        if alerting is not None:
            # These need the extra `alerts`.
            from breakerd.sharing.alerting_link import AlertingLink
            from breakerd.sharing.silences import SharedSilences

            SharedSilences(alerting, self.fleet)
            alerting.fleet = AlertingLink(self._runtime, self.views)
        self._looks: list[Callable[[float], None]] = []
        self._runtime.on_look = self._look
        registry.report_not_running(self._runtime.not_running)
        registry.on_created = self._runtime.greet
        if config is not None:
            subscriber = FleetConfigSubscriber(config, self._apply if joins else None)
            config.subscribe(subscriber)
            kept = RevisionsFile(_beside(state_file, database, "revisions"))
            follower = SettingsFollower(config, self.fleet, kept)
            self.settings = follower
            self._looks += [follower.look, subscriber.follow_secrets]

    def start(self) -> None:
        """Become a member, and wait for nobody; no effect without a hub."""
        self._started = True
        self._runtime.start()
        self._start_counters()

    def close(self) -> None:
        """Leave the fleet in order."""
        self._started = False
        self._runtime.close()
        self._counters.close()

    def wait_joined(self) -> None:
        """Wait a moment for the first exchange, for whoever has asked for a start."""
        self._runtime.wait_joined(JOIN_WAIT)

    def on_look(self, look: Callable[[float], None]) -> None:
        """Call `look` with each look of the fleet's thread, with the time of a steady clock."""
        self._looks.append(look)

    def _look(self, now: float) -> None:
        for look in self._looks:
            look(now)

    def _apply(self, settings: FleetSettings) -> None:
        self._runtime.apply(settings)
        if self._started:
            self._start_counters()

    def _start_counters(self) -> None:
        """Keep the counters of the host where its processes have a hub, and so are several."""
        if self.views.in_force:
            self._counters.start()
        else:
            self._counters.close()


def alerting_database(document: Document | None) -> Path:
    """Return alerting's file, beside which other parts keep theirs; absolute.

    A daemon changes its folder later.
    """
    section = document.data.get(_ALERTS, {}) if document else {}
    found = section.get("database") if isinstance(section, Mapping) else None
    return Path(found if isinstance(found, str) and found else _DATABASE).absolute()


def _counters_file(database: Path) -> Path:
    """Return the file of the counters beside alerting's: `breakerd-counters.db`."""
    return database.with_name(f"{database.stem}-counters{database.suffix}")


def _beside(state_file: str, database: Path, what: str) -> Path:
    """Return the file of what the fleet's processes keep on this host: `…-modes.json`."""
    beside = Path(state_file).absolute() if state_file else hub_file(database)
    return beside.with_name(f"{beside.stem}-{what}.json")
